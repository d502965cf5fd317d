package postgres

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/confuse/data-connector/domain"
)

// Refuse remembers that a part of an item that stage gave was refused for good,
// over what was known of that part. Of an item that is forgotten it remembers
// nothing.
func (t *Handed) Refuse(ctx context.Context, stage string, p domain.RefusedPart) error {
	letter, err := json.Marshal(p.Letter)
	if err != nil {
		return fmt.Errorf("postgres: refused part: %w", err)
	}
	_, err = t.db.Exec(ctx, `
		INSERT INTO app.refused_parts (stage, item_id, part_id, error, letter)
		SELECT stage, item_id, $3, $4, $5 FROM app.handed_items WHERE stage = $1 AND item_id = $2
		ON CONFLICT (stage, item_id, part_id) DO UPDATE SET error = EXCLUDED.error, letter = EXCLUDED.letter`,
		stage, p.Item, p.ID, p.Error, string(letter))
	if err != nil {
		return fmt.Errorf("postgres: refused part: %w", err)
	}
	return nil
}

// takenTime is how long a part is remembered that was accepted. Its record can come
// again as long as it is on its topic: 3 days, and up to 7 more until Kafka closes its
// segment, which is what it deletes.
const takenTime = 14 * 24 * time.Hour

// Take remembers that parts were accepted. One that comes again is not counted again,
// also when nobody knows whether Take had been done.
func (t *Handed) Take(ctx context.Context, stage string, parts []domain.HandedPart) error {
	items, ids := idsOf(parts)
	// Items are locked in the order of their ids, as everybody does who counts.
	_, err := t.db.Exec(ctx, `
		WITH g AS (SELECT * FROM unnest($2::uuid[], $3::uuid[]) g (item_id, part_id)),
		locked AS (
			SELECT item_id FROM app.handed_items WHERE stage = $1 AND item_id = ANY ($2) ORDER BY item_id FOR NO KEY UPDATE
		), taken AS (
			INSERT INTO app.taken_parts (stage, item_id, part_id) SELECT $1, item_id, part_id FROM g JOIN locked USING (item_id)
			ON CONFLICT DO NOTHING RETURNING item_id
		), counted AS (
			UPDATE app.handed_items h SET parts = h.parts + n.parts
			FROM (SELECT item_id, count(*) AS parts FROM taken GROUP BY item_id) n
			WHERE h.stage = $1 AND h.item_id = n.item_id
		)
		DELETE FROM app.refused_parts r USING g WHERE r.stage = $1 AND r.item_id = g.item_id AND r.part_id = g.part_id`,
		stage, items, ids)
	if err != nil {
		return fmt.Errorf("postgres: accepted parts: %w", err)
	}
	return t.forgetTaken(ctx)
}

// Taken tells which parts were accepted, as far as that is remembered, by their own ids.
func (t *Handed) Taken(ctx context.Context, stage string, parts []domain.HandedPart) (map[uuid.UUID]bool, error) {
	items, ids := idsOf(parts)
	rows, err := t.db.Query(ctx, `
		SELECT part_id FROM app.taken_parts JOIN unnest($2::uuid[], $3::uuid[]) g (item_id, part_id) USING (item_id, part_id) WHERE stage = $1`,
		stage, items, ids)
	if err != nil {
		return nil, fmt.Errorf("postgres: taken parts: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, fmt.Errorf("postgres: taken parts: %w", err)
	}
	taken := make(map[uuid.UUID]bool, len(found))
	for _, id := range found {
		taken[id] = true
	}
	return taken, nil
}

// idsOf are the ids of parts and of their items as arrays.
func idsOf(parts []domain.HandedPart) (items, ids []uuid.UUID) {
	for _, p := range parts {
		items, ids = append(items, p.Item), append(ids, p.ID)
	}
	return items, ids
}

// forgetTaken drops some of what can come no more, always more than one Take adds. It is
// a transaction of its own: it waits for nobody, and nobody's item for it.
func (t *Handed) forgetTaken(ctx context.Context) error {
	_, err := t.db.Exec(ctx, `
		DELETE FROM app.taken_parts WHERE (stage, item_id, part_id) IN (
			SELECT stage, item_id, part_id FROM app.taken_parts WHERE taken_at < now() - $1::interval ORDER BY taken_at LIMIT 1000 FOR UPDATE SKIP LOCKED
		)`, takenTime)
	if err != nil {
		return fmt.Errorf("postgres: forget accepted parts: %w", err)
	}
	return nil
}

// Parts tells what became of the parts of items. One that is forgotten has none.
func (t *Handed) Parts(ctx context.Context, stage string, items []uuid.UUID) (map[uuid.UUID]domain.Parts, error) {
	rows, err := t.db.Query(ctx, //nolint:rowserrcheck // ForEachRow looks
		`SELECT h.item_id, h.parts, r.part_id, coalesce(r.error, ''), coalesce(r.letter, '')
		FROM app.handed_items h LEFT JOIN LATERAL (
			SELECT * FROM app.refused_parts r WHERE r.stage = h.stage AND r.item_id = h.item_id LIMIT $3
		) r ON true
		WHERE h.stage = $1 AND h.item_id = ANY ($2)`, stage, items, domain.MaxRefused)
	if err != nil {
		return nil, fmt.Errorf("postgres: parts: %w", err)
	}
	all := make(map[uuid.UUID]domain.Parts, len(items))
	var item uuid.UUID
	var part *uuid.UUID
	var accepted int64
	var text, letter string
	_, err = pgx.ForEachRow(rows, []any{&item, &accepted, &part, &text, &letter}, func() error {
		one := all[item]
		if one.Accepted = accepted; part != nil {
			r := domain.RefusedPart{HandedPart: domain.HandedPart{Item: item, ID: *part}, Error: text}
			if err := json.Unmarshal([]byte(letter), &r.Letter); err != nil {
				return err
			}
			one.Refused = append(one.Refused, r)
		}
		all[item] = one
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("postgres: parts: %w", err)
	}
	for _, one := range all {
		slices.SortFunc(one.Refused, func(a, b domain.RefusedPart) int { return cmp.Compare(a.Letter.Offset, b.Letter.Offset) })
	}
	return all, nil
}

// Absolve forgets the refused parts of a state of a file.
func (t *Handed) Absolve(ctx context.Context, stage string, file domain.FileID, at domain.Revised) error {
	_, err := t.db.Exec(ctx, `
		DELETE FROM app.refused_parts r USING app.handed_items h
		WHERE h.stage = $1 AND h.file_id = $2 AND h.run = $3 AND h.seq = $4 AND r.stage = h.stage AND r.item_id = h.item_id`,
		stage, file.UUID, at.Run, at.Seq)
	if err != nil {
		return fmt.Errorf("postgres: absolve: %w", err)
	}
	return nil
}

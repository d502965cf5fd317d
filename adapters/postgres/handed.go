package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/confuse/data-connector/domain"
)

// Handed is the table of what stages have given to neighbours.
type Handed struct{ db *pgxpool.Pool }

var _ domain.HandedItems = (*Handed)(nil)

// NewHanded makes the table over the pool db.
func NewHanded(db *pgxpool.Pool) *Handed { return &Handed{db} }

// Offer implements domain.HandedItems.
func (t *Handed) Offer(ctx context.Context, stage, turn string, items []domain.HandedItem) ([]domain.HandedBefore, error) {
	c := columnsOf(items)
	_, err := t.db.Exec(ctx, `
		INSERT INTO app.handed_items (stage, item_id, source_id, owner_id, file_id, run, seq, digest, path, revision)
		SELECT $1, g.* FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::uuid[], $6::bigint[], $7::bigint[], $8::bytea[], $9::text[], $10::text[]) g
		ON CONFLICT DO NOTHING`,
		stage, c.ids, c.sources, c.owners, c.files, c.runs, c.seqs, c.digests, c.paths, c.revisions)
	if err != nil {
		return nil, fmt.Errorf("postgres: offer items: %w", err)
	}
	rows, err := t.db.Query(ctx, `
		SELECT coalesce(h.accepted_at IS NOT NULL AND (h.accepted_replay = $2 OR $2 = '' AND (g.run, g.seq) = (0, 0)), false), p.digest
		FROM unnest($3::uuid[], $4::uuid[], $5::bigint[], $6::bigint[]) WITH ORDINALITY g (item_id, file_id, run, seq, n)
		LEFT JOIN app.handed_items h ON h.stage = $1 AND h.item_id = g.item_id
		LEFT JOIN LATERAL (
			SELECT digest FROM app.handed_items o
			WHERE o.stage = $1 AND o.file_id = g.file_id AND (o.run, o.seq) < (g.run, g.seq) AND o.accepted_at IS NOT NULL
			ORDER BY o.run DESC, o.seq DESC LIMIT 1
		) p ON true
		ORDER BY g.n`, stage, turn, c.ids, c.files, c.runs, c.seqs)
	if err != nil {
		return nil, fmt.Errorf("postgres: offered items: %w", err)
	}
	before, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (b domain.HandedBefore, err error) {
		var digest []byte
		err = row.Scan(&b.Accepted, &digest)
		b.Known = digest != nil
		copy(b.Digest[:], digest)
		return b, err
	})
	if err != nil {
		return nil, fmt.Errorf("postgres: offered items: %w", err)
	}
	return before, nil
}

// Accept implements domain.HandedItems. Of the files' older states it drops those
// that nobody asks for any more.
func (t *Handed) Accept(ctx context.Context, stage, turn string, ids []uuid.UUID) error {
	_, err := t.db.Exec(ctx, `
		WITH done AS (
			UPDATE app.handed_items SET accepted_at = now(), accepted_replay = $2
			WHERE stage = $1 AND item_id = ANY ($3) RETURNING file_id, run, seq
		)
		DELETE FROM app.handed_items o USING done
		WHERE o.stage = $1 AND o.file_id = done.file_id AND (o.run, o.seq) < (done.run, done.seq) AND o.accepted_at < now() - interval '7 days'`,
		stage, turn, ids)
	if err != nil {
		return fmt.Errorf("postgres: accept items: %w", err)
	}
	return nil
}

// Find implements domain.HandedItems.
func (t *Handed) Find(ctx context.Context, stage string, ids []uuid.UUID) (map[uuid.UUID]domain.HandedItem, error) {
	rows, err := t.db.Query(ctx, `
		SELECT item_id, source_id, owner_id, file_id, run, seq, digest, path, revision
		FROM app.handed_items WHERE stage = $1 AND item_id = ANY ($2)`, stage, ids)
	if err != nil {
		return nil, fmt.Errorf("postgres: find items: %w", err)
	}
	items := make(map[uuid.UUID]domain.HandedItem, len(ids))
	var i domain.HandedItem
	var digest []byte
	_, err = pgx.ForEachRow(rows, []any{
		&i.ID, &i.SourceID.UUID, &i.OwnerID, &i.FileID.UUID, &i.At.Run, &i.At.Seq, &digest, &i.Path, &i.Revision,
	}, func() error {
		i.Digest = domain.Digest{}
		copy(i.Digest[:], digest)
		items[i.ID] = i
		return nil
	})
	err = errors.Join(err, rows.Err())
	if err != nil {
		return nil, fmt.Errorf("postgres: find items: %w", err)
	}
	return items, nil
}

// Forget implements domain.HandedItems.
func (t *Handed) Forget(ctx context.Context, source domain.SourceID) error {
	if _, err := t.db.Exec(ctx, `DELETE FROM app.handed_items WHERE source_id = $1`, source.UUID); err != nil {
		return fmt.Errorf("postgres: forget items: %w", err)
	}
	return nil
}

package projections

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/confuse/data-connector/domain"
)

// stageNames are the columns of file_stages in the order of [stageColumns.values].
const stageNames = `file_id, stage, source_id, owner_id, run, seq, state, items, error, at, replay, reason, letter, log_offset`

// A source that was removed gets no stages any more; one that is not there yet
// does, since the two topics are folded at their own pace.
const upsertStages = `
	INSERT INTO file_stages (` + stageNames + `)
	SELECT u.file_id, u.stage, u.source_id, u.owner_id, u.run, u.seq, u.state, u.items, u.error, u.at, u.replay, u.reason, u.letter, u.log_offset
	FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::bigint[], $6::bigint[], $7::text[], $8::bigint[],
			$9::text[], $10::timestamptz[], $11::text[], $12::text[], $13::text[], $14::bigint[])
		AS u(file_id, stage, source_id, owner_id, run, seq, state, items, error, at, replay, reason, letter, log_offset)
	WHERE NOT EXISTS (SELECT FROM sources s WHERE s.source_id = u.source_id AND s.removed)
	ON CONFLICT (file_id, stage) DO UPDATE
	SET run = EXCLUDED.run, seq = EXCLUDED.seq, state = EXCLUDED.state, items = EXCLUDED.items,
		error = EXCLUDED.error, at = EXCLUDED.at, replay = EXCLUDED.replay,
		reason = EXCLUDED.reason, letter = EXCLUDED.letter, log_offset = EXCLUDED.log_offset
	WHERE file_stages.source_id = EXCLUDED.source_id
		AND (file_stages.run, file_stages.seq, file_stages.log_offset) < (EXCLUDED.run, EXCLUDED.seq, EXCLUDED.log_offset)`

func writeStages(ctx context.Context, tx pgx.Tx, p *partition, b *batch) error {
	if len(b.stages) == 0 {
		return nil
	}
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock_shared($1, $2)`, removalLock, p.number); err != nil {
		return err
	}
	var c stageColumns
	for _, k := range slices.SortedFunc(maps.Keys(b.stages), compareStages) {
		c.add(b.stages[k])
	}
	if _, err := tx.Exec(ctx, upsertStages, c.values()...); err != nil {
		return fmt.Errorf("file_stages: %w", err)
	}
	return nil
}

type stageColumns struct {
	file, source                       [][16]byte
	stage, owner, state, issue, replay []string
	reason, letter                     []string
	run, seq, items, offset            []int64
	at                                 []pgtype.Timestamptz
}

func (c *stageColumns) add(e stageOf) {
	c.file, c.source = append(c.file, e.FileID.UUID), append(c.source, e.SourceID.UUID)
	c.stage, c.owner, c.state = append(c.stage, e.Stage), append(c.owner, string(e.OwnerID)), append(c.state, string(e.State))
	c.issue, c.replay = append(c.issue, e.Error), append(c.replay, e.Replay)
	c.reason, c.letter = append(c.reason, e.Reason), append(c.letter, letterText(e.Letter))
	c.run, c.seq, c.items = append(c.run, e.Run), append(c.seq, e.Seq), append(c.items, e.Items)
	c.at, c.offset = append(c.at, nullTime(e.At)), append(c.offset, e.offset)
}

func (c *stageColumns) values() []any {
	return []any{
		c.file, c.stage, c.source, c.owner, c.run, c.seq, c.state, c.items, c.issue,
		pgtype.FlatArray[pgtype.Timestamptz](c.at), c.replay, c.reason, c.letter, c.offset,
	}
}

func letterText(l *domain.Letter) string {
	if l == nil {
		return ""
	}
	text, _ := json.Marshal(l) // numbers, text and a time that was read from JSON
	return string(text)
}

func compareStages(a, b stageKey) int {
	return cmp.Or(a.file.Compare(b.file), cmp.Compare(a.stage, b.stage))
}

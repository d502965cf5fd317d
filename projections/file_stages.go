package projections

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// A source that was removed gets no stages any more; one that is not there yet
// does, since the two topics are folded at their own pace.
const upsertStages = `
	INSERT INTO file_stages (file_id, stage, source_id, owner_id, run, seq, state, items, error, at, replay, log_offset)
	SELECT u.file_id, u.stage, u.source_id, u.owner_id, u.run, u.seq, u.state, u.items, u.error, u.at, u.replay, u.log_offset
	FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::bigint[], $6::bigint[], $7::text[], $8::bigint[],
			$9::text[], $10::timestamptz[], $11::text[], $12::bigint[])
		AS u(file_id, stage, source_id, owner_id, run, seq, state, items, error, at, replay, log_offset)
	WHERE NOT EXISTS (SELECT FROM sources s WHERE s.source_id = u.source_id AND s.removed)
	ON CONFLICT (file_id, stage) DO UPDATE
	SET run = EXCLUDED.run, seq = EXCLUDED.seq, state = EXCLUDED.state, items = EXCLUDED.items,
		error = EXCLUDED.error, at = EXCLUDED.at, replay = EXCLUDED.replay, log_offset = EXCLUDED.log_offset
	WHERE file_stages.source_id = EXCLUDED.source_id
		AND (file_stages.run, file_stages.seq, file_stages.log_offset) < (EXCLUDED.run, EXCLUDED.seq, EXCLUDED.log_offset)`

func writeStages(ctx context.Context, tx pgx.Tx, p *partition, b *batch) error {
	if len(b.stages) == 0 {
		return nil
	}
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock_shared($1, $2)`, removalLock, p.number); err != nil {
		return err
	}
	var (
		file, source                       [][16]byte
		stage, owner, state, issue, replay []string
		run, seq, items, offset            []int64
		at                                 []pgtype.Timestamptz
	)
	for _, k := range slices.SortedFunc(maps.Keys(b.stages), compareStages) {
		e := b.stages[k]
		file, source = append(file, e.FileID.UUID), append(source, e.SourceID.UUID)
		stage, owner, state = append(stage, e.Stage), append(owner, string(e.OwnerID)), append(state, string(e.State))
		issue, replay = append(issue, e.Error), append(replay, e.Replay)
		run, seq, items = append(run, e.Run), append(seq, e.Seq), append(items, e.Items)
		at, offset = append(at, nullTime(e.At)), append(offset, e.offset)
	}
	_, err := tx.Exec(ctx, upsertStages, file, stage, source, owner, run, seq, state, items, issue,
		pgtype.FlatArray[pgtype.Timestamptz](at), replay, offset)
	if err != nil {
		return fmt.Errorf("file_stages: %w", err)
	}
	return nil
}

func compareStages(a, b stageKey) int {
	return cmp.Or(a.file.Compare(b.file), cmp.Compare(a.stage, b.stage))
}

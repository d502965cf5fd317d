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

const upsertRuns = `
	INSERT INTO runs (source_id, run, run_id, job_id, partition, started_offset, ended_offset)
	SELECT u.source_id, u.run, u.run_id, u.job_id, $7, u.started_offset, u.ended_offset
	FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::uuid[], $5::bigint[], $6::bigint[])
		AS u(source_id, run, run_id, job_id, started_offset, ended_offset)
	ON CONFLICT (source_id, run) DO UPDATE SET ended_offset = EXCLUDED.ended_offset`

// writeRuns writes the runs that started or ended.
func writeRuns(ctx context.Context, tx pgx.Tx, p *partition, b *batch) error {
	if len(b.runs) == 0 {
		return nil
	}
	var (
		source, id, job [][16]byte
		number, started []int64
		ended           []pgtype.Int8
	)
	for _, k := range slices.SortedFunc(maps.Keys(b.runs), compareRuns) {
		r := b.runs[k]
		source, id, job = append(source, k.source.UUID), append(id, r.ID.UUID), append(job, r.JobID.UUID)
		number, started = append(number, r.Number), append(started, r.Started)
		ended = append(ended, pgtype.Int8{Int64: r.Ended, Valid: r.Ended >= 0})
	}
	_, err := tx.Exec(ctx, upsertRuns, source, number, id, job, started, pgtype.FlatArray[pgtype.Int8](ended), p.number)
	if err != nil {
		return fmt.Errorf("runs: %w", err)
	}
	return nil
}

func compareRuns(a, b runKey) int {
	return cmp.Or(compareSources(a.source, b.source), cmp.Compare(a.number, b.number))
}

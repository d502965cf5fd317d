package projections

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/confuse/data-connector/domain"
)

// runNames are the columns of runs in the order of [runColumns.values].
const runNames = `source_id, run, run_id, job_id, started_offset, ended_offset, partition`

const upsertRuns = `
	INSERT INTO runs (` + runNames + `)
	SELECT u.source_id, u.run, u.run_id, u.job_id, u.started_offset, u.ended_offset, $7
	FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::uuid[], $5::bigint[], $6::bigint[])
		AS u(source_id, run, run_id, job_id, started_offset, ended_offset)
	ON CONFLICT (source_id, run) DO UPDATE SET ended_offset = EXCLUDED.ended_offset`

// writeRuns writes the runs that started or ended.
func writeRuns(ctx context.Context, tx pgx.Tx, p *partition, b *batch) error {
	if len(b.runs) == 0 {
		return nil
	}
	var c runColumns
	for _, k := range slices.SortedFunc(maps.Keys(b.runs), compareRuns) {
		c.add(k, b.runs[k])
	}
	if _, err := tx.Exec(ctx, upsertRuns, c.values(p.number)...); err != nil {
		return fmt.Errorf("runs: %w", err)
	}
	return nil
}

type runColumns struct {
	source, id, job [][16]byte
	number, started []int64
	ended           []pgtype.Int8
}

func (c *runColumns) add(k runKey, r domain.Run) {
	c.source, c.id, c.job = append(c.source, k.source.UUID), append(c.id, r.ID.UUID), append(c.job, r.JobID.UUID)
	c.number, c.started = append(c.number, r.Number), append(c.started, r.Started)
	c.ended = append(c.ended, pgtype.Int8{Int64: r.Ended, Valid: r.Ended >= 0})
}

func (c *runColumns) values(partition int32) []any {
	return []any{c.source, c.number, c.id, c.job, c.started, pgtype.FlatArray[pgtype.Int8](c.ended), partition}
}

func compareRuns(a, b runKey) int {
	return cmp.Or(compareSources(a.source, b.source), cmp.Compare(a.number, b.number))
}

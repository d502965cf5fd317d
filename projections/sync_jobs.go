package projections

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/confuse/data-connector/domain"
)

// jobNames are the columns of sync_jobs in the order of [jobColumns.values].
const jobNames = `job_id, source_id, owner_id, provider, mode, trigger, status, attempt, run,
	requested_at, started_at, ended_at, retry_at, counts, failure, state`

const upsertJobs = `
	INSERT INTO sync_jobs (` + jobNames + `)
	SELECT u.job_id, u.source_id, u.owner_id, u.provider, u.mode, u.trigger, u.status, u.attempt, u.run,
		u.requested_at, u.started_at, u.ended_at, u.retry_at, u.counts::jsonb, u.failure::jsonb, u.state::json
	FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::int[], $9::bigint[],
			$10::timestamptz[], $11::timestamptz[], $12::timestamptz[], $13::timestamptz[], $14::text[], $15::text[], $16::text[])
		AS u(job_id, source_id, owner_id, provider, mode, trigger, status, attempt, run,
			requested_at, started_at, ended_at, retry_at, counts, failure, state)
	ON CONFLICT (job_id) DO UPDATE
	SET mode = EXCLUDED.mode, status = EXCLUDED.status, attempt = EXCLUDED.attempt, run = EXCLUDED.run,
		started_at = EXCLUDED.started_at, ended_at = EXCLUDED.ended_at, retry_at = EXCLUDED.retry_at,
		counts = EXCLUDED.counts, failure = EXCLUDED.failure, state = EXCLUDED.state
	WHERE sync_jobs.source_id = EXCLUDED.source_id`

func writeJobs(ctx context.Context, tx pgx.Tx, _ *partition, b *batch) error {
	if len(b.jobs) == 0 {
		return nil
	}
	var c jobColumns
	for _, id := range slices.SortedFunc(maps.Keys(b.jobs), compareJobs) {
		j := b.jobs[id]
		if err := c.add(j.Job, b.sourceNow(j.source)); err != nil {
			return fmt.Errorf("sync_jobs: %w", err)
		}
	}
	if _, err := tx.Exec(ctx, upsertJobs, c.values()...); err != nil {
		return fmt.Errorf("sync_jobs: %w", err)
	}
	return nil
}

type jobColumns struct {
	id, source                                            [][16]byte
	owner, provider, mode, trigger, status, counts, state []string
	attempt                                               []int32
	run                                                   []int64
	requested, started, ended, retry                      []pgtype.Timestamptz
	failure                                               []pgtype.Text
}

func (c *jobColumns) add(j domain.Job, s domain.Source) error {
	state, err := jsonText(j)
	if err != nil {
		return err
	}
	counts, err := jsonText(j.Counts)
	if err != nil {
		return err
	}
	var failure string
	if j.Failure != nil {
		if failure, err = jsonText(j.Failure); err != nil {
			return err
		}
	}
	c.id, c.source = append(c.id, j.ID.UUID), append(c.source, s.ID.UUID)
	c.owner, c.provider = append(c.owner, string(s.Owner)), append(c.provider, string(s.Provider))
	c.mode, c.trigger, c.status = append(c.mode, string(j.Mode)), append(c.trigger, string(j.Trigger)), append(c.status, string(j.Status))
	c.attempt, c.run = append(c.attempt, int32(j.Attempt)), append(c.run, j.Run)
	c.requested, c.started = append(c.requested, nullTime(j.RequestedAt)), append(c.started, nullTime(j.StartedAt))
	c.ended, c.retry = append(c.ended, nullTime(j.EndedAt)), append(c.retry, nullTime(j.RetryAt))
	c.counts, c.failure, c.state = append(c.counts, counts), append(c.failure, nullText(failure)), append(c.state, state)
	return nil
}

func (c *jobColumns) values() []any {
	times := func(t []pgtype.Timestamptz) pgtype.FlatArray[pgtype.Timestamptz] { return t }
	return []any{
		c.id, c.source, c.owner, c.provider, c.mode, c.trigger, c.status, c.attempt, c.run,
		times(c.requested), times(c.started), times(c.ended), times(c.retry), c.counts, pgtype.FlatArray[pgtype.Text](c.failure), c.state,
	}
}

func compareJobs(a, b domain.JobID) int { return bytes.Compare(a.UUID[:], b.UUID[:]) }

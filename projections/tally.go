package projections

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// A Tally counts the sources that are not being removed, and the open jobs.
type Tally struct {
	Sources  []Count
	Jobs     []Count // that have not ended; of each provider that has sources both statuses, 0 too
	Retrying int64   // of these: that wait for their next attempt
	Held     int64   // deletes that wait for a release
	Holding  int64   // sources that hold some
}

// A Count is how many of a provider have a status.
type Count struct {
	Provider, Status string
	Number           int64
}

// Tally counts over all owners: it names none, and is for metrics.
func (r *Reader) Tally(ctx context.Context) (t Tally, err error) {
	if t.Sources, err = query(ctx, r.db, pgx.RowToStructByPos[Count], `
		SELECT provider, status, count(*) FROM sources WHERE NOT removing GROUP BY provider, status ORDER BY provider, status`); err != nil {
		return t, fmt.Errorf("tally of sources: %w", err)
	}
	if t.Jobs, err = query(ctx, r.db, pgx.RowToStructByPos[Count], `
		SELECT p.provider, w.status, count(j.job_id)
		FROM (SELECT DISTINCT provider FROM sources) p CROSS JOIN (VALUES ('queued'), ('running')) w (status)
		LEFT JOIN sync_jobs j ON j.provider = p.provider AND j.status = w.status AND j.status IN ('queued', 'running')
		GROUP BY p.provider, w.status ORDER BY p.provider, w.status`); err != nil {
		return t, fmt.Errorf("tally of jobs: %w", err)
	}
	_, err = query(ctx, r.db, func(row pgx.CollectableRow) (struct{}, error) {
		return struct{}{}, row.Scan(&t.Retrying, &t.Held, &t.Holding)
	}, `
		SELECT (SELECT count(*) FROM sync_jobs WHERE status IN ('queued', 'running') AND retry_at > now()), coalesce(sum(count), 0)::bigint, count(count)
		FROM (SELECT (state->'held'->>'count')::bigint AS count FROM sources WHERE NOT removing) held`)
	if err != nil {
		return t, fmt.Errorf("tally of held deletes: %w", err)
	}
	return t, nil
}

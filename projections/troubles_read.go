package projections

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/confuse/data-connector/domain"
)

// A Trouble counts what of a source is stuck.
type Trouble struct {
	Letters int64 // dead letters
	Parked  int64 // records that wait in poison, its cause among them
	Failed  bool  // its last job that ended by itself has failed for good
}

// Troubles are those of all sources of all owners that have any.
func (r *Reader) Troubles(ctx context.Context) (map[domain.SourceID]Trouble, error) {
	type one struct {
		source domain.SourceID
		Trouble
	}
	rows, err := query(ctx, r.db, func(row pgx.CollectableRow) (o one, err error) {
		err = row.Scan(&o.source.UUID, &o.Letters, &o.Parked, &o.Failed)
		return o, err
	}, `
		SELECT source_id, sum(letters)::bigint, sum(parked)::bigint, bool_or(failed) FROM (
			SELECT source_id, count(*) AS letters, 0 AS parked, false AS failed FROM file_stages WHERE state = 'failed' GROUP BY source_id
			UNION ALL
			SELECT p.source_id, 0, count(*), false FROM poison p
			WHERE EXISTS (SELECT FROM poison c WHERE c.source_id = p.source_id AND c.parks) GROUP BY p.source_id
			UNION ALL
			SELECT s.source_id, 0, 0, true FROM sources s CROSS JOIN LATERAL (
				SELECT status FROM sync_jobs j WHERE j.source_id = s.source_id AND j.status IN ('completed', 'failed') ORDER BY run DESC LIMIT 1) last
			WHERE NOT s.removing AND s.state->'failure' IS NOT NULL AND last.status = 'failed'
		) stuck GROUP BY source_id`)
	if err != nil {
		return nil, fmt.Errorf("count what is stuck: %w", err)
	}
	found := map[domain.SourceID]Trouble{}
	for _, o := range rows {
		found[o.source] = o.Trouble
	}
	return found, nil
}

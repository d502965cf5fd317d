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
}

// Troubles are those of all sources of all owners that have any.
func (r *Reader) Troubles(ctx context.Context) (map[domain.SourceID]Trouble, error) {
	type one struct {
		source domain.SourceID
		Trouble
	}
	rows, err := query(ctx, r.db, func(row pgx.CollectableRow) (o one, err error) {
		err = row.Scan(&o.source.UUID, &o.Letters, &o.Parked)
		return o, err
	}, `
		SELECT source_id, sum(letters)::bigint, sum(parked)::bigint FROM (
			SELECT source_id, count(*) AS letters, 0 AS parked FROM file_stages WHERE state = 'failed' GROUP BY source_id
			UNION ALL
			SELECT p.source_id, 0, count(*) FROM poison p
			WHERE EXISTS (SELECT FROM poison c WHERE c.source_id = p.source_id AND c.parks) GROUP BY p.source_id
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

package projections

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/confuse/data-connector/domain"
)

// A ReplayCount counts the files of which a stage last said the same in a replay.
type ReplayCount struct {
	Stage  string
	State  domain.StageState
	Reason string // of skipped
	Files  int64
}

// CountReplay counts what stages made of a replay of owner's sources, as far as
// they have not said anything newer of a file since.
func (r *Reader) CountReplay(ctx context.Context, owner domain.OwnerID, replay string, sources []domain.SourceID) ([]ReplayCount, error) {
	ids := make([][16]byte, len(sources))
	for i, id := range sources {
		ids[i] = id.UUID
	}
	counts, err := query(ctx, r.db, func(row pgx.CollectableRow) (c ReplayCount, err error) {
		err = row.Scan(&c.Stage, (*string)(&c.State), &c.Reason, &c.Files)
		return c, err
	}, `SELECT stage, state, reason, count(*) FROM file_stages
		WHERE source_id = ANY($1::uuid[]) AND owner_id = $2 AND replay = $3 GROUP BY stage, state, reason ORDER BY stage, state, reason`,
		ids, string(owner), replay)
	if err != nil {
		return nil, fmt.Errorf("count a replay: %w", err)
	}
	return counts, nil
}

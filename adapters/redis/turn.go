package redis

import (
	"context"
	"time"

	"github.com/confuse/data-connector/domain"
)

// Turn lets one of several processes have a source for d: true for the first one
// that asks, false for all others until d has passed. Losing Redis gives somebody
// another turn.
func (q *Queue) Turn(ctx context.Context, source domain.SourceID, d time.Duration) (bool, error) {
	first, err := q.rdb.SetNX(ctx, q.base+"turn:"+source.String(), 1, d).Result()
	if err != nil {
		return false, classify(ctx, "turn", err)
	}
	return first, nil
}

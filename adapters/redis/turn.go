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
	return q.turn(ctx, "turn:", source, d)
}

// CollectTurn is Turn for those who look through the packs of a source.
func (q *Queue) CollectTurn(ctx context.Context, source domain.SourceID, d time.Duration) (bool, error) {
	return q.turn(ctx, "collect:", source, d)
}

func (q *Queue) turn(ctx context.Context, what string, source domain.SourceID, d time.Duration) (bool, error) {
	first, err := q.rdb.SetNX(ctx, q.base+what+source.String(), 1, d).Result()
	if err != nil {
		return false, classify(ctx, "turn", err)
	}
	return first, nil
}

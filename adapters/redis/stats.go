package redis

import (
	"context"
	"time"
)

// Stats say how long the queue is. A ticket that waits behind a lease of its
// source is not counted.
type Stats struct {
	Due     int64         // tickets that any free worker may take, as far as the caps allow
	Waiting int64         // tickets whose time has not come
	Leased  int64         // tickets that workers hold
	Oldest  time.Duration // how long the first of the due ones has been due; 0: there is none
}

// Stats looks at the queue as of one moment. Its cost grows with the number of
// owners that wait, not with the number of tickets.
func (q *Queue) Stats(ctx context.Context) (Stats, error) {
	n, err := q.run(ctx, q.scripts.stats).Int64Slice()
	if err != nil || len(n) != 4 {
		return Stats{}, classify(ctx, "stats", err)
	}
	return Stats{Due: n[0], Waiting: n[1], Leased: n[2], Oldest: time.Duration(n[3]) * time.Millisecond}, nil
}

package projections

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/confuse/data-connector/domain"
)

// Waiters are those in this process who wait for the fold. There is one a
// process; it may be used concurrently. The runner of the process wakes them
// directly, [Waiters.Listen] passes on what runners of other processes did.
//
// Nobody polls: each waiter asks for the checkpoint once, after it has put itself
// on the list, and is then told.
type Waiters struct {
	db    *pgxpool.Pool
	topic string // of events
	log   *slog.Logger
	clock domain.Clock

	mu         sync.Mutex
	waiting    map[int32]map[*waiter]struct{}
	subscribed map[chan struct{}]struct{}
}

type waiter struct {
	offset int64
	folded chan struct{} // closed when it is
}

var _ domain.Folds = (*Waiters)(nil)

// NewWaiters makes the list for positions on topic, the one of events.
func NewWaiters(db *pgxpool.Pool, topic string, clock domain.Clock, log *slog.Logger) *Waiters {
	return &Waiters{
		db: db, topic: topic, log: log, clock: clock,
		waiting:    map[int32]map[*waiter]struct{}{},
		subscribed: map[chan struct{}]struct{}{},
	}
}

// Wait returns when the rows hold everything up to and including p. It ends with
// ctx's error.
func (w *Waiters) Wait(ctx context.Context, p domain.Position) error {
	me := w.join(p)
	defer w.leave(p.Partition, me)
	position, err := w.Position(ctx, p.Partition)
	if err != nil {
		return fmt.Errorf("wait for %s: %w", p, err)
	}
	if position > p.Offset {
		return nil
	}
	select {
	case <-me.folded:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for %s: %w", p, ctx.Err())
	}
}

// Position is the next offset of a partition to be folded: the rows hold all
// below it. 0: none was.
func (w *Waiters) Position(ctx context.Context, partition int32) (int64, error) {
	return again(ctx, func() (position int64, err error) {
		err = w.db.QueryRow(ctx, `SELECT position FROM checkpoints WHERE topic = $1 AND partition = $2`, w.topic, partition).Scan(&position)
		if errors.Is(err, pgx.ErrNoRows) {
			return 0, nil
		}
		return position, err
	})
}

func (w *Waiters) join(p domain.Position) *waiter {
	w.mu.Lock()
	defer w.mu.Unlock()
	me := &waiter{offset: p.Offset, folded: make(chan struct{})}
	if w.waiting[p.Partition] == nil {
		w.waiting[p.Partition] = map[*waiter]struct{}{}
	}
	w.waiting[p.Partition][me] = struct{}{}
	return me
}

func (w *Waiters) leave(partition int32, me *waiter) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.waiting[partition], me)
}

// folded wakes who waits for offsets below position.
func (w *Waiters) folded(partition int32, position int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for me := range w.waiting[partition] {
		if me.offset < position {
			close(me.folded)
			delete(w.waiting[partition], me)
		}
	}
}

// Changed gives a channel that receives soon after sources or jobs changed, here
// or in another process; changes that come while nobody looks are one. The pages
// of a run are no news. What was missed is found in the rows: a receiver looks
// there first, and once more now and then. stop ends the subscription.
func (w *Waiters) Changed() (changed <-chan struct{}, stop func()) {
	ch := make(chan struct{}, 1)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.subscribed[ch] = struct{}{}
	return ch, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.subscribed, ch)
	}
}

// news tells all subscribers.
func (w *Waiters) news() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for ch := range w.subscribed {
		select {
		case ch <- struct{}{}:
		default: // it has not looked since the last one
		}
	}
}

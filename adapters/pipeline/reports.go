package pipeline

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/confuse/data-connector/domain"
)

const (
	// busyReports is how many reports in one request make the next one wait for more.
	busyReports = 32
	// gather is how long it waits.
	gather = 5 * time.Millisecond
)

// A reporter puts reports on the log. Those that come while others are on their way
// go together: a request costs the broker many times what a report does.
type reporter struct {
	log domain.Log

	mu      sync.Mutex
	waiting []*report
	running bool
}

// A report waits to be durable.
type report struct {
	domain.Message            // its id is made once, before the first attempt
	done           chan error // holds one
}

// append returns once one is durable (I5), or ctx has ended: then it may become so.
// After an error it may be called again. Nothing is asked of the log any more when
// work has ended.
func (r *reporter) append(ctx, work context.Context, one *report) error {
	one.done = make(chan error, 1)
	r.mu.Lock()
	r.waiting = append(r.waiting, one)
	if !r.running {
		r.running = true
		go r.run(work)
	}
	r.mu.Unlock()
	select {
	case err := <-one.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// run appends until nothing waits.
func (r *reporter) run(work context.Context) {
	for last := 0; ; {
		if last >= busyReports {
			select {
			case <-time.After(gather):
			case <-work.Done():
			}
		}
		r.mu.Lock()
		batch := r.waiting
		r.waiting = nil
		r.running = len(batch) > 0
		r.mu.Unlock()
		if len(batch) == 0 {
			return
		}
		last = len(batch)
		r.give(work, batch)
	}
}

// give appends batch and tells each of its reports what became of it. One that has no
// wire form, for which the log refuses all, is refused alone.
func (r *reporter) give(ctx context.Context, batch []*report) {
	err := identify(batch)
	if err == nil {
		messages := make([]domain.Message, len(batch))
		for n, one := range batch {
			messages[n] = one.Message
		}
		_, err = r.log.Append(ctx, messages...)
	}
	if err != nil && len(batch) > 1 && !errors.Is(err, domain.ErrUnavailable) && !errors.Is(err, domain.ErrUnknownFate) {
		for n := range batch {
			r.give(ctx, batch[n:n+1])
		}
		return
	}
	for _, one := range batch {
		one.done <- err
	}
}

// identify gives those an id that have none.
func identify(batch []*report) error {
	ids, err := domain.NewEventIDs(len(batch))
	if err != nil {
		return err
	}
	for n, one := range batch {
		if one.ID == (domain.EventID{}) {
			one.ID = ids[n]
		}
	}
	return nil
}

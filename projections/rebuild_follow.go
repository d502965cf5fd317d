package projections

import (
	"context"
	"errors"
	"maps"

	"github.com/confuse/data-connector/domain"
)

// A filler writes records into the tables aside as the projector does: with its
// runner, over another search path.
type filler struct {
	*attempt
	runner *Runner
}

func (a *attempt) filler() *filler {
	f := &filler{attempt: a, runner: NewRunner(a.next, NewWaiters(a.next, "", a.Clock, a.Logger), a.Logger)}
	f.runner.moved = a.advanced
	return f
}

// positions are the offsets to be folded next.
func (a *attempt) positions() map[place]int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return maps.Clone(a.done)
}

// follow folds a partition from its checkpoint on, up to an offset or, with
// Follow, until ctx ends.
func (f *filler) follow(ctx context.Context, p domain.FeedPartition, to int64) error {
	at := placeOf(p)
	for {
		p.End = max(p.End, f.positions()[at])
		start, err := f.runner.Assigned(ctx, p)
		if err != nil {
			return err
		}
		f.advanced(at, start)
		err = f.batches(ctx, p, start, to)
		if !errors.Is(err, domain.ErrFenced) {
			return err
		}
	}
}

func (f *filler) batches(ctx context.Context, p domain.FeedPartition, from, to int64) error {
	for records, err := range f.upTo(ctx, p, from, to) {
		if err != nil {
			return err
		}
		select {
		case f.write <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		err = f.runner.Batch(ctx, p, records)
		<-f.write
		if err != nil {
			return err
		}
	}
	return nil
}

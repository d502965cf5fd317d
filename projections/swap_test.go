package projections_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"sync"
	"testing"

	"github.com/confuse/data-connector/adapters/clock"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/projections"
)

// swaps is how often the tables are exchanged: SWAPS says so, else few.
func swaps(t *testing.T) int {
	t.Helper()
	n, err := strconv.Atoi(os.Getenv("SWAPS"))
	if err != nil {
		n = 8
	}
	return n
}

// A traffic writes events, folds them and reads them, all at once, while the
// tables are exchanged.
type traffic struct {
	w      *world
	topics *memoryTopics
	log    *memoryLog
	story  *story

	mu     sync.Mutex
	failed error
	reads  int
	last   domain.FileChanged // that the log holds
	at     domain.Position    // of it
}

func (f *traffic) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failed = errors.Join(f.failed, err)
}

// write appends a file.
func (f *traffic) write(n int) {
	f.topics.tell(func() {
		e := f.story.file(domain.FileAdded, fmt.Sprintf("%d.go", n%500), strconv.Itoa(n))
		f.mu.Lock()
		defer f.mu.Unlock()
		f.last, f.at = e, domain.Position{Partition: f.log.Number, Offset: int64(len(f.log.records)) - 1}
	})
}

// project folds what is on the log as the feed of the service does: a batch that
// is fenced has its partition assigned again.
func (f *traffic) project(ctx context.Context) {
	for ctx.Err() == nil {
		parts, err := f.topics.Parts(ctx)
		if err != nil {
			f.fail(err)
			return
		}
		start, err := f.w.runner.Assigned(ctx, parts[0])
		if err != nil && ctx.Err() == nil {
			f.fail(fmt.Errorf("assigned: %w", err))
			return
		}
		for records, err := range f.topics.Batches(ctx, parts[0], start, projections.Follow) {
			if err == nil {
				err = f.w.runner.Batch(ctx, parts[0], records)
			}
			if errors.Is(err, domain.ErrFenced) || ctx.Err() != nil {
				break
			}
			if err != nil {
				f.fail(fmt.Errorf("batch: %w", err))
				return
			}
		}
	}
}

// read waits for the last event and then asks for its file, which has to be there
// in that state or a later one: what was folded once stays folded.
func (f *traffic) read(ctx context.Context) {
	for ctx.Err() == nil {
		f.mu.Lock()
		e, at := f.last, f.at
		f.reads++
		f.mu.Unlock()
		if err := f.w.waiters.Wait(ctx, at); err != nil {
			if ctx.Err() == nil {
				f.fail(err)
			}
			return
		}
		found, err := f.w.FilesByID(ctx, e.SourceID, []domain.FileID{e.FileID})
		if ctx.Err() != nil {
			return
		}
		if err != nil || len(found) != 1 || found[0].At.Before(e.Revised()) {
			f.fail(fmt.Errorf("read %v of %s, which is folded: %+v: %w", e.Revised(), at, found, err))
			return
		}
	}
}

// However often the tables are exchanged under writers, a projector and readers,
// no read fails or goes back, and no row is lost.
func TestSwapsUnderLoad(t *testing.T) {
	t.Parallel()

	w, l := newWorld(t), newLog(eventsTopic, 0)
	f := &traffic{w: w, topics: newTopics(50, l), log: l, story: newStory(t, l, "ann")}
	f.story.start()
	f.write(0)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var all sync.WaitGroup
	listening := projections.NewWaiters(w.db, eventsTopic, clock.System{}, slog.New(slog.DiscardHandler))
	f.w.waiters = listening                      // as of another process: it hears of what is folded
	all.Go(func() { _ = listening.Listen(ctx) }) // ctx has ended
	all.Go(func() { f.project(ctx) })
	for range 3 {
		all.Go(func() { f.read(ctx) })
	}
	all.Go(func() {
		for n := 1; ctx.Err() == nil; n++ {
			f.write(n)
			if err := listening.Wait(ctx, f.at); err != nil && ctx.Err() == nil {
				f.fail(err)
			}
		}
	})
	n := swaps(t)
	for range n {
		run(t, w.rebuild(f.topics))
	}
	stop()
	all.Wait()
	if f.failed != nil {
		t.Error(f.failed)
	}
	w.project(t, l)
	if found := verify(t, w.rebuild(f.topics)); found.Differ() != 0 {
		t.Errorf("got differences %+v after the exchanges", found)
	}
	if got, want := w.count(t, "files", f.story.src.ID), min(len(l.records)-3, 500); got != want {
		t.Errorf("got %d files, want %d", got, want)
	}
	t.Logf("%d exchanges, %d events, %d reads", n, len(l.records), f.reads)
}

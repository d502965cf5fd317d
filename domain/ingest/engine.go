package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/confuse/data-connector/domain"
)

// An Engine runs jobs. Its fields are set once, before the first run; it may be
// used concurrently.
type Engine struct {
	Log        domain.Log // for pages only: an error of a page must not fail a stranger's hint
	Index      domain.Index
	Folds      domain.Folds
	Packs      domain.Packs
	Events     Events // to find what a dead run has left; nil: it stays
	Clock      domain.Clock
	Connectors Connectors
	Cache      string // folder for what may be lost: connector caches and spools, a folder a source
	Readers    int    // items fetched at once by a run; 0: 4
	// People are where those behind the references on the log are kept; nil: items
	// are told of without their people.
	People domain.People
	// Credentials are where those of sources are kept; nil: nowhere.
	Credentials domain.Credentials
	// Forget takes back what was arranged for a source at its provider, before its
	// credential goes. It may be called again; nil: there is nothing.
	Forget func(ctx context.Context, src domain.Source) error
	Logger *slog.Logger
	// Observe is told of each page that has become durable, by several runs at
	// once; nil: nobody is.
	Observe func(Committed)
	// Begin is told of each run before it claims the first job of the source, by
	// several at once, and gives the context of the run; end is told how it went.
	// nil: nobody is.
	Begin func(context.Context, domain.Source) (run context.Context, end func(error))
}

// A Committed is a page that has become durable.
type Committed struct {
	Provider   domain.Provider
	Events     int   // FileChanged
	Bytes      int64 // of content that is kept
	Unreadable int   // items that could not be read; 20 stands for any more
}

// Run works on the oldest open job of the leased source until it is done, fails,
// or ctx ends. It returns when the source wants to be claimed again; zero means
// not for this job. The error is for the log: whatever it is, the event log says
// how the job stands.
//
// ErrFenced: another run has claimed the source, or the job was cancelled.
func (e *Engine) Run(ctx context.Context, l domain.Lease) (again time.Time, err error) {
	return e.RunUntil(ctx, l, func() bool { return false })
}

// RunUntil is Run that gives way to others: behind a page where the next run goes
// on, it ends when wanted says so, and the source wants to be claimed again at once.
// A re-listing would start over; it does not end before it is complete.
func (e *Engine) RunUntil(ctx context.Context, l domain.Lease, wanted func() bool) (again time.Time, err error) {
	src, unfolded, err := e.ready(ctx, l.Ticket)
	if err != nil {
		return e.Clock.Now().Add(retryDelay(1)), err
	}
	if len(src.Jobs) == 0 || src.Waits() || src.Removed {
		return time.Time{}, nil
	}
	// By a foreign clock the queue has waited already, and there is no telling how long.
	if left, foreign := src.Jobs[0].Wait(e.Clock.Now()); left > 0 && !foreign {
		return src.Jobs[0].RetryAt, nil
	}
	if e.Begin != nil {
		var end func(error)
		ctx, end = e.Begin(ctx, src)
		defer func() {
			if errors.Is(err, errGaveWay) { // that is no failure
				end(nil)
				return
			}
			end(err)
		}()
	}
	before, src, at, err := e.takeOver(ctx, src, l.Token, unfolded)
	if err != nil {
		return e.unlessFenced(err), err
	}
	if err := e.collect(ctx, before, at); err != nil && ctx.Err() == nil {
		e.Logger.WarnContext(ctx, "packs of a dead run stay", "source", src.ID, "run", before.Run, "err", err)
	}
	r, err := e.newRun(src)
	if err == nil {
		defer r.close()
		r.wanted = wanted
		err = r.do(ctx)
	}
	switch {
	case err == nil:
		return e.next(ctx, l.Source)
	case errors.Is(err, errGaveWay):
		return e.Clock.Now(), err
	}
	return e.failed(ctx, src, r, err)
}

// ready is the source of a ticket as the rows have it, and with everything folded
// that is on the log now when they do not know its job yet. Where they are not
// waited for, unfolded is the end of the log that they may be behind of, else 0.
func (e *Engine) ready(ctx context.Context, t domain.Ticket) (src domain.Source, unfolded int64, err error) {
	if src, err = e.Index.Source(ctx, t.Source); err != nil {
		return src, 0, err
	}
	if _, open := src.OpenJob(t.Job); open {
		unfolded, err = e.Log.End(ctx, src.Partition)
		return src, unfolded, err
	}
	src, err = e.present(ctx, src)
	return src, 0, err
}

// takeOver is claim, once more when it lost to a claim that was on the log below
// unfolded, before this run began. That one's worker has lost the lease since, to
// this run: it is dead, and its claim was not in the rows yet. A claim that came
// later is a rival's, who has the source.
func (e *Engine) takeOver(ctx context.Context, src domain.Source, id domain.RunID, unfolded int64) (before, claimed domain.Source, at domain.Position, err error) {
	claimed, at, err = e.claim(ctx, src, id)
	if !errors.Is(err, domain.ErrFenced) || !claimed.Running || claimed.BehindClaim > unfolded {
		return src, claimed, at, err
	}
	before = claimed
	claimed, at, err = e.claim(ctx, before, id)
	return before, claimed, at, err
}

// present is src with everything folded that is on the log now.
func (e *Engine) present(ctx context.Context, src domain.Source) (domain.Source, error) {
	end, err := e.Log.End(ctx, src.Partition)
	if err != nil || end == 0 {
		return src, err
	}
	if err := e.Folds.Wait(ctx, domain.Position{Partition: src.Partition, Offset: end - 1}); err != nil {
		return src, err
	}
	return e.Index.Source(ctx, src.ID)
}

// claim puts the claim of src on the log and waits until it is folded (I3). Only
// the state it returns may be read from: what older runs still append lies behind
// the claim and is ignored, so this state is final.
func (e *Engine) claim(ctx context.Context, src domain.Source, id domain.RunID) (domain.Source, domain.Position, error) {
	claim, err := src.Claim(id, e.Clock.Now())
	if err != nil {
		return src, domain.Position{}, err
	}
	at, err := e.append(ctx, src, claim)
	if err != nil {
		return src, at, err
	}
	if err := e.Folds.Wait(ctx, at); err != nil {
		return src, at, err
	}
	if src, err = e.Index.Source(ctx, src.ID); err != nil {
		return src, at, err
	}
	if !src.Counts(id) {
		return src, at, fmt.Errorf("claim of source %s: %w", src.ID, domain.ErrFenced)
	}
	return src, at, nil
}

// append puts events of src on the log under new ids. It gives where the last one
// stands.
func (e *Engine) append(ctx context.Context, src domain.Source, events ...domain.SourceChanged) (domain.Position, error) {
	messages := make([]domain.Message, len(events))
	for i, ev := range events {
		id, err := domain.NewEventID()
		if err != nil {
			return domain.Position{}, err
		}
		messages[i] = domain.Message{ID: id, Time: ev.At, Partition: src.Partition, Event: ev}
	}
	at, err := e.Log.Append(ctx, messages...)
	if err != nil {
		return domain.Position{}, fmt.Errorf("append %s: %w", events[0].Change, err)
	}
	return at[len(at)-1], nil
}

// next is when the source wants to be claimed again: at once, if another job
// waits behind the one that has just ended, which is folded. A request that is not
// is news when it will be, and leads to a ticket of its own.
func (e *Engine) next(ctx context.Context, id domain.SourceID) (time.Time, error) {
	src, err := e.Index.Source(ctx, id)
	if err != nil || len(src.Jobs) == 0 || src.Waits() {
		return time.Time{}, err
	}
	return e.Clock.Now(), nil
}

// unlessFenced is a soon retry, and none for a run that lost to another one.
func (e *Engine) unlessFenced(err error) time.Time {
	if errors.Is(err, domain.ErrFenced) || errors.Is(err, domain.ErrConflict) {
		return time.Time{}
	}
	return e.Clock.Now().Add(retryDelay(1))
}

// cacheOf is the source's folder for what may be lost.
func (e *Engine) cacheOf(id domain.SourceID) (string, error) {
	dir := filepath.Join(e.Cache, id.String())
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("cache folder: %w", err)
	}
	return dir, nil
}

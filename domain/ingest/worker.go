package ingest

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/confuse/data-connector/domain"
)

const (
	// heartbeat is how often a lease is extended; it lasts three times as long.
	heartbeat = 3 * time.Second
	// turn is how many heartbeats a run works, whoever waits; then it gives way behind
	// its page. A source of a million files takes many turns, others are done in one.
	turn = 2
)

// A Worker takes jobs from the queue and runs them.
type Worker struct {
	Name   string // of this process among its like; what it held before a restart is freed
	Queue  domain.Queue
	Engine *Engine
	Slots  int // jobs at a time
	Logger *slog.Logger
}

// Run works until ctx ends: runs stop where they are, their leases are freed, and
// another worker goes on.
func (w *Worker) Run(ctx context.Context) error {
	if err := w.Queue.Forget(ctx, w.Name); err != nil {
		return err
	}
	var slots sync.WaitGroup
	for range max(w.Slots, 1) {
		slots.Go(func() { w.loop(ctx) })
	}
	slots.Wait()
	return nil
}

func (w *Worker) loop(ctx context.Context) {
	for ctx.Err() == nil {
		err := w.one(ctx)
		if err == nil || ctx.Err() != nil {
			continue
		}
		w.Logger.ErrorContext(ctx, "queue", "err", err)
		select {
		case <-ctx.Done():
		case <-w.Engine.Clock.After(heartbeat):
		}
	}
}

// one claims a ticket, runs it and gives it back.
func (w *Worker) one(ctx context.Context) error {
	token, err := domain.NewRunID()
	if err != nil {
		return err
	}
	lease, err := w.Queue.Claim(ctx, w.Name, token)
	if err != nil {
		return err
	}
	again := w.run(ctx, lease)
	release, cancel := context.WithTimeout(context.WithoutCancel(ctx), heartbeat)
	defer cancel()
	if err := w.Queue.Release(release, lease, again); !errors.Is(err, domain.ErrFenced) {
		return err
	}
	return nil // another worker has it
}

// run runs the job while the lease lasts. Losing the lease only saves work (I3):
// what a run still appends after another claim is ignored.
func (w *Worker) run(ctx context.Context, lease domain.Lease) time.Time {
	run, lost := context.WithCancelCause(ctx)
	defer lost(nil)
	var wanted atomic.Bool
	go w.extend(run, lease, &wanted, lost)
	log := w.Logger.With("source", lease.Source, "job", lease.Job, "run_id", lease.Token)
	again, err := w.Engine.RunUntil(run, lease, wanted.Load)
	switch {
	case err == nil:
		log.InfoContext(ctx, "run ended")
	case errors.Is(err, errGaveWay):
		log.InfoContext(ctx, "run gives way to others")
	case ctx.Err() != nil:
		log.InfoContext(ctx, "run stopped")
	default:
		log.WarnContext(ctx, "run stopped", "err", err)
	}
	return again
}

// extend keeps the lease, tells the run when others wait after its turn, and looks
// whether it still is the current one: a cancelled job stops in the middle of a long
// listing too.
func (w *Worker) extend(ctx context.Context, lease domain.Lease, wanted *atomic.Bool, lost context.CancelCauseFunc) {
	claimed := false
	for beats := 1; ; beats++ {
		select {
		case <-ctx.Done():
			return
		case <-w.Engine.Clock.After(heartbeat):
		}
		others, err := w.Queue.Extend(ctx, lease)
		if errors.Is(err, domain.ErrFenced) {
			lost(err)
			return
		}
		wanted.Store(beats >= turn && others)
		src, err := w.Engine.Index.Source(ctx, lease.Source)
		if err != nil {
			continue // trouble with the rows; the run meets it by itself
		}
		ours := src.RunID == lease.Token
		if ours && !src.Running || claimed && !ours { // ended by a command, or by another claim
			lost(domain.ErrFenced)
			return
		}
		claimed = ours
	}
}

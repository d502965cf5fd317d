package replay

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"sync"
	"time"

	"github.com/confuse/data-connector/domain"
)

const (
	// beat is how often a runner looks for work, and at the state of what it runs:
	// a pause takes effect after it.
	beat = 250 * time.Millisecond
	// Lease is how long a replay waits for a runner that has died.
	Lease = 5 * time.Second
	// troubleTime is how long a replay rests after trouble of a server.
	troubleTime = 2 * time.Second
	// atOnce is how many replays a process runs side by side: most of them wait for
	// their rate, or for stages.
	atOnce = 4
)

// A Claim is a replay that one runner holds. Epoch tells it from earlier claims:
// what those save is refused.
type Claim struct {
	Replay
	Epoch int64
}

// Claims are the half of the store that runners use.
type Claims interface {
	// Claim takes a replay that runs and nobody holds, for the time Lease; false:
	// there is none. Nobody holds more than a few of one owner's, so that slow
	// replays of one keep no other one's waiting.
	Claim(ctx context.Context) (Claim, bool, error)
	// Hold holds a claim for the time Lease from now on and gives its status.
	// domain.ErrFenced: it is somebody else's.
	Hold(ctx context.Context, id ID, epoch int64) (Status, error)
	// Save keeps how far a claim has come and gives its status as others have set it
	// meanwhile. What c says of Status, Error and EndedAt is kept where it has ended.
	// The claim is held for the time hold from now on; 0: others may take it.
	// domain.ErrFenced: it is somebody else's.
	Save(ctx context.Context, c Claim, hold time.Duration) (Status, error)
}

// A Sending is an event on its way out once more.
type Sending struct {
	domain.Record
	Stage string // the only one that it is for; empty: all
}

// Counts tells whether an event at an offset counts (I3).
type Counts func(e domain.FileChanged, offset int64) bool

// A Runner carries out replays. All fields down to Log are required. Several may
// run; each replay is run by one at a time.
type Runner struct {
	Claims Claims
	// Records scan the events topic: kafka.Reader.
	Records interface {
		Read(ctx context.Context, partition int32, from, to int64) iter.Seq2[domain.Record, error]
		// OffsetsAt are the offsets, by partition, of the first records that came to
		// stand on the log at a time or later; of a zero time, those of the first
		// records that it holds.
		OffsetsAt(ctx context.Context, at time.Time) (map[int32]int64, error)
		// Ends are the offsets behind the last ones.
		Ends(ctx context.Context) (map[int32]int64, error)
	}
	Source func(ctx context.Context, id domain.SourceID) (domain.Source, error)
	// Wait returns when the tables hold everything up to a position.
	Wait func(ctx context.Context, p domain.Position) error
	// Places are the last events of those files that are live.
	Places func(ctx context.Context, files []domain.FileID) (map[domain.FileID]domain.Position, error)
	// Counts says what counts in a range of a partition that the tables hold.
	Counts func(ctx context.Context, partition int32, from, to int64) (Counts, error)
	// Packs tells whether a pack is in the content store: blob.Store.
	Packs interface {
		Has(ctx context.Context, pack string) (bool, error)
	}
	// Send puts records on a topic, durably (I5); on the one of replays when it is
	// empty. It tells the offsets behind them, by partition.
	Send func(ctx context.Context, topic string, id ID, records []Sending) (map[int32]int64, error)
	// Behind counts the records of the topic of replays below these ends that a
	// stage has not done with.
	Behind func(ctx context.Context, stage string, ends map[int32]int64) (int64, error)
	// Stages are those that run now, in whatever process.
	Stages func(ctx context.Context) ([]string, error)
	Clock  domain.Clock
	Log    *slog.Logger
}

// Run runs replays until ctx ends.
func (r *Runner) Run(ctx context.Context) error {
	var busy sync.WaitGroup
	defer busy.Wait()
	slots := make(chan struct{}, atOnce)
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case slots <- struct{}{}:
		}
		c, ok, err := r.Claims.Claim(ctx)
		if err != nil && ctx.Err() == nil {
			r.Log.WarnContext(ctx, "replays wait for the database", "err", err)
		}
		if ok && err == nil {
			busy.Go(func() {
				defer func() { <-slots }()
				r.run(ctx, c)
			})
			continue
		}
		<-slots
		select {
		case <-r.Clock.After(beat):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// errStopped ends a run that others have paused or cancelled.
var errStopped = errors.New("stopped")

// run runs one claim. Whatever ends it, what is saved says where to go on: a crash
// repeats at most one chunk.
func (r *Runner) run(ctx context.Context, c Claim) {
	r.Log.InfoContext(ctx, "replay runs", "replay", c.ID, "owner", c.Owner, "mode", c.Mode, "epoch", c.Epoch)
	c, err := r.work(ctx, c)
	hold := time.Duration(0)
	switch {
	case err == nil:
		c.Status, c.Error, c.EndedAt = Completed, "", r.Clock.Now()
	case errors.Is(err, errStopped), ctx.Err() != nil:
	case errors.Is(err, domain.ErrFenced):
		return
	case errors.Is(err, domain.ErrLogLost), isInvalid(err):
		c.Status, c.Error, c.EndedAt = Failed, told(err), r.Clock.Now()
	default:
		c.Error, hold = told(err), troubleTime
	}
	saving, cancel := context.WithTimeout(context.WithoutCancel(ctx), Lease)
	defer cancel()
	if _, saved := r.Claims.Save(saving, c, hold); saved != nil {
		err = errors.Join(err, fmt.Errorf("save: %w", saved))
	}
	r.Log.InfoContext(ctx, "replay rests", "replay", c.ID, "status", c.Status, "matched", c.Progress.Matched, "sent", c.Progress.Sent, "err", err)
}

// work does the work of a claim and gives how far it came.
func (r *Runner) work(ctx context.Context, c Claim) (Claim, error) {
	held, end := context.WithCancelCause(ctx)
	var holding sync.WaitGroup
	holding.Go(func() { r.hold(held, c, end) })
	w := newWork(r, c)
	err := w.do(held)
	if err != nil && held.Err() != nil {
		err = context.Cause(held)
	}
	end(nil)
	holding.Wait()
	return w.claim, err
}

// hold keeps a claim while its work waits for something: for the fold, a server, a
// stage. It ends the work once others have paused, cancelled or taken the replay.
func (r *Runner) hold(ctx context.Context, c Claim, end context.CancelCauseFunc) {
	for {
		select {
		case <-r.Clock.After(Lease / 4):
		case <-ctx.Done():
			return
		}
		status, err := r.Claims.Hold(ctx, c.ID, c.Epoch)
		switch {
		case errors.Is(err, domain.ErrFenced):
			end(err)
		case err == nil && status != Running:
			end(errStopped)
		}
	}
}

// told is what the owner is told of an error. All of it, which may name the
// operator's servers, is in the log.
func told(err error) string {
	switch {
	case errors.Is(err, domain.ErrLogLost):
		return "the log no longer holds what it is to hand out"
	case isInvalid(err):
		return err.Error()
	}
	return "a server that it needs does not answer; it goes on when that does"
}

func isInvalid(err error) bool {
	bad := new(domain.InvalidError)
	return errors.As(err, &bad)
}

package ingest_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/ingest"
)

// A probed is a provider that tells cheaply whether anything changed.
type probed struct {
	*provider
	changed bool
	err     error
	asked   int
}

func (p *probed) Changed(context.Context, domain.Scope, domain.Cursor) (bool, error) {
	p.asked++
	return p.changed, p.err
}

func (b *bench) poller(conn domain.Connector) *ingest.Poller {
	return &ingest.Poller{
		Hints: &ingest.Hints{Log: b.Log, Clock: b.Clock}, Index: b.Rows, Connectors: ingest.Connectors{conn},
		Clock: b.Clock, Cache: b.t.TempDir(), Logger: slog.New(slog.DiscardHandler),
	}
}

// A poll that finds nothing writes nothing; one that sees a difference is a hint.
func TestPoll(t *testing.T) {
	t.Parallel()

	p := &probed{provider: &provider{files: tree(3)}}
	b := newBench(t, p, anyConfig)
	poller := b.poller(p)
	poll := func() int {
		t.Helper()
		before := len(b.Journal())
		if err := poller.Once(t.Context()); err != nil {
			t.Fatal(err)
		}
		return len(b.Journal()) - before
	}
	if poll(); p.asked != 0 {
		t.Error("a source with an open job was polled")
	}
	b.run()
	if poll(); p.asked != 0 {
		t.Error("polled at once after a sync")
	}
	b.Clock.Turn(time.Minute)
	if events := poll(); p.asked != 1 || events != 0 {
		t.Errorf("got %d polls and %d events, want one poll that writes nothing", p.asked, events)
	}
	if poll(); p.asked != 1 {
		t.Error("polled again at once")
	}
	p.changed = true
	b.Clock.Turn(time.Minute)
	if events := poll(); events != 1 || b.Source(b.source).BehindHint == 0 {
		t.Errorf("got %d events, want one hint", events)
	}
}

// A job that failed for good is tried again by the poll, whatever the probe says.
func TestPollAfterFailure(t *testing.T) {
	t.Parallel()

	p := &probed{provider: &provider{files: tree(3)}}
	b := newBench(t, p, anyConfig)
	b.run()
	p.breakAt, p.breakWith = 1, domain.ErrUnauthorized
	b.Request(b.source, domain.SyncIncremental)
	if err := b.once(); err == nil {
		t.Fatal("got no error from a broken listing")
	}
	b.Clock.Turn(time.Hour)
	if err := b.poller(p).Once(t.Context()); err != nil || b.Source(b.source).BehindHint == 0 {
		t.Errorf("got %v and no hint, want another look", err)
	}
}

// The longer nothing has changed, the rarer the polls.
func TestPollAdapts(t *testing.T) {
	t.Parallel()

	p := &probed{provider: &provider{files: tree(3)}}
	b := newBench(t, p, anyConfig)
	b.run()
	b.Clock.Turn(10 * time.Hour)
	b.sync(domain.SyncIncremental) // nothing has changed for ten hours
	poller := b.poller(p)
	for _, step := range []struct {
		turn time.Duration
		want int
	}{{4 * time.Hour, 0}, {time.Hour, 1}, {4 * time.Hour, 1}, {time.Hour, 2}} {
		b.Clock.Turn(step.turn)
		if err := poller.Once(t.Context()); err != nil {
			t.Fatal(err)
		}
		if p.asked != step.want {
			t.Errorf("got %d polls, want %d: the interval is five hours", p.asked, step.want)
		}
	}
}

func TestPollTakesTurns(t *testing.T) {
	t.Parallel()

	p := &probed{provider: &provider{files: tree(3)}}
	b := newBench(t, p, anyConfig)
	b.run()
	b.Clock.Turn(time.Minute)
	poller := b.poller(p)
	poller.Turn = func(context.Context, domain.SourceID, time.Duration) (bool, error) { return false, nil }
	if err := poller.Once(t.Context()); err != nil || p.asked != 0 {
		t.Errorf("got %d polls, %v, want none in another one's turn", p.asked, err)
	}
}

func TestSchedule(t *testing.T) {
	t.Parallel()

	p := &probed{provider: &provider{files: tree(3)}}
	b := newBench(t, p, `{"root":"r","syncSchedule":"30 13 * * *"}`)
	s := b.scheduler(newQueue())
	b.run() // at noon
	for _, step := range []struct {
		turn time.Duration
		want int
	}{{time.Hour, 0}, {31 * time.Minute, 1}} {
		b.Clock.Turn(step.turn)
		if err := s.Once(t.Context()); err != nil {
			t.Fatal(err)
		}
		if jobs := b.Source(b.source).Jobs; len(jobs) != step.want {
			t.Errorf("at %s: got %d jobs, want %d", b.Clock.Now(), len(jobs), step.want)
		}
	}
	b.run()
	if err := s.Once(t.Context()); err != nil || len(b.Source(b.source).Jobs) != 0 {
		t.Errorf("got %+v, %v, want nothing until tomorrow", b.Source(b.source).Jobs, err)
	}
	b.Clock.Turn(10 * time.Minute)
	if err := b.poller(p).Once(t.Context()); err != nil || p.asked != 0 {
		t.Errorf("got %d polls, %v, want none of a source with a schedule", p.asked, err)
	}
}

// A noticing is a provider whose notices the test gives.
type noticing struct {
	*provider
	began chan func(domain.Hint)
	ended chan struct{}
}

func (n *noticing) Watch(ctx context.Context, _ domain.Scope, hint func(domain.Hint)) error {
	n.began <- hint
	<-ctx.Done()
	n.ended <- struct{}{}
	return nil
}

// The first notice becomes a hint at once; a hundred behind it are one more.
func TestWatch(t *testing.T) {
	t.Parallel()

	conn := &noticing{&provider{files: tree(3)}, make(chan func(domain.Hint)), make(chan struct{}, 1)}
	b := newBench(t, conn, anyConfig)
	b.run()
	changed := make(chan struct{})
	w := &ingest.Watches{
		Hints: &ingest.Hints{Log: b.Log, Clock: b.Clock}, Index: b.Rows, Connectors: ingest.Connectors{conn},
		Clock: b.Clock, Cache: t.TempDir(), Changed: changed, Logger: slog.New(slog.DiscardHandler),
	}
	hints := make(chan struct{}, 10)
	b.Log.Interrupt(func(m []domain.Message) (int, error) {
		if e, ok := m[0].Event.(domain.SourceChanged); ok && e.Change == domain.SourceHintReceived {
			hints <- struct{}{}
		}
		return len(m), nil
	})
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	hint := <-conn.began
	hint(domain.Hint{Origin: "watch"})
	<-hints
	if err := b.Clock.Waiting(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		hint(domain.Hint{Origin: "watch"})
	}
	if len(hints) != 0 {
		t.Error("notices behind the first one did not wait")
	}
	b.Clock.Turn(time.Minute)
	<-hints
	if err := b.Clock.Waiting(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	b.Clock.Turn(time.Minute)

	s := service(b.World, conn)
	if _, err := s.Pause(t.Context(), ingest.ChangeRequest{Owner: b.Source(b.source).Owner, Source: b.source}); err != nil {
		t.Fatal(err)
	}
	changed <- struct{}{}
	<-conn.ended // a paused source is not watched
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if len(hints) != 0 {
		t.Errorf("got %d more hints, want two in all", len(hints))
	}
}

// A flaky is a provider whose watches break until they are mended.
type flaky struct {
	*provider
	began  chan domain.Scope
	broken chan error // what the next watch ends with
}

func (f *flaky) Watch(ctx context.Context, s domain.Scope, _ func(domain.Hint)) error {
	f.began <- s
	select {
	case err := <-f.broken:
		return err
	case <-ctx.Done():
		return nil
	}
}

// A watch that broke off is begun again, and told to give a hint for what was missed
// meanwhile; one that begins in order is not.
func TestWatchBeginsAgain(t *testing.T) {
	t.Parallel()

	conn := &flaky{&provider{files: tree(3)}, make(chan domain.Scope), make(chan error)}
	b := newBench(t, conn, anyConfig)
	b.run()
	changed := make(chan struct{})
	w := &ingest.Watches{
		Hints: &ingest.Hints{Log: b.Log, Clock: b.Clock}, Index: b.Rows, Connectors: ingest.Connectors{conn},
		Clock: b.Clock, Cache: t.TempDir(), Changed: changed, Logger: slog.New(slog.DiscardHandler),
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	if s := <-conn.began; s.Fresh {
		t.Error("the first watch is told that something was missed")
	}
	for range 2 {
		conn.broken <- domain.ErrGone
		if err := b.Clock.Waiting(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		b.Clock.Turn(time.Minute)
		if s := <-conn.began; !s.Fresh {
			t.Error("a watch that is begun again is not told that something was missed")
		}
	}
	b.append(b.Source(b.source).Update("name", []byte(`{"root":"r","uri":"https://example.org"}`), b.Clock.Now()))
	changed <- struct{}{}
	if s := <-conn.began; s.Fresh {
		t.Error("the watch of other options is told that something was missed")
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// A notice that the log does not take is tried again.
func TestNoticeOutlivesTheLog(t *testing.T) {
	t.Parallel()

	conn := &noticing{&provider{files: tree(3)}, make(chan func(domain.Hint)), make(chan struct{}, 1)}
	b := newBench(t, conn, anyConfig)
	b.run()
	w := &ingest.Watches{
		Hints: &ingest.Hints{Log: b.Log, Clock: b.Clock}, Index: b.Rows, Connectors: ingest.Connectors{conn},
		Clock: b.Clock, Cache: t.TempDir(), Changed: make(chan struct{}), Logger: slog.New(slog.DiscardHandler),
	}
	go func() { _ = w.Run(t.Context()) }() // ends with the test
	b.Log.CutAfter(0)
	hint := <-conn.began
	hint(domain.Hint{Origin: "watch"})
	if err := b.Clock.Waiting(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	b.Log.Heal()
	appended := make(chan struct{}, 1)
	b.Log.Interrupt(func(m []domain.Message) (int, error) {
		appended <- struct{}{}
		return len(m), nil
	})
	b.Clock.Turn(time.Minute)
	<-appended
}

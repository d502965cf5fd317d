package projections_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/projections"
)

// patience is how long a test waits for a signal that must come.
const patience = 20 * time.Second

// A listener is another process that waits. Its pool tells when a waiter has
// asked for its checkpoint, its clock when it wants to connect again.
type listener struct {
	waiters *projections.Waiters
	news    <-chan struct{}
	asked   chan struct{}
	lost    chan struct{}
	again   chan time.Time
}

func (l *listener) TraceQueryStart(ctx context.Context, _ *pgx.Conn, d pgx.TraceQueryStartData) context.Context {
	return context.WithValue(ctx, l, d.SQL)
}

func (l *listener) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryEndData) {
	if sql, _ := ctx.Value(l).(string); strings.HasPrefix(sql, "SELECT position FROM checkpoints") {
		l.asked <- struct{}{}
	}
}

func (l *listener) Now() time.Time { return noon }

func (l *listener) After(time.Duration) <-chan time.Time {
	l.lost <- struct{}{}
	return l.again
}

// newListener starts another process beside w and returns once it listens.
func newListener(t *testing.T, w *world) *listener {
	t.Helper()
	l := &listener{asked: make(chan struct{}, 1), lost: make(chan struct{}, 1), again: make(chan time.Time, 1)}
	config := w.db.Config()
	config.ConnConfig.Tracer = l
	db, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	l.waiters = projections.NewWaiters(db, eventsTopic, l, slog.New(slog.DiscardHandler))
	news, stop := l.waiters.Changed()
	t.Cleanup(stop)
	l.news = news
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- l.waiters.Listen(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v from Listen, want context.Canceled", err)
		}
	})
	receive(t, l.news) // it has looked what it missed
	return l
}

// wait waits for p in the background and returns once only a signal can end it.
func (l *listener) wait(t *testing.T, p domain.Position) <-chan error {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- l.waiters.Wait(t.Context(), p) }()
	receive(t, l.asked)
	return done
}

func receive[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatal("got no signal")
		panic("unreachable")
	}
}

func TestNotifyWakesAnotherProcess(t *testing.T) {
	t.Parallel()

	w, l := newWorld(t), newLog(eventsTopic, 0)
	other := newListener(t, w)
	s := newStory(t, l, "ann")
	first, second := other.wait(t, domain.Position{Offset: 0}), other.wait(t, domain.Position{Offset: 1})
	w.project(t, l)
	if err := receive(t, first); err != nil {
		t.Error(err)
	}
	receive(t, other.news)
	select {
	case <-second:
		t.Error("got a waiter woken before its position was folded")
	default:
	}
	s.request(domain.SyncFull)
	w.project(t, l)
	if err := receive(t, second); err != nil {
		t.Error(err)
	}
	receive(t, other.news)
}

// A notification that is sent while nobody listens is made up for.
func TestListenerConnectsAgain(t *testing.T) {
	t.Parallel()

	w, l := newWorld(t), newLog(eventsTopic, 0)
	other := newListener(t, w)
	newStory(t, l, "ann")
	waiting := other.wait(t, domain.Position{Offset: 0})
	var cut int
	err := w.db.QueryRow(t.Context(), `
		SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
		WHERE datname = current_database() AND query LIKE 'SELECT partition, position FROM checkpoints%'`).Scan(&cut)
	if err != nil || cut != 1 {
		t.Fatalf("cut %d connections, error %v; want 1", cut, err)
	}
	receive(t, other.lost)
	w.project(t, l)
	other.again <- noon
	if err := receive(t, waiting); err != nil {
		t.Error(err)
	}
	receive(t, other.news)
}

func TestRunnerWakesItsOwnProcess(t *testing.T) {
	t.Parallel()

	w, l := newWorld(t), newLog(eventsTopic, 0)
	news, stop := w.waiters.Changed()
	s := newStory(t, l, "ann")
	at := s.request(domain.SyncFull)
	done := make(chan error, 1)
	go func() { done <- w.waiters.Wait(t.Context(), at) }()
	w.project(t, l, 1, 1)
	if err := receive(t, done); err != nil {
		t.Error(err)
	}
	receive(t, news)
	s.claim()
	s.progress()
	w.project(t, l)
	select {
	case <-news:
		t.Error("got news from a page of a run, want none")
	default:
	}
	stop()
	s.complete()
	w.project(t, l)
	select {
	case <-news:
		t.Error("got news after the subscription ended")
	default:
	}
}

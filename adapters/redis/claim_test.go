package redis_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/confuse/data-connector/adapters/redis"
	"github.com/confuse/data-connector/domain"
)

func TestClaimGivesTheTicket(t *testing.T) {
	t.Parallel()

	each(t, func(t *testing.T, s server) {
		q := s.queue(t, redis.Options{})
		want := domain.Lease{Token: token(t), Ticket: domain.Ticket{
			Source: source(1), Job: job(2), Provider: "github", Owner: `an: "owner" {é}`,
			NotBefore: time.Date(2020, 1, 2, 3, 4, 5, 6_000_000, time.UTC),
		}}
		enqueue(t, q, want.Ticket)
		got, err := q.Claim(t.Context(), "w1", want.Token)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("lease (-want +got):\n%s", diff)
		}
	})
}

func TestClaimEndsWithItsContext(t *testing.T) {
	t.Parallel()

	each(t, func(t *testing.T, s server) {
		q := s.queue(t, redis.Options{})
		ctx, cancel := context.WithCancel(t.Context())
		got := claimLater(ctx, q, token(t))
		cancel()
		if r := <-got; !errors.Is(r.err, context.Canceled) {
			t.Errorf("got error %v, want %v", r.err, context.Canceled)
		}
	})
}

type claimed struct {
	lease domain.Lease
	err   error
}

func claimLater(ctx context.Context, q *redis.Queue, token domain.RunID) <-chan claimed {
	c := make(chan claimed, 1)
	go func() {
		l, err := q.Claim(ctx, "waiting", token)
		c <- claimed{l, err}
	}()
	return c
}

// What wakes a claim comes from another client. Without the wake-up the claim
// would look again only when the lease of 10 s ends, or after a minute.
func TestClaimWakes(t *testing.T) {
	t.Parallel()

	tests := map[string]struct {
		before func(*testing.T, *redis.Queue) domain.Lease
		when   func(*testing.T, *redis.Queue, domain.Lease)
	}{
		"on enqueue": {
			before: func(*testing.T, *redis.Queue) domain.Lease { return domain.Lease{} },
			when:   func(t *testing.T, q *redis.Queue, _ domain.Lease) { enqueue(t, q, ticket(1)) },
		},
		"on release": {
			before: holdOne,
			when:   func(t *testing.T, q *redis.Queue, l domain.Lease) { release(t, q, l, time.Unix(1, 0)) },
		},
		"on forget": {
			before: holdOne,
			when: func(t *testing.T, q *redis.Queue, _ domain.Lease) {
				if err := q.Forget(t.Context(), "w1"); err != nil {
					t.Fatal(err)
				}
			},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			each(t, func(t *testing.T, s server) {
				q, other := s.queue(t, redis.Options{}), s.queue(t, redis.Options{})
				l := tt.before(t, other)
				ctx, cancel := context.WithTimeout(t.Context(), redis.LeaseTime/2)
				defer cancel()
				got := claimLater(ctx, q, token(t))
				nothing(t, other) // by now the claim above has found nothing, too
				tt.when(t, other, l)
				if r := <-got; r.err != nil || r.lease.Source != source(1) {
					t.Errorf("got source %v and error %v, want %v", r.lease.Source, r.err, source(1))
				}
			})
		})
	}
}

// The wake-up goes out while the connection that listens is gone.
func TestClaimWakesAfterALostConnection(t *testing.T) {
	t.Parallel()

	each(t, func(t *testing.T, s server) {
		p := newProxy(t, s.raw.Options().Addr)
		behind := s
		behind.url = "redis://" + p.listener.Addr().String()
		q, other := behind.queue(t, redis.Options{}), s.queue(t, redis.Options{})
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		got := claimLater(ctx, q, token(t))
		nothing(t, other) // by now the claim above has found nothing, too
		p.cut()
		enqueue(t, other, ticket(1))
		p.restore()
		if r := <-got; r.err != nil || r.lease.Source != source(1) {
			t.Errorf("got source %v and error %v, want %v", r.lease.Source, r.err, source(1))
		}
	})
}

func holdOne(t *testing.T, q *redis.Queue) domain.Lease {
	t.Helper()
	enqueue(t, q, ticket(1))
	return claim(t, q, "w1")
}

func TestDelayedTicketIsClaimedWhenDue(t *testing.T) {
	t.Parallel()

	each(t, func(t *testing.T, s server) {
		q := s.queue(t, redis.Options{})
		late := ticket(1)
		late.NotBefore = s.now(t).Add(300 * time.Millisecond)
		enqueue(t, q, late)
		nothing(t, q)
		l := claim(t, q, "w1")
		if now := s.now(t); now.Before(late.NotBefore) {
			t.Errorf("claimed at %v, want not before %v", now, late.NotBefore)
		}
		again := s.now(t).Add(200 * time.Millisecond)
		release(t, q, l, again)
		claim(t, q, "w1")
		if now := s.now(t); now.Before(again) {
			t.Errorf("claimed again at %v, want not before %v", now, again)
		}
	})
}

func TestExpiredLeaseIsClaimedByAnother(t *testing.T) {
	t.Parallel()

	each(t, func(t *testing.T, s server) {
		short, q := s.queue(t, redis.Options{Lease: 300 * time.Millisecond}), s.queue(t, redis.Options{})
		enqueue(t, short, ticket(1))
		from := s.now(t)
		lost := claim(t, short, "w1")
		l := claim(t, q, "w2") // waits for the end of the lease
		if took := s.now(t).Sub(from); took < 300*time.Millisecond {
			t.Errorf("claimed again after %v, want the lease to last 300ms", took)
		}
		if l.Source != source(1) || l.Job != job(1) {
			t.Errorf("got %v, want the ticket whose lease ended", l.Ticket)
		}
		wantFenced(t, extend(t, short, lost))
		wantFenced(t, short.Release(t.Context(), lost, time.Time{}))
		if err := extend(t, q, l); err != nil {
			t.Error(err)
		}
	})
}

// Eight workers take twenty sources ten times each; nobody else is to hold a
// source between a claim and its release.
func TestOneWorkerHoldsASource(t *testing.T) {
	t.Parallel()

	const sources, rounds = 20, 10
	each(t, func(t *testing.T, s server) {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		b := board{done: cancel, held: map[domain.SourceID]bool{}, left: sources * rounds, times: map[domain.SourceID]int{}}
		for n := range sources {
			enqueue(t, s.queue(t, redis.Options{}), ticket(n))
		}
		var workers sync.WaitGroup
		for range 8 {
			q, id := s.queue(t, redis.Options{}), token(t)
			workers.Go(func() { b.work(ctx, t, q, id) })
		}
		workers.Wait()
		if b.left != 0 {
			t.Errorf("got %d claims missing in the end, want none", b.left)
		}
	})
}

type board struct {
	mu    sync.Mutex
	done  context.CancelFunc
	held  map[domain.SourceID]bool
	times map[domain.SourceID]int
	left  int
}

func (b *board) work(ctx context.Context, t *testing.T, q *redis.Queue, id domain.RunID) {
	for {
		l, err := q.Claim(ctx, "worker", id)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			t.Error(err)
			return
		}
		again := b.hold(t, l.Source)
		if err := q.Release(ctx, l, again); err != nil && ctx.Err() == nil {
			t.Error(err)
			return
		}
		b.finish()
	}
}

// hold notes that source is held, and again that it is not from now on.
func (b *board) hold(t *testing.T, source domain.SourceID) (again time.Time) {
	b.mu.Lock()
	if b.held[source] {
		t.Errorf("source %v is held twice", source)
	}
	b.held[source] = true
	b.mu.Unlock()

	b.mu.Lock() // others had their chance
	defer b.mu.Unlock()
	b.held[source] = false
	if b.times[source]++; b.times[source] < 10 {
		return time.Unix(1, 0)
	}
	return time.Time{}
}

func (b *board) finish() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.left--; b.left == 0 {
		b.done()
	}
}

package redis_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/confuse/data-connector/adapters/redis"
	"github.com/confuse/data-connector/domain"
)

func TestSourceIsInTheQueueOnce(t *testing.T) {
	t.Parallel()

	each(t, func(t *testing.T, s server) {
		q := s.queue(t, redis.Options{})
		other := ticket(1)
		other.Job = job(2)
		enqueue(t, q, ticket(1), ticket(1))
		enqueue(t, q, other)
		wantHeld(t, q, map[domain.SourceID]domain.JobID{source(1): job(2)})
		l := claim(t, q, "w1")
		if l.Job != job(2) {
			t.Errorf("got job %v, want the newest, %v", l.Job, job(2))
		}
		nothing(t, q)
		release(t, q, l, time.Time{})
		nothing(t, q)
		wantHeld(t, q, map[domain.SourceID]domain.JobID{})
	})
}

func TestTheEarlierTimeWins(t *testing.T) {
	t.Parallel()

	each(t, func(t *testing.T, s server) {
		q := s.queue(t, redis.Options{})
		later, sooner := ticket(1), ticket(1)
		later.NotBefore = s.now(t).Add(time.Hour)
		enqueue(t, q, later)
		nothing(t, q)
		enqueue(t, q, sooner)
		enqueue(t, q, later)
		l := claim(t, q, "w1")
		release(t, q, l, time.Time{})

		enqueue(t, q, sooner)
		later.Job = job(2)
		enqueue(t, q, later)
		nothing(t, q) // of another job: it replaces the one that was due
	})
}

func TestTicketWaitsBehindALease(t *testing.T) {
	t.Parallel()

	each(t, func(t *testing.T, s server) {
		q := s.queue(t, redis.Options{})
		enqueue(t, q, ticket(1))
		l := claim(t, q, "w1")
		next := ticket(1)
		next.Job = job(2)
		enqueue(t, q, next)
		nothing(t, q)
		wantHeld(t, q, map[domain.SourceID]domain.JobID{source(1): job(1)})

		release(t, q, l, time.Unix(1, 0)) // job 1 is to be tried again, before job 2
		l = claim(t, q, "w1")
		if l.Job != job(1) {
			t.Errorf("got job %v, want the one tried again, %v", l.Job, job(1))
		}
		release(t, q, l, time.Time{})
		if l = claim(t, q, "w1"); l.Job != job(2) {
			t.Errorf("got job %v, want the one behind, %v", l.Job, job(2))
		}
		release(t, q, l, time.Time{})
		nothing(t, q)
	})
}

func TestBackoffOutlastsATicketOfTheSameJob(t *testing.T) {
	t.Parallel()

	each(t, func(t *testing.T, s server) {
		q := s.queue(t, redis.Options{})
		enqueue(t, q, ticket(1))
		l := claim(t, q, "w1")
		enqueue(t, q, ticket(1))
		release(t, q, l, s.now(t).Add(time.Hour))
		nothing(t, q)
	})
}

func TestLostLeaseIsFenced(t *testing.T) {
	t.Parallel()

	each(t, func(t *testing.T, s server) {
		q := s.queue(t, redis.Options{})
		enqueue(t, q, ticket(1))
		l := claim(t, q, "w1")
		if err := extend(t, q, l); err != nil {
			t.Fatal(err)
		}
		foreign := l
		foreign.Token = token(t)
		wantFenced(t, extend(t, q, foreign))
		wantFenced(t, q.Release(t.Context(), foreign, time.Time{}))
		release(t, q, l, time.Time{})
		wantFenced(t, extend(t, q, l))
		wantFenced(t, q.Release(t.Context(), l, time.Unix(1, 0)))
		nothing(t, q)
	})
}

func TestForgetFreesOwnLeasesOnly(t *testing.T) {
	t.Parallel()

	each(t, func(t *testing.T, s server) {
		q := s.queue(t, redis.Options{})
		enqueue(t, q, ticket(1))
		first := claim(t, q, "w1")
		enqueue(t, q, ticket(2))
		second := claim(t, q, "w2")
		if err := q.Forget(t.Context(), "w1"); err != nil {
			t.Fatal(err)
		}
		wantFenced(t, extend(t, q, first))
		if err := extend(t, q, second); err != nil {
			t.Error(err)
		}
		if l := claim(t, q, "w3"); l.Source != source(1) || l.Job != job(1) {
			t.Errorf("got %v, want the ticket that w1 held", l.Ticket)
		}
		nothing(t, q)
	})
}

func TestReapGivesBackWhatWasNotExtended(t *testing.T) {
	t.Parallel()

	each(t, func(t *testing.T, s server) {
		short, long := s.queue(t, redis.Options{Lease: time.Millisecond}), s.queue(t, redis.Options{})
		enqueue(t, long, ticket(1))
		kept := claim(t, long, "w1")
		enqueue(t, long, ticket(2))
		lost := claim(t, short, "w2")
		n := 0
		for n == 0 && t.Context().Err() == nil { // the millisecond of the lease has to pass on the server
			var err error
			if n, err = long.Reap(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if n != 1 {
			t.Errorf("got %d leases reaped, want 1", n)
		}
		wantFenced(t, extend(t, short, lost))
		if err := extend(t, long, kept); err != nil {
			t.Error(err)
		}
		if l := claim(t, long, "w3"); l.Source != source(2) {
			t.Errorf("got source %v, want %v", l.Source, source(2))
		}
	})
}

func TestEpochFollowsTheMemory(t *testing.T) {
	t.Parallel()

	each(t, func(t *testing.T, s server) {
		q := s.queue(t, redis.Options{})
		first := epoch(t, q)
		enqueue(t, q, ticket(1))
		if again := epoch(t, s.queue(t, redis.Options{})); again != first {
			t.Errorf("got epoch %q from another client, want %q", again, first)
		}
		s.flush(t)
		wantHeld(t, q, map[domain.SourceID]domain.JobID{})
		enqueue(t, q, ticket(1)) // brings no epoch with it
		if second := epoch(t, q); second == first {
			t.Errorf("got epoch %q after the flush, want another one", second)
		}
		if l := claim(t, q, "w1"); l.Source != source(1) {
			t.Errorf("got source %v, want %v", l.Source, source(1))
		}
	})
}

func TestFlushEndsLeases(t *testing.T) {
	t.Parallel()

	each(t, func(t *testing.T, s server) {
		q := s.queue(t, redis.Options{PerOwner: 1})
		enqueue(t, q, ticket(1))
		lost := claim(t, q, "w1")
		s.flush(t)
		wantFenced(t, extend(t, q, lost))
		wantFenced(t, q.Release(t.Context(), lost, time.Unix(1, 0)))
		enqueue(t, q, ticket(2))
		wantSource(t, claim(t, q, "w2"), 2)
	})
}

// A server that evicts may forget the tickets and keep the order of them.
func TestClaimPassesOverEvictedTickets(t *testing.T) {
	t.Parallel()

	each(t, func(t *testing.T, s server) {
		q := s.queue(t, redis.Options{})
		late := ticket(3)
		late.NotBefore = s.now(t).Add(200 * time.Millisecond)
		enqueue(t, q, ticket(1), ticket(2), late)
		if err := s.raw.Del(t.Context(), s.prefix+"{queue}:tickets").Err(); err != nil {
			t.Fatal(err)
		}
		fresh := ticket(4)
		fresh.NotBefore = late.NotBefore.Add(100 * time.Millisecond)
		enqueue(t, q, fresh)
		wantSource(t, claim(t, q, "w1"), 4)
	})
}

func epoch(t *testing.T, q *redis.Queue) string {
	t.Helper()
	word, err := q.Epoch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if word == "" {
		t.Error("got no epoch")
	}
	return word
}

func TestAnEmptyQueueLeavesNothing(t *testing.T) {
	t.Parallel()

	each(t, func(t *testing.T, s server) {
		q := s.queue(t, redis.Options{})
		for n := range 20 {
			k := ticket(n)
			k.Owner, k.Provider = domain.OwnerID("owner "+source(n%3).String()), []domain.Provider{"github", "localfs"}[n%2]
			enqueue(t, q, k)
		}
		for range 20 {
			release(t, q, claim(t, q, "w1"), time.Time{})
		}
		if left := s.keys(t); len(left) > 0 {
			t.Errorf("got keys %q in the end, want none", left)
		}
	})
}

func TestEnqueueIsOneRoundTrip(t *testing.T) {
	t.Parallel()

	each(t, func(t *testing.T, s server) {
		q, c := s.open(t, redis.Options{})
		enqueue(t, q, ticket(0)) // the server knows the script now
		tickets := make([]domain.Ticket, 1000)
		for n := range tickets {
			tickets[n] = ticket(n)
		}
		trips := redis.Trips(c)
		enqueue(t, q, tickets...)
		if n := trips.Load(); n != 1 {
			t.Errorf("got %d round trips, want 1", n)
		}
		enqueue(t, q, append(tickets, ticket(1000))...)
		held, err := q.Held(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(held) != 1001 {
			t.Errorf("got %d sources, want 1001", len(held))
		}
	})
}

func wantHeld(t *testing.T, q *redis.Queue, want map[domain.SourceID]domain.JobID) {
	t.Helper()
	held, err := q.Held(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, held); diff != "" {
		t.Errorf("held (-want +got):\n%s", diff)
	}
}

func TestStats(t *testing.T) {
	t.Parallel()

	each(t, func(t *testing.T, s server) {
		q := s.queue(t, redis.Options{})
		wantStats := func(want redis.Stats) {
			t.Helper()
			got, err := q.Stats(t.Context())
			if got.Oldest < want.Oldest-time.Second || want.Oldest == 0 && got.Oldest > time.Minute {
				t.Errorf("got the oldest due for %s, want about %s", got.Oldest, want.Oldest)
			}
			if got.Oldest = want.Oldest; err != nil || got != want {
				t.Errorf("got %+v, %v, want %+v", got, err, want)
			}
		}
		wantStats(redis.Stats{})
		late, early := ticket(2), ticket(3)
		late.NotBefore, early.NotBefore = s.now(t).Add(time.Hour), s.now(t).Add(-time.Hour)
		late.Owner, early.Owner = "bob", "cem"
		enqueue(t, q, ticket(1), late, early)
		wantStats(redis.Stats{Due: 2, Waiting: 1, Oldest: time.Hour})
		release(t, q, claim(t, q, "w1"), time.Time{})
		claim(t, q, "w1")
		wantStats(redis.Stats{Waiting: 1, Leased: 1})
	})
}

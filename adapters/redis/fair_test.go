package redis_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	goredis "github.com/redis/go-redis/v9"

	"github.com/confuse/data-connector/adapters/redis"
	"github.com/confuse/data-connector/domain"
)

// of is a ticket that is due since second at of 2020.
func of(n int, owner domain.OwnerID, provider domain.Provider, at int) domain.Ticket {
	k := ticket(n)
	k.Owner, k.Provider, k.NotBefore = owner, provider, time.Date(2020, 1, 1, 0, 0, at, 0, time.UTC)
	return k
}

func TestFewestLeasesThenTheOldest(t *testing.T) {
	t.Parallel()

	each(t, func(t *testing.T, s server) {
		q := s.queue(t, redis.Options{})
		enqueue(t, q,
			of(6, "bob", "localfs", 6), of(5, "bob", "github", 5), of(7, "eve", "github", 7),
			of(1, "ann", "localfs", 1), of(4, "ann", "localfs", 4), of(2, "ann", "github", 2), of(3, "ann", "github", 3))
		want := []domain.SourceID{
			source(1), source(5), source(7), // one each, the oldest first
			source(2), source(6), // a second one, whatever the provider
			source(3), source(4),
		}
		var got []domain.SourceID
		var leases []domain.Lease
		for range want {
			leases = append(leases, claim(t, q, "w1"))
			got = append(got, leases[len(leases)-1].Source)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("claims (-want +got):\n%s", diff)
		}

		for _, l := range leases {
			if l.Owner == "ann" {
				release(t, q, l, time.Time{})
			}
		}
		enqueue(t, q, of(8, "bob", "github", 8), of(9, "ann", "github", 9))
		if l := claim(t, q, "w1"); l.Source != source(9) {
			t.Errorf("got source %v, want %v, whose owner has no lease any more", l.Source, source(9))
		}
	})
}

func TestCapPerProvider(t *testing.T) {
	t.Parallel()

	each(t, func(t *testing.T, s server) {
		q := s.queue(t, redis.Options{PerProvider: 2})
		enqueue(t, q,
			of(1, "ann", "github", 1), of(2, "bob", "github", 2), of(3, "eve", "github", 3), of(4, "eve", "localfs", 4))
		first := claim(t, q, "w1")
		wantSource(t, claim(t, q, "w1"), 2)
		wantSource(t, claim(t, q, "w1"), 4)
		nothing(t, q)
		release(t, q, first, time.Time{})
		wantSource(t, claim(t, q, "w1"), 3)
	})
}

func TestCapPerOwner(t *testing.T) {
	t.Parallel()

	each(t, func(t *testing.T, s server) {
		q := s.queue(t, redis.Options{PerOwner: 2})
		enqueue(t, q, of(1, "ann", "github", 1), of(2, "ann", "localfs", 2), of(3, "ann", "github", 3))
		wantSource(t, claim(t, q, "w1"), 1)
		second := claim(t, q, "w1")
		nothing(t, q)
		enqueue(t, q, of(4, "bob", "github", 4))
		wantSource(t, claim(t, q, "w1"), 4)
		nothing(t, q)
		release(t, q, second, s.now(t).Add(time.Hour)) // a job that waits for its time holds no place
		wantSource(t, claim(t, q, "w1"), 3)
	})
}

func TestForgottenAndExpiredLeasesFreeTheirPlace(t *testing.T) {
	t.Parallel()

	each(t, func(t *testing.T, s server) {
		q := s.queue(t, redis.Options{PerOwner: 1, PerProvider: 1, Lease: 200 * time.Millisecond})
		enqueue(t, q, of(1, "ann", "github", 1))
		wantSource(t, claim(t, q, "w1"), 1)
		if err := q.Forget(t.Context(), "w1"); err != nil {
			t.Fatal(err)
		}
		enqueue(t, q, of(2, "ann", "github", 0))
		wantSource(t, claim(t, q, "w2"), 2)
		wantSource(t, claim(t, q, "w3"), 1) // once the lease of w2 has ended; both are due, 1 is older by then
	})
}

func wantSource(t *testing.T, l domain.Lease, n int) {
	t.Helper()
	if l.Source != source(n) {
		t.Errorf("got source %v, want %v", l.Source, source(n))
	}
}

// A lease is wanted when a ticket that could take its place has been due for a
// second.
func TestWantedLease(t *testing.T) {
	t.Parallel()

	tests := map[string]struct {
		options redis.Options
		waits   []domain.Ticket
		want    bool
	}{
		"nobody waits":                       {},
		"another owner":                      {waits: []domain.Ticket{of(2, "bob", "github", 2)}, want: true},
		"the same owner":                     {waits: []domain.Ticket{of(2, "ann", "localfs", 2)}, want: true},
		"its own next job":                   {waits: []domain.Ticket{of(1, "ann", "localfs", 2)}},
		"just come":                          {waits: []domain.Ticket{ticket(2)}},
		"at its own cap":                     {options: redis.Options{PerOwner: 1}, waits: []domain.Ticket{of(2, "ann", "localfs", 2)}, want: true},
		"at its provider's cap":              {options: redis.Options{PerProvider: 1}, waits: []domain.Ticket{of(2, "bob", "localfs", 2)}, want: true},
		"at a cap that it does not free":     {options: redis.Options{PerProvider: 1}, waits: []domain.Ticket{of(2, "bob", "github", 2), of(3, "bob", "github", 3)}},
		"of an owner with as many leases":    {waits: []domain.Ticket{of(2, "bob", "github", 2), of(3, "bob", "localfs", 3)}},
		"of an owner whose cap it frees not": {options: redis.Options{PerOwner: 1}, waits: []domain.Ticket{of(2, "bob", "github", 2), of(3, "bob", "localfs", 3)}},
	}
	each(t, func(t *testing.T, s server) {
		for name, tt := range tests {
			s.flush(t)
			q := s.queue(t, tt.options)
			enqueue(t, q, of(1, "ann", "localfs", 1))
			l := claim(t, q, "w1")
			enqueue(t, q, tt.waits...)
			if len(tt.waits) > 1 { // the first is worked on, the other is at its cap
				claim(t, q, "w2")
			}
			if wanted, err := q.Extend(t.Context(), l); err != nil || wanted != tt.want {
				t.Errorf("%s: got %t, %v, want %t", name, wanted, err, tt.want)
			}
		}
	})
}

// A ticket that was put before its time wants no lease in whose place it could not
// be taken either, also while no worker has asked since it is due.
func TestDelayedTicketAtItsCapWantsNoLease(t *testing.T) {
	t.Parallel()

	each(t, func(t *testing.T, s server) {
		q := s.queue(t, redis.Options{PerOwner: 1})
		enqueue(t, q, of(1, "ann", "localfs", 1), of(2, "bob", "github", 2))
		anns, bobs := claim(t, q, "w1"), claim(t, q, "w2")
		late := of(3, "bob", "localfs", 3)
		late.NotBefore = s.now(t).Add(time.Hour)
		enqueue(t, q, late)
		s.makeDue(t, late)
		for _, tt := range []struct {
			lease domain.Lease
			want  bool
		}{{anns, false}, {bobs, true}} {
			if wanted, err := q.Extend(t.Context(), tt.lease); err != nil || wanted != tt.want {
				t.Errorf("lease of %s: got %t, %v, want %t", tt.lease.Owner, wanted, err, tt.want)
			}
		}
		release(t, q, bobs, time.Time{})
		wantSource(t, claim(t, q, "w2"), 3)
	})
}

// makeDue lets the time of a ticket come that waits for it.
func (s server) makeDue(t *testing.T, k domain.Ticket) {
	t.Helper()
	base, source, due := s.prefix+"{queue}:", k.Source.String(), s.now(t).Add(-time.Minute).UnixMilli()
	text := fmt.Sprintf(`{"job":%q,"provider":%q,"owner":%q,"due":%d}`, k.Job, k.Provider, k.Owner, due)
	err := errors.Join(
		s.raw.HSet(t.Context(), base+"tickets", source, text).Err(),
		s.raw.ZAdd(t.Context(), base+"delayed", goredis.Z{Score: float64(due), Member: source}).Err())
	if err != nil {
		t.Fatal(err)
	}
}

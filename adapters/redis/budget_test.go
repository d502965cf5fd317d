package redis_test

import (
	"testing"
	"time"

	"github.com/confuse/data-connector/adapters/redis"
	"github.com/confuse/data-connector/connectors/rest"
	"github.com/confuse/data-connector/connectors/rest/budgettest"
)

var _ rest.Budget = (*redis.Budget)(nil)

func TestBudget(t *testing.T) {
	t.Parallel()

	each(t, func(t *testing.T, s server) {
		_, c := s.open(t, redis.Options{})
		budgettest.Run(t, func(t *testing.T) rest.Budget { return redis.NewBudget(c, s.prefix+t.Name()+":") })
	})
}

// TestBudgetForgets: what nobody asks for any more leaves Redis.
func TestBudgetForgets(t *testing.T) {
	t.Parallel()

	each(t, func(t *testing.T, s server) {
		_, c := s.open(t, redis.Options{})
		b := redis.NewBudget(c, s.prefix)
		if err := b.Learn(t.Context(), "a", 5, 10, time.Hour); err != nil {
			t.Fatal(err)
		}
		if err := b.Block(t.Context(), "b", time.Hour); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Take(t.Context(), "c", 10, 0); err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{"a", "b", "c"} {
			ttl, err := s.raw.PTTL(t.Context(), s.prefix+"budget:"+key).Result()
			if err != nil || ttl < time.Hour || ttl > 2*time.Hour {
				t.Errorf("got %s, %v to live for key %q, want up to two hours", ttl, err, key)
			}
		}
	})
}

// TestBudgetOfAll: replicas with one prefix share what they count and what they
// learn, and another prefix is somebody else's.
func TestBudgetOfAll(t *testing.T) {
	t.Parallel()

	each(t, func(t *testing.T, s server) {
		_, c1 := s.open(t, redis.Options{})
		_, c2 := s.open(t, redis.Options{})
		one, two := redis.NewBudget(c1, s.prefix), redis.NewBudget(c2, s.prefix)
		other := redis.NewBudget(c2, s.prefix+"other:")
		for i := range 10 {
			waits(t, []*redis.Budget{one, two}[i%2], "counted", 10, false)
		}
		waits(t, one, "counted", 10, true)
		waits(t, two, "counted", 10, true)
		waits(t, other, "counted", 10, false)
		if err := one.Learn(t.Context(), "learned", 1, 100, time.Hour); err != nil {
			t.Fatal(err)
		}
		waits(t, two, "learned", 0, false)
		waits(t, one, "learned", 0, true)
		if err := two.Block(t.Context(), "blocked", time.Hour); err != nil {
			t.Fatal(err)
		}
		waits(t, one, "blocked", 0, true)
		waits(t, other, "blocked", 0, false)
	})
}

// waits asks b for one call, which is to wait or not.
func waits(t *testing.T, b *redis.Budget, key string, perHour int, want bool) {
	t.Helper()
	wait, err := b.Take(t.Context(), key, perHour, 0)
	if err != nil || (wait > 0) != want {
		t.Errorf("got %s to wait for key %q, %v, want to wait: %t", wait, key, err, want)
	}
}

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

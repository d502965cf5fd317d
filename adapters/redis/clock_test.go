package redis_test

import (
	"testing"
	"time"

	"github.com/confuse/data-connector/adapters/clock"
	"github.com/confuse/data-connector/adapters/redis"
)

// ahead is a clock that is wrong.
type ahead struct {
	clock.System
	by time.Duration
}

func (a ahead) Now() time.Time { return a.System.Now().Add(a.by) }

// A process whose clock is wrong by an hour waits for a ticket as long as it means
// to: neither an hour longer nor not at all.
func TestClockThatIsWrong(t *testing.T) {
	t.Parallel()

	each(t, func(t *testing.T, s server) {
		for _, by := range []time.Duration{time.Hour, -time.Hour} {
			wrong := ahead{by: by}
			q := s.queue(t, redis.Options{Clock: wrong})
			late := ticket(1)
			late.NotBefore = wrong.Now().Add(300 * time.Millisecond)
			enqueue(t, q, late)
			nothing(t, q)
			begun := s.now(t)
			l := claim(t, q, "w1")
			release(t, q, l, wrong.Now().Add(200*time.Millisecond))
			nothing(t, q)
			release(t, q, claim(t, q, "w1"), time.Time{})
			if took := s.now(t).Sub(begun); took > 30*time.Second {
				t.Errorf("by %s: took %s, want half a second", by, took)
			}
		}
	})
}

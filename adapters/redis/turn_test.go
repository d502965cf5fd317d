package redis_test

import (
	"testing"
	"time"

	"github.com/confuse/data-connector/adapters/redis"
)

// One of several processes has a source's turn; losing the memory gives another.
func TestTurn(t *testing.T) {
	t.Parallel()

	each(t, func(t *testing.T, s server) {
		a, b := s.queue(t, redis.Options{}), s.queue(t, redis.Options{})
		for _, step := range []struct {
			q      *redis.Queue
			source int
			want   bool
		}{{a, 1, true}, {b, 1, false}, {b, 2, true}, {a, 2, false}} {
			if got, err := step.q.Turn(t.Context(), source(step.source), time.Minute); err != nil || got != step.want {
				t.Errorf("source %d: got %v, %v, want %v", step.source, got, err, step.want)
			}
		}
		if got, err := b.CollectTurn(t.Context(), source(1), time.Minute); err != nil || !got {
			t.Errorf("got %v, %v for the other kind of turn, want its own", got, err)
		}
		if got, err := a.CollectTurn(t.Context(), source(1), time.Minute); err != nil || got {
			t.Errorf("got %v, %v for a second collector, want none", got, err)
		}
		s.flush(t)
		if got, err := b.Turn(t.Context(), source(1), time.Minute); err != nil || !got {
			t.Errorf("got %v, %v after a flush, want a turn", got, err)
		}
	})
}

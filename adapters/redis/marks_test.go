package redis_test

import (
	"slices"
	"testing"
	"time"

	"github.com/confuse/data-connector/adapters/redis"
	"github.com/confuse/data-connector/domain/ingest"
)

var _ ingest.Marks = (*redis.Marks)(nil)

// marks are those of one more process.
func (s server) marks(t *testing.T, prefix string) *redis.Marks {
	t.Helper()
	_, c := s.open(t, redis.Options{})
	return redis.NewMarks(c, prefix)
}

// Marks last until their time has passed or the memory is lost, and those of
// another prefix are others.
func TestMarks(t *testing.T) {
	t.Parallel()

	each(t, func(t *testing.T, s server) {
		a, other := s.marks(t, s.prefix), s.marks(t, s.prefix+"other:")
		want := func(m *redis.Marks, want ...bool) {
			t.Helper()
			if got, err := m.Marked(t.Context(), []string{"x", "y", "z"}); err != nil || !slices.Equal(got, want) {
				t.Errorf("got %v, %v, want %v", got, err, want)
			}
		}
		want(a, false, false, false)
		if err := a.Mark(t.Context(), time.Hour, []string{"x", "z"}); err != nil {
			t.Fatal(err)
		}
		want(a, true, false, true)
		want(other, false, false, false)
		s.flush(t)
		want(a, false, false, false)
		if got, err := a.Marked(t.Context(), nil); err != nil || len(got) != 0 {
			t.Errorf("got %v, %v for no keys", got, err)
		}
	})
}

func TestMarksTurn(t *testing.T) {
	t.Parallel()

	each(t, func(t *testing.T, s server) {
		a, b := s.marks(t, s.prefix), s.marks(t, s.prefix)
		for _, step := range []struct {
			m    *redis.Marks
			key  string
			want bool
		}{{a, "1", true}, {b, "1", false}, {b, "2", true}} {
			if got, err := step.m.Turn(t.Context(), step.key, time.Minute); err != nil || got != step.want {
				t.Errorf("%s: got %v, %v, want %v", step.key, got, err, step.want)
			}
		}
	})
}

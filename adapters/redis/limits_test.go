package redis_test

import (
	"errors"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/go-chi/httprate"

	"github.com/confuse/data-connector/adapters/redis"
	"github.com/confuse/data-connector/domain"
)

var _ httprate.LimitCounter = (*redis.Limits)(nil)

// What one process counts the others see; keys, limits and windows are apart, and
// nothing stays.
func TestLimitsAreShared(t *testing.T) {
	t.Parallel()

	each(t, func(t *testing.T, s server) {
		_, c := s.open(t, redis.Options{})
		_, d := s.open(t, redis.Options{})
		one, two, other := redis.NewLimits(c, s.prefix, "sync"), redis.NewLimits(d, s.prefix, "sync"), redis.NewLimits(c, s.prefix, "connect")
		now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
		before := now.Add(-time.Minute)
		for _, l := range []*redis.Limits{one, two, other} {
			l.Config(5, time.Minute)
		}
		for _, err := range []error{
			one.Increment("ann", now), two.IncrementBy("ann", now, 2), one.Increment("ann", before), two.Increment("bob", now), other.IncrementBy("ann", now, 9),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		for _, l := range []*redis.Limits{one, two} {
			if current, previous, err := l.Get("ann", now, before); current != 3 || previous != 1 || err != nil {
				t.Errorf("got %d, %d, %v, want 3 and 1", current, previous, err)
			}
		}
		if current, previous, err := one.Get("eve", now, before); current != 0 || previous != 0 || err != nil {
			t.Errorf("got %d, %d, %v, want nothing", current, previous, err)
		}
		for _, key := range s.keys(t) {
			if left := s.raw.PTTL(t.Context(), key).Val(); left <= time.Minute || left > 3*time.Minute {
				t.Errorf("%s goes in %s, want after two windows", key, left)
			}
		}
	})
}

// Two servers keep one limit.
func TestTwoServersKeepOneLimit(t *testing.T) {
	t.Parallel()

	each(t, func(t *testing.T, s server) {
		var servers []*httprate.RateLimiter
		for range 2 {
			_, c := s.open(t, redis.Options{})
			servers = append(servers, httprate.NewRateLimiter(5, time.Hour, httprate.WithLimitCounter(redis.NewLimits(c, s.prefix, "sync"))))
		}
		passed := 0
		for i := range 10 {
			if !servers[i%2].OnLimit(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), "GET", "/", nil), "ann") {
				passed++
			}
		}
		if passed != 5 {
			t.Errorf("got %d requests through, want 5", passed)
		}
	})
}

// A server that does not answer costs one short wait, then nothing until it is
// asked again.
func TestLimitsOfAServerThatIsAway(t *testing.T) {
	t.Parallel()

	each(t, func(t *testing.T, s server) {
		at, err := url.Parse(s.url)
		if err != nil {
			t.Fatal(err)
		}
		between := newProxy(t, at.Host)
		at.Host = between.listener.Addr().String()
		c, err := redis.Open(t.Context(), at.String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() }) // nothing is written at its end
		l := redis.NewLimits(c, s.prefix, "sync")
		l.Config(5, time.Minute)
		now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
		if err := l.Increment("ann", now); err != nil {
			t.Fatal(err)
		}
		between.cut()
		if _, _, err := l.Get("ann", now, now); !errors.Is(err, domain.ErrUnavailable) {
			t.Errorf("got error %v, want %v", err, domain.ErrUnavailable)
		}
		begun := time.Now()
		for range 100 {
			if err := l.Increment("ann", now); !errors.Is(err, domain.ErrUnavailable) {
				t.Fatalf("got error %v, want %v", err, domain.ErrUnavailable)
			}
		}
		if took := time.Since(begun); took > 200*time.Millisecond {
			t.Errorf("100 requests waited %s for a server that is away", took)
		}
	})
}

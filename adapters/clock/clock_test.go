package clock_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/confuse/data-connector/adapters/clock"
)

func TestNow(t *testing.T) {
	t.Parallel()

	before := time.Now().Truncate(time.Microsecond)
	got := clock.System{}.Now()
	if got.Location() != time.UTC {
		t.Errorf("got location %v, want UTC", got.Location())
	}
	if got.Nanosecond()%1000 != 0 {
		t.Errorf("got %v, want whole microseconds", got)
	}
	if got != got.Round(0) {
		t.Errorf("got %v, want no monotonic reading", got)
	}
	if after := time.Now(); got.Before(before) || got.After(after) {
		t.Errorf("got %v, want it between %v and %v", got, before, after)
	}
}

func TestAfter(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		c := clock.System{}
		want := c.Now().Add(time.Hour)
		if got := <-c.After(time.Hour); got != want {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

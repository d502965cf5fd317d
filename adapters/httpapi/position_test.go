package httpapi_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/confuse/data-connector/adapters/httpapi"
)

// A fold that does not come within five seconds is a 503 that says when to come
// back, and not an error of the client that gave up.
func TestMinLogPositionIsNotWaitedForForever(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.wait = func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		}
		begun := time.Now()
		r := call(t, httpapi.New(parts(w)), "GET", "/sources", "", "Min-Log-Position", "3:41")
		wantRefusal(t, r, 503, "UNAVAILABLE")
		if r.Header.Get("Retry-After") != "1" {
			t.Errorf("got Retry-After %q, want 1", r.Header.Get("Retry-After"))
		}
		if waited := time.Since(begun); waited != 5*time.Second {
			t.Errorf("waited %s, want 5s", waited)
		}
	})
}

package httpapi_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/confuse/data-connector/adapters/httpapi"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/projections"
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

// ends is a log of two partitions with ten records each.
type ends struct{}

func (ends) End(context.Context, int32) (int64, error) { return 10, nil }
func (ends) Partitions(context.Context) (int32, error) { return 2, nil }

// A place that is not on the log is an error of the caller: no waiting helps.
func TestPositionBehindTheLog(t *testing.T) {
	t.Parallel()

	tests := map[string]struct{ path, position, field string }{
		"behind the end":       {"/sources", "1:10", "Min-Log-Position"},
		"no such partition":    {"/sources", "2:0", "Min-Log-Position"},
		"runs behind the end":  {"/runs?partition=1&at=11", "", "at"},
		"runs of no partition": {"/runs?partition=2&at=1", "", "partition"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.wait = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
				p := parts(w)
				p.Ends = ends{}
				p.Runs = unfolded{}
				wantProblem(t, wantRefusal(t, call(t, httpapi.New(p), "GET", tt.path, "", "Min-Log-Position", tt.position), 400, "VALIDATION_ERROR"), tt.field)
			})
		})
	}
}

// What is on the log and not folded yet stays a matter of time.
func TestPositionOnTheLog(t *testing.T) {
	t.Parallel()

	p := parts(newWorld())
	p.Ends, p.Runs = ends{}, unfolded{}
	wantRefusal(t, call(t, httpapi.New(p), "GET", "/runs?partition=1&at=10", ""), 503, "UNAVAILABLE")
}

// unfolded is tables that hold nothing yet.
type unfolded struct{}

func (unfolded) RunsAtAnyOwner(context.Context, int32, int64) ([]projections.RunRow, error) {
	return nil, domain.ErrUnavailable
}

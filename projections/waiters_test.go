package projections_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/confuse/data-connector/domain"
)

func TestWaitForWhatIsFolded(t *testing.T) {
	t.Parallel()

	w, l := newWorld(t), newLog(eventsTopic, 3)
	s := newStory(t, l, "ann")
	at := s.request(domain.SyncFull)
	w.project(t, l)
	if err := w.waiters.Wait(t.Context(), at); err != nil {
		t.Errorf("got %v for a position that is folded", err)
	}
	if n, err := w.waiters.Position(t.Context(), 3); err != nil || n != 2 {
		t.Errorf("got position %d, error %v; want 2", n, err)
	}
	if n, err := w.waiters.Position(t.Context(), 4); err != nil || n != 0 {
		t.Errorf("got position %d, error %v for a partition never folded; want 0", n, err)
	}
}

func TestWaitEndsWithItsContext(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.waiters.Wait(ctx, domain.Position{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := w.waiters.Wait(ctx, domain.Position{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v for what nobody folds, want context.DeadlineExceeded", err)
	}
}

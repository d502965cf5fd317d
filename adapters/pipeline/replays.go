package pipeline

import (
	"context"
	"sync"
	"time"

	"github.com/confuse/data-connector/domain"
)

const (
	// replayTime is how long a replay may be known as it was: a cancelled one ends
	// within a second.
	replayTime = 500 * time.Millisecond
	maxReplays = 1_000
)

// replays remembers for a short time whether replays were cancelled.
type replays struct {
	ask   func(ctx context.Context, replay string) (bool, error)
	clock domain.Clock

	mu    sync.Mutex
	known map[string]knownReplay
}

type knownReplay struct {
	cancelled bool
	until     time.Time
}

func newReplays(ask func(context.Context, string) (bool, error), clock domain.Clock) *replays {
	return &replays{ask: ask, clock: clock, known: make(map[string]knownReplay)}
}

func (r *replays) cancelled(ctx context.Context, id string) (bool, error) {
	if r.ask == nil {
		return false, nil
	}
	now := r.clock.Now()
	r.mu.Lock()
	k, ok := r.known[id]
	r.mu.Unlock()
	if ok && (k.cancelled || now.Before(k.until)) {
		return k.cancelled, nil
	}
	cancelled, err := r.ask(ctx, id)
	if err != nil {
		return false, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.known) >= maxReplays {
		clear(r.known)
	}
	r.known[id] = knownReplay{cancelled, now.Add(replayTime)}
	return cancelled, nil
}

package connectortest

import (
	"context"
	"sync"
	"time"

	"github.com/confuse/data-connector/domain"
)

var _ domain.Clock = (*Clock)(nil)

// A Clock stands still until it is turned.
type Clock struct {
	mu     sync.Mutex
	now    time.Time
	timers []timer
	asked  chan struct{} // closed when a timer is added
}

type timer struct {
	at   time.Time
	rang chan time.Time
}

// NewClock makes a clock that stands at now.
func NewClock(now time.Time) *Clock {
	return &Clock{now: now.UTC().Truncate(time.Microsecond), asked: make(chan struct{})}
}

// Now implements domain.Clock.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// After implements domain.Clock.
func (c *Clock) After(d time.Duration) <-chan time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	rang := make(chan time.Time, 1)
	if d <= 0 {
		rang <- c.now
		return rang
	}
	c.timers = append(c.timers, timer{at: c.now.Add(d), rang: rang})
	close(c.asked)
	c.asked = make(chan struct{})
	return rang
}

// Turn moves the clock on by d and rings what has come due.
func (c *Clock) Turn(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	waiting := c.timers[:0]
	for _, t := range c.timers {
		if t.at.After(c.now) {
			waiting = append(waiting, t)
			continue
		}
		t.rang <- c.now
	}
	c.timers = waiting
}

// Waiting returns when n timers run, so that a test turns the clock only after
// somebody waits for it. A timer that nobody listens to any more counts too.
func (c *Clock) Waiting(ctx context.Context, n int) error {
	for {
		c.mu.Lock()
		running, asked := len(c.timers), c.asked
		c.mu.Unlock()
		if running >= n {
			return nil
		}
		select {
		case <-asked:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

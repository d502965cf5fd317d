package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/sony/gobreaker/v2"
)

// Patience says how trouble of a neighbour is waited out.
type Patience struct {
	First time.Duration // before the second try; it doubles from there on. 0: 500 ms
	Last  time.Duration // at most; 0: 30 s
	Trips uint32        // tries in a row that fail until nobody but one probe asks any more; 0: 5
	Open  time.Duration // until the next probe; 0: 10 s
}

func (p Patience) orDefaults() Patience {
	return Patience{
		First: cmp.Or(p.First, 500*time.Millisecond), Last: cmp.Or(p.Last, 30*time.Second),
		Trips: cmp.Or(p.Trips, 5), Open: cmp.Or(p.Open, 10*time.Second),
	}
}

var (
	errOutcomes = errors.New("the stage told the fate of another number of items than it was given")
	errPanic    = errors.New("the stage panicked")
)

func panicked(r any) error { return Final(fmt.Errorf("%w: %v", errPanic, r)) }

// A circuit keeps all of a stage from asking a neighbour that does not answer.
type circuit struct {
	breaker *gobreaker.CircuitBreaker[[]Outcome]

	mu     sync.Mutex
	closed chan struct{} // closed and made anew each time the neighbour is back
}

func newCircuit(name string, p Patience, changed func(open bool)) *circuit {
	c := &circuit{closed: make(chan struct{})}
	c.breaker = gobreaker.NewCircuitBreaker[[]Outcome](gobreaker.Settings{
		Name: name, MaxRequests: 1, Timeout: p.Open,
		ReadyToTrip: func(n gobreaker.Counts) bool { return n.ConsecutiveFailures >= p.Trips },
		IsSuccessful: func(err error) bool {
			return err == nil || IsFinal(err) || errors.Is(err, context.Canceled) // it answered; or we hung up
		},
		IsExcluded: isOwn, // the neighbour has nothing to do with it
		OnStateChange: func(_ string, from, to gobreaker.State) {
			if from == gobreaker.StateClosed { // half-open is open still: a probe is under way
				changed(true)
			}
			if to == gobreaker.StateClosed {
				changed(false)
				c.wake()
			}
		},
	})
	return c
}

func (c *circuit) try(ask func() ([]Outcome, error)) ([]Outcome, error) {
	return c.breaker.Execute(ask)
}

func (c *circuit) wake() {
	c.mu.Lock()
	defer c.mu.Unlock()
	close(c.closed)
	c.closed = make(chan struct{})
}

func (c *circuit) back() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed
}

// shut tells whether err says that nobody was asked.
func shut(err error) bool {
	return errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests)
}

// wait waits out the trouble err before try number failed+2. It reports false when
// ctx ended first. When the circuit closes, all go on.
func (c *class[T]) wait(ctx context.Context, failed int, err error) bool {
	back := c.circuit.back()
	most := c.Patience.most(failed)
	switch {
	case shut(err):
		most = min(c.Patience.Open, c.Patience.Last)
	case isOwn(err):
		back = nil // it is not what is waited for
		c.Log.WarnContext(ctx, "a stage waits for a server of our own", "stage", c.Name, "again", c.repeats, "try", failed+1, "err", err)
	default:
		c.Observed(Observed{Trouble: true, Again: c.repeats})
		c.Log.WarnContext(ctx, "neighbour in trouble", "stage", c.Name, "again", c.repeats, "try", failed+1, "err", err)
	}
	wait := spread(most)
	if asked := Later(err); asked > 0 {
		wait = asked + rand.N(most/2+1)
		back = nil // it said when
	}
	return pause(ctx, wait, back)
}

// most is how long to wait at most before try number failed+2.
func (p Patience) most(failed int) time.Duration { return min(p.First<<min(failed, 16), p.Last) }

// spread keeps tries apart; it is no secret.
func spread(most time.Duration) time.Duration { return most/2 + rand.N(most/2+1) }

// pause waits, or until back is closed. It reports false when ctx ended first.
func pause(ctx context.Context, wait time.Duration, back <-chan struct{}) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-back:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// waitSoft is wait for as long as the line may begin something new.
func (c *class[T]) waitSoft(ctx context.Context, failed int, err error) bool {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(c.soft, cancel)()
	return c.wait(ctx, failed, err)
}

// Package clock tells the real time. Its type [System] is the only place of the
// service that asks the machine for it.
//
// # Why
//
// The clock is a port, so that tests turn it by hand. What calls time.Now itself
// cannot be tested without sleeping.
package clock

import (
	"time"

	"github.com/confuse/data-connector/domain"
)

// System is the clock of this machine. It may be used concurrently.
type System struct{}

var _ domain.Clock = System{}

// Now is UTC, in whole microseconds, without a monotonic reading: what Postgres
// gives back is equal to it.
func (System) Now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// After sends the time, as Now gives it, once d has passed. Nobody needs to
// receive it; nothing is left running.
func (s System) After(d time.Duration) <-chan time.Time {
	c := make(chan time.Time, 1)
	time.AfterFunc(d, func() { c <- s.Now() })
	return c
}

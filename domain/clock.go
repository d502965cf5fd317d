package domain

import "time"

// A Clock tells the time. It is a port so that tests turn it by hand; no order
// rests on it, only schedules, retries and what people read.
type Clock interface {
	// Now is UTC, in whole microseconds (what Postgres keeps).
	Now() time.Time
	// After sends the time once d has passed. The channel is never closed.
	After(d time.Duration) <-chan time.Time
}

package redis

import "sync"

// A bell wakes all who wait for it at once.
type bell struct {
	mu   sync.Mutex
	rung chan struct{} // closed by ring, which hangs up a new one
}

func newBell() *bell { return &bell{rung: make(chan struct{})} }

// next is closed when the bell rings for the first time from now on.
func (b *bell) next() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.rung
}

func (b *bell) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	close(b.rung)
	b.rung = make(chan struct{})
}

// listen rings for each wake-up, and each time the subscription is made: what
// was published while the connection was gone would be missed otherwise.
func (q *Queue) listen(events <-chan any) {
	for range events {
		q.bell.ring()
	}
}

package httpapi

import (
	"context"
	"sync"

	"github.com/confuse/data-connector/domain"
)

// streams counts the open streams of each owner. The zero value is ready.
type streams struct {
	mu      sync.Mutex
	byOwner map[domain.OwnerID]int
}

// open counts one more, until done is called; false: owner has too many.
func (s *streams) open(owner domain.OwnerID) (done func(), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byOwner[owner] >= maxStreams {
		return nil, false
	}
	if s.byOwner == nil {
		s.byOwner = map[domain.OwnerID]int{}
	}
	s.byOwner[owner]++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.byOwner[owner]--; s.byOwner[owner] == 0 {
			delete(s.byOwner, owner)
		}
	}, true
}

// stopping is closed once the server that answers the request of ctx is told to
// stop: what would go on for long ends then. Never, where no server says so.
func stopping(ctx context.Context) <-chan struct{} {
	c, _ := ctx.Value(stoppingKey).(<-chan struct{})
	return c
}

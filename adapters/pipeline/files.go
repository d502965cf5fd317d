package pipeline

import (
	"context"
	"sync"

	"github.com/confuse/data-connector/domain"
)

// files are those that are being handed on. The lanes keep two states of a file
// apart, but what is new and what is handed on again come in different lanes.
type files struct {
	mu   sync.Mutex
	busy map[domain.FileID]chan struct{} // closed when it is free

	// The newest states that were handed on lately, and those before them.
	last, before map[domain.FileID]domain.Revised
}

// mostNoted is how many states are noted at least: more than are handed on until
// the tables hold their reports.
const mostNoted = 50_000

func newFiles() *files {
	return &files{busy: make(map[domain.FileID]chan struct{}), last: make(map[domain.FileID]domain.Revised)}
}

// note remembers for a while that a state was handed on.
func (f *files) note(id domain.FileID, at domain.Revised) {
	if at.Before(f.noted(id)) {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.last) >= mostNoted {
		f.last, f.before = make(map[domain.FileID]domain.Revised), f.last
	}
	f.last[id] = at
}

// noted is the newest state that was noted; zero: none was.
func (f *files) noted(id domain.FileID) domain.Revised {
	f.mu.Lock()
	defer f.mu.Unlock()
	if at, ok := f.last[id]; ok {
		return at
	}
	return f.before[id]
}

func (f *files) lock(ctx context.Context, id domain.FileID) error {
	for {
		f.mu.Lock()
		free, taken := f.busy[id]
		if !taken {
			f.busy[id] = make(chan struct{})
			f.mu.Unlock()
			return nil
		}
		f.mu.Unlock()
		select {
		case <-free:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (f *files) unlock(id domain.FileID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	close(f.busy[id])
	delete(f.busy, id)
}

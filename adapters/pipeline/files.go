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
	busy map[domain.FileID]chan struct{} // closed when it is free; nil: nobody waits for that
}

func newFiles() *files {
	return &files{busy: make(map[domain.FileID]chan struct{})}
}

func (f *files) lock(ctx context.Context, id domain.FileID) error {
	for {
		f.mu.Lock()
		free, taken := f.busy[id]
		if !taken || free == nil {
			if taken {
				free = make(chan struct{})
			}
			f.busy[id] = free
		}
		f.mu.Unlock()
		if !taken {
			return nil
		}
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
	if free := f.busy[id]; free != nil {
		close(free)
	}
	delete(f.busy, id)
}

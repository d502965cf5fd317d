package connectortest

import (
	"slices"
	"sync"

	"github.com/confuse/data-connector/domain"
)

// A Step is one thing that became durable: a pack, or an event.
type Step struct {
	Pack   string // name of a committed pack, else empty
	Record domain.Record
}

// Journal lists what became durable so far, in order.
func (w *World) Journal() []Step {
	w.journal.mu.Lock()
	defer w.journal.mu.Unlock()
	return slices.Clone(w.journal.steps)
}

type journal struct {
	mu    sync.Mutex
	steps []Step
}

func (j *journal) add(s Step) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.steps = append(j.steps, s)
}

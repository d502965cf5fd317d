package kafka

import (
	"context"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
)

// A flight is an append on its way. It ends when the client has answered for
// each of its records, whoever waits for it or not.
type flight struct {
	done chan struct{}
	free func() // gives its room back

	mu      sync.Mutex
	open    int   // records without an answer
	written bool  // the broker took one of them, or may have
	err     error // the first one
}

func newFlight(records int, free func()) *flight {
	return &flight{done: make(chan struct{}), free: free, open: records}
}

// landed takes the client's answer for one record.
func (f *flight) landed(_ *kgo.Record, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !refused(err) {
		f.written = true
	}
	if f.err == nil {
		f.err = err
	}
	f.open--
	if f.open == 0 {
		f.free()
		close(f.done)
	}
}

// wait returns when the flight has ended or ctx has. The second one leaves it
// unknown what becomes of the records: what was sent cannot be called back.
func (f *flight) wait(ctx context.Context) error {
	select {
	case <-f.done:
	case <-ctx.Done():
		select {
		case <-f.done: // both at once: the answer is there
		default:
			return appendError(context.Cause(ctx), true)
		}
	}
	if f.err != nil {
		return appendError(f.err, f.written)
	}
	return nil
}

package kafka

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/twmb/franz-go/pkg/kgo"
)

// What waited behind a barrier goes before what comes while it is let go. From outside
// this cannot be had for sure: the two meet within microseconds.
func TestFreedGoesBeforeNewer(t *testing.T) {
	t.Parallel()

	for range 10 {
		if got := takenBehindBarrier(); !slices.IsSorted(got) {
			t.Fatalf("got the states of a file in the order %d", got)
		}
	}
}

// takenBehindBarrier has many records wait behind a barrier, the last one of a file of
// which a newer state comes once they are free, and gives the states of that file as
// they were handled.
func takenBehindBarrier() (states []int64) {
	const waiting = 2000
	var mu sync.Mutex
	var all sync.WaitGroup
	begin := make(chan struct{})
	l := newLanes(Options{}, SubscriberOptions{Lanes: 64, Window: 10 * waiting, Sources: true}, "topic", func(_ context.Context, r *kgo.Record, _ *message.Message) bool {
		defer all.Done()
		if r.Offset == 0 {
			<-begin
		}
		if string(r.Key) == "file" {
			mu.Lock()
			defer mu.Unlock()
			states = append(states, r.Offset)
		}
		return true
	})
	w := &window{lanes: l, lines: map[string]*line{}, busy: 1}
	w.hard, w.drop = context.WithCancel(context.Background())
	defer w.drop()
	w.soft, w.quit = context.WithCancel(w.hard)
	w.gate = &gate{window: w}
	admit := func(offset int64, key string) {
		t := &task{window: w, barrier: offset == 0, record: &kgo.Record{Offset: offset, Key: []byte(key)}}
		w.mu.Lock()
		w.open = append(w.open, t)
		w.mu.Unlock()
		all.Add(1)
		w.dispatch(t)
	}
	admit(0, "source")
	for offset := range int64(waiting) {
		admit(offset+1, string(rune(offset+1)))
	}
	admit(waiting+1, "file")
	close(begin)
	for w.holdsUp() { // the barrier is done
	}
	admit(waiting+2, "file")
	all.Wait()
	return states
}

// holdsUp tells whether something waits in a line.
func (w *window) holdsUp() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	l := w.lines[""]
	return l != nil && len(l.waiting) > 0
}

package kafka

import (
	"context"
	"math"
	"slices"
	"sync"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/confuse/data-connector/domain/wire"
)

// A window is what one partition has in flight, for as long as it is assigned.
type window struct {
	*lanes
	at   partitionName
	gate *gate // nil: all records are handed out

	soft context.Context // ends: no further record begins
	quit context.CancelFunc
	hard context.Context // ends: what has begun is given up
	drop context.CancelFunc

	mu     sync.Mutex
	queue  []*task // came in, not through the gate yet
	open   []*task // not done, or behind one that is not; in the order of the log
	bytes  int64   // of open
	end    int64   // of the partition when it was assigned
	first  int64   // with next: the first record that was read
	next   int64   // all below it is done; -1: nothing was read
	saved  int64   // next, as last committed
	paused bool
	lines  map[string]*line // by source; only where sources are handed out
	busy   int              // handlers and the gate
	idle   chan struct{}    // closed when busy gets to 0 after soft ended
	wake   chan struct{}
}

// A task is one record in flight.
type task struct {
	*window
	record  *kgo.Record
	source  string       // whose line it stands in; empty: none
	barrier bool         // waits for its line, and the line for it
	told    *RunsBetween // by which it counts or not; nil: it does
	done    bool

	// Of the crew:
	number int64  // of those that it was given
	key    uint64 // hash of the record's
	next   *task  // of the key
}

func newWindow(l *lanes, at partitionName, ends kadm.ListedOffsets) *window {
	w := &window{lanes: l, at: at, end: math.MaxInt64, next: -1, saved: -1, lines: make(map[string]*line), idle: make(chan struct{}), wake: make(chan struct{}, 1)}
	if end, ok := ends.Lookup(at.topic, at.number); ok && end.Err == nil {
		w.end = end.Offset
	}
	w.hard, w.drop = context.WithCancel(context.WithoutCancel(l.work))
	w.soft, w.quit = context.WithCancel(w.hard)
	if l.own.Runs != nil {
		w.gate = &gate{window: w}
	}
	w.busy = 1
	go w.admit()
	return w
}

// take adds records that were polled. When the window is full its partition is
// read no further; polling goes on.
func (w *window) take(records []*kgo.Record) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range records {
		t := &task{window: w, record: r}
		w.queue, w.open = append(w.queue, t), append(w.open, t)
		w.bytes += weight(r)
		if w.next < 0 {
			w.first, w.next, w.saved = r.Offset, r.Offset, r.Offset
		}
		if w.own.Runs == nil && r.Offset < min(w.end, w.first+int64(w.own.Window)) {
			r.Headers = append(slices.Clip(r.Headers), kgo.RecordHeader{Key: wire.MetaRepeat, Value: []byte("1")})
		}
	}
	if !w.paused && (w.inHand()+w.pollMost() > int64(w.own.Window) || w.bytes >= w.own.WindowBytes) {
		w.paused = true
		w.client.PauseFetchPartitions(map[string][]int32{w.at.topic: {w.at.number}})
	}
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// admit passes what came in on to the lanes, once it is known what of it counts.
func (w *window) admit() {
	defer w.leaveBusy()
	for {
		select {
		case <-w.wake:
		case <-w.soft.Done():
			return
		}
		w.mu.Lock()
		in := w.queue
		w.queue = nil
		w.mu.Unlock()
		if w.gate != nil && !w.gate.know(w.soft, in) {
			return
		}
		for _, t := range in {
			w.dispatch(t)
		}
	}
}

// dispatch gives t to its lane, or lets it stand in the line of its source.
func (w *window) dispatch(t *task) {
	if w.gate != nil && w.own.Sources && !w.stand(t) {
		return
	}
	w.crew.put(t)
}

// finish moves the place to go on from to the lowest record that is not done.
func (w *window) finish(t *task) {
	w.mu.Lock()
	t.done = true
	for len(w.open) > 0 && w.open[0].done {
		w.next = w.open[0].record.Offset + 1
		w.bytes -= weight(w.open[0].record)
		w.open[0] = nil
		w.open = w.open[1:]
	}
	if w.next-w.saved >= int64(w.own.Window)/4 {
		w.commitSoon()
	}
	w.resume()
	for _, f := range w.release(t) { // before mu lets anything newer go
		w.crew.put(f)
	}
	w.mu.Unlock()
}

// inHand is how many records a crash would repeat now: those that are done count
// until the group knows of them.
func (w *window) inHand() int64 { return int64(len(w.open)) + w.next - w.saved }

func (w *window) resume() {
	if w.paused && w.inHand() <= int64(w.own.Window)/2 && w.bytes <= w.own.WindowBytes/2 {
		w.paused = false
		w.client.ResumeFetchPartitions(map[string][]int32{w.at.topic: {w.at.number}})
	}
}

// behind is the place to go on from, and whether the group does not know it yet.
func (w *window) behind() (next int64, news bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.next, w.next != w.saved
}

func (w *window) committed(next int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.saved = next
	w.resume()
}

// enter says that a handler begins, unless none may.
func (w *window) enter() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.soft.Err() != nil {
		return false
	}
	w.busy++
	return true
}

func (w *window) leaveBusy() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.busy--; w.busy == 0 { // only once the gate has ended
		close(w.idle)
	}
}

// wait returns when nothing is in hand any more, or it was given up. quit comes before it.
func (w *window) wait() {
	if w.waits {
		<-w.idle
		return
	}
	select {
	case <-w.idle:
	case <-w.hard.Done():
	}
}

func weight(r *kgo.Record) int64 { return int64(len(r.Key) + len(r.Value)) }

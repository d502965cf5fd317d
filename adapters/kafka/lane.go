package kafka

import (
	"hash/fnv"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/confuse/data-connector/domain/wire"
)

// A lane does one thing after the other. What waits in it is bounded by the
// windows.
type lane struct {
	mu      sync.Mutex
	queue   []*task
	running bool
}

// laneOf is the same for all records of a key. Those without one are spread.
func (l *lanes) laneOf(r *kgo.Record) int {
	if r.Key == nil {
		return int(r.Offset % int64(len(l.all)))
	}
	h := fnv.New32a()
	_, _ = h.Write(r.Key) // never fails
	return int(h.Sum32() % uint32(len(l.all)))
}

// put adds t to the end of the lane.
func (l *lane) put(t *task) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queue = append(l.queue, t)
	if !l.running {
		l.running = true
		go l.run()
	}
}

func (l *lane) run() {
	for {
		l.mu.Lock()
		if len(l.queue) == 0 {
			l.running, l.queue = false, nil
			l.mu.Unlock()
			return
		}
		t := l.queue[0]
		l.queue[0] = nil
		l.queue = l.queue[1:]
		l.mu.Unlock()
		t.work()
	}
}

// work does one record, if it counts. Of a partition that is gone nothing begins.
func (t *task) work() {
	if !t.enter() {
		return
	}
	defer t.leaveBusy()
	ctx, m := t.hard, newMessage(t.record)
	if t.told != nil {
		event, ok := t.counts(m.Metadata)
		if !ok {
			t.finish(t)
			return
		}
		ctx = wire.WithEvent(ctx, event)
	}
	if !t.handle(ctx, t.record, m) {
		t.quit() // what follows in the lane must not overtake what was given up
		return
	}
	t.finish(t)
}

// A line is the records of one source that are in the lanes or wait for it.
type line struct {
	active  int  // in the lanes
	closed  bool // by a barrier that is in the lanes
	waiting []*task
}

// stand reports whether t may go to its lane now. A barrier waits for all before
// it, and all behind it wait for the barrier.
func (w *window) stand(t *task) bool {
	t.source = sourceOf(t.record)
	w.mu.Lock()
	defer w.mu.Unlock()
	l := w.lines[t.source]
	if l == nil {
		l = &line{}
		w.lines[t.source] = l
	}
	if len(l.waiting) > 0 || !l.admits(t) {
		l.waiting = append(l.waiting, t)
		return false
	}
	l.begin(t)
	return true
}

func (l *line) admits(t *task) bool { return !l.closed && (!t.barrier || l.active == 0) }

func (l *line) begin(t *task) { l.active, l.closed = l.active+1, t.barrier }

// release takes t out of its line and gives those that may go now.
func (w *window) release(t *task) []*task {
	l := w.lines[t.source]
	if l == nil {
		return nil
	}
	l.active--
	l.closed = l.closed && l.active > 0
	var freed []*task
	for len(l.waiting) > 0 && l.admits(l.waiting[0]) {
		freed = append(freed, l.waiting[0])
		l.begin(l.waiting[0])
		l.waiting = l.waiting[1:]
	}
	if l.active == 0 {
		delete(w.lines, t.source)
	}
	return freed
}

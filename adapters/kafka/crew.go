package kafka

import (
	"container/heap"
	"hash/maphash"
	"sync"

	"github.com/confuse/data-connector/domain/wire"
)

// A crew works in all lanes of a subscription: tasks of one key are done one after the
// other, others side by side, so that a slow key holds up no other. A lane that is free
// takes the oldest task that may begin. What waits is bounded by the windows; what is left
// of one that has ended stays until its turn comes.
type crew struct {
	mu    sync.Mutex
	free  int              // lanes
	came  int64            // tasks so far
	seed  maphash.Seed     // of keys
	last  map[uint64]*task // of each key that is in hand; keys of one hash count as one
	ready byAge            // wait for a lane
}

func newCrew(lanes int) *crew {
	return &crew{free: lanes, seed: maphash.MakeSeed(), last: make(map[uint64]*task)}
}

// put has t done, behind those of its key. Without a key it is behind none.
func (c *crew) put(t *task) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.came++
	t.number = c.came
	if t.record.Key != nil {
		t.key = maphash.Bytes(c.seed, t.record.Key)
		before := c.last[t.key]
		c.last[t.key] = t
		if before != nil {
			before.next = t
			return
		}
	}
	if c.free == 0 {
		heap.Push(&c.ready, t)
		return
	}
	c.free--
	go c.run(t)
}

func (c *crew) run(t *task) {
	for ; t != nil; t = c.after(t) {
		t.work()
	}
}

// after gives what the lane of t, which is done, takes now; nil: nothing.
func (c *crew) after(t *task) *task {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t.next != nil {
		heap.Push(&c.ready, t.next)
	} else if t.record.Key != nil {
		delete(c.last, t.key)
	}
	if len(c.ready) == 0 {
		c.free++
		return nil
	}
	return heap.Pop(&c.ready).(*task) //nolint:forcetypeassert // it is one
}

// byAge is a heap of tasks, the oldest on top.
type byAge []*task

func (b byAge) Len() int           { return len(b) }
func (b byAge) Less(i, j int) bool { return b[i].number < b[j].number }
func (b byAge) Swap(i, j int)      { b[i], b[j] = b[j], b[i] }

// Push implements heap.Interface.
func (b *byAge) Push(t any) { *b = append(*b, t.(*task)) } //nolint:forcetypeassert // it is one

// Pop implements heap.Interface.
func (b *byAge) Pop() any {
	end := len(*b) - 1
	t := (*b)[end]
	(*b)[end] = nil
	*b = (*b)[:end]
	return t
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
		t.quit() // what follows of its key must not overtake what was given up
		return
	}
	t.finish(t)
}

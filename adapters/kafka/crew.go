package kafka

import (
	"hash/maphash"
	"sync"

	"github.com/confuse/data-connector/domain/wire"
)

// A crew works in all lanes of a subscription: tasks of one key are done one after the
// other, others side by side, so that a slow key holds up no other. What waits for it is
// bounded by the windows.
type crew struct {
	mu    sync.Mutex
	free  int              // lanes
	seed  maphash.Seed     // of keys
	last  map[uint64]*task // of each key that is in hand; keys of one hash count as one
	ready []*task          // wait for a lane; the oldest first
}

func newCrew(lanes int) *crew {
	return &crew{free: lanes, seed: maphash.MakeSeed(), last: make(map[uint64]*task)}
}

// put has t done, behind those of its key. Without a key it is behind none.
func (c *crew) put(t *task) {
	c.mu.Lock()
	defer c.mu.Unlock()
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
		c.ready = append(c.ready, t)
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

// after gives what is to be done behind t: the next one of its key, which came before most
// others; nil: nothing.
func (c *crew) after(t *task) (next *task) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t.next != nil {
		return t.next
	}
	if t.record.Key != nil {
		delete(c.last, t.key)
	}
	if len(c.ready) == 0 {
		c.free++
		return nil
	}
	next, c.ready[0] = c.ready[0], nil
	c.ready = c.ready[1:]
	return next
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

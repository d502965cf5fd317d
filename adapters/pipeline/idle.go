package pipeline

import (
	"sync"
	"time"
)

// sweepEvery is how often connections are looked at that nobody uses. One that was
// idle since the look before is closed. That is sooner than common servers close it
// (uvicorn and Node: after 5 s), so that hardly a request runs into that.
const sweepEvery = 2 * time.Second

// idle are the connections to one host that nobody uses.
type idle struct {
	most int // that are kept

	mu     sync.Mutex
	all    []*conn // the one that was used last at the end
	sweeps int     // so far
	due    bool    // the next one is
}

// take gives the connection that was used last; nil: there is none. One on which
// something came while nobody used it, its end or bytes that nobody asked for, is
// closed: those would be taken for the answer to the next request.
func (i *idle) take() *conn {
	for {
		c := i.last()
		if c == nil || c.quiet() {
			return c
		}
		c.close()
	}
}

func (i *idle) last() *conn {
	i.mu.Lock()
	defer i.mu.Unlock()
	n := len(i.all)
	if n == 0 {
		return nil
	}
	c := i.all[n-1]
	i.all[n-1], i.all = nil, i.all[:n-1]
	return c
}

// put keeps c, if there is room.
func (i *idle) put(c *conn) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(i.all) >= i.most {
		c.close()
		return
	}
	c.sweeps = i.sweeps
	i.all = append(i.all, c)
	i.sweepLater()
}

// sweepLater is called with mu held.
func (i *idle) sweepLater() {
	if !i.due && len(i.all) > 0 {
		i.due = true
		time.AfterFunc(sweepEvery, i.sweep)
	}
}

// sweep closes what was idle when it was called the last time.
func (i *idle) sweep() {
	i.mu.Lock()
	defer i.mu.Unlock()
	old := 0
	for old < len(i.all) && i.all[old].sweeps < i.sweeps {
		old++
	}
	i.close(old)
	i.sweeps++
	i.due = false
	i.sweepLater()
}

// clear closes all.
func (i *idle) clear() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.close(len(i.all))
}

// close closes the n that were used before all others. mu is held.
func (i *idle) close(n int) {
	for _, c := range i.all[:n] {
		c.close()
	}
	left := copy(i.all, i.all[n:])
	clear(i.all[left:])
	i.all = i.all[:left]
}

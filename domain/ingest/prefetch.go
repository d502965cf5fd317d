package ingest

import (
	"context"
	"sync"

	"github.com/confuse/data-connector/domain"
)

const (
	defaultReaders = 4
	aheadItems     = 64      // items that are read ahead of their use, at most
	aheadBytes     = 4 << 20 // of content; beyond them only the item that is waited for is read
)

// A prefetch fetches items ahead of their use, several at once, and hands them
// out in order. Only a few are held at a time.
type prefetch struct {
	run    *run
	pack   domain.PackWriter
	items  []domain.Item
	cancel context.CancelFunc

	mu      sync.Mutex
	ready   *sync.Cond // the item that is waited for has come, or no reader works any more
	room    *sync.Cond // more may be read
	got     []fetched
	done    []bool
	begun   int   // items that readers have taken up
	at      int   // the item that is handed out next
	held    int64 // bytes that are read and not handed out
	readers int   // at work
	closed  bool
}

// fetchAhead begins to fetch items, in their order. close must be called.
func (r *run) fetchAhead(ctx context.Context, items []domain.Item) *prefetch {
	readers := r.Readers
	if readers <= 0 {
		readers = defaultReaders
	}
	ctx, cancel := context.WithCancel(ctx)
	p := &prefetch{
		run: r, pack: r.page.pack, items: items, cancel: cancel,
		got: make([]fetched, len(items)), done: make([]bool, len(items)), readers: min(readers, len(items)),
	}
	p.ready, p.room = sync.NewCond(&p.mu), sync.NewCond(&p.mu)
	for range p.readers {
		go p.read(ctx)
	}
	return p
}

// read fetches one item after the other.
func (p *prefetch) read(ctx context.Context) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.begin(ctx) {
		i := p.begun
		p.begun++
		p.mu.Unlock()
		got := p.run.fetch(ctx, p.pack, p.items[i])
		p.mu.Lock()
		p.got[i], p.done[i] = got, true
		p.held += got.size()
		if i == p.at {
			p.ready.Signal()
		}
	}
	if p.readers--; p.readers == 0 {
		p.ready.Signal()
	}
}

// begin waits while enough is held, and reports whether there is more to read.
func (p *prefetch) begin(ctx context.Context) bool {
	for {
		ahead := p.begun - p.at
		switch {
		case p.closed || p.begun == len(p.items) || ctx.Err() != nil:
			return false
		case ahead <= 0 || ahead < aheadItems && p.held < aheadBytes:
			return true
		}
		p.room.Wait()
	}
}

// next is the next item in order. When ctx has ended, the rest is not fetched.
func (p *prefetch) next(ctx context.Context) fetched {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := p.at
	for !p.done[i] && p.readers > 0 {
		p.ready.Wait()
	}
	p.at++
	p.room.Broadcast()
	if !p.done[i] {
		return fetched{err: context.Cause(ctx)}
	}
	got := p.got[i]
	p.got[i] = fetched{}
	p.held -= got.size()
	return got
}

// close drops what was not asked for.
func (p *prefetch) close() {
	p.cancel()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.room.Broadcast()
	for p.readers > 0 {
		p.ready.Wait()
	}
	for _, got := range p.got {
		got.drop()
	}
}

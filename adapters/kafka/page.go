package kafka

import (
	"cmp"
	"runtime"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/confuse/data-connector/domain"
)

// minShare is how many messages one processor encodes at least: fewer do not pay
// for waking another one.
const minShare = 128

// A page is the messages of an append as records. Its memory is that of a page before
// it: to encode into fresh memory takes up to twice as long.
type page struct {
	records []*kgo.Record
	size    int64 // about what they take, in bytes
	shares  []*share
}

// page gives messages as records. Nothing of it is sent before the last message has its
// form.
func (l *Log) page(trace string, messages []domain.Message) (*page, error) {
	p, ok := l.pages.Get().(*page)
	if !ok {
		p = new(page)
	}
	p.records = slices.Grow(p.records[:0], len(messages))[:len(messages)]
	if err := p.encode(l.topics, trace, messages); err != nil {
		return nil, err
	}
	return p, nil
}

// encode puts messages into the records, those of a long page on all processors: the
// broker waits meanwhile.
func (p *page) encode(topics eventTopics, trace string, messages []domain.Message) error {
	n := max(1, min(runtime.GOMAXPROCS(0), len(messages)/minShare))
	for len(p.shares) < n {
		p.shares = append(p.shares, new(share))
	}
	part := func(i int) error {
		from, to := i*len(messages)/n, (i+1)*len(messages)/n
		return p.shares[i].encode(topics, trace, messages[from:to], p.records[from:to])
	}
	var others errgroup.Group
	for i := range n - 1 {
		others.Go(func() error { return part(i) })
	}
	last := part(n - 1)
	err := cmp.Or(others.Wait(), last)
	p.size = 0
	for _, s := range p.shares[:n] {
		p.size += s.size
	}
	return err
}

// free gives the memory of p to later appends. Either nothing of p was sent or the
// broker has taken all of it: what failed is left to the client.
func (l *Log) free(p *page) {
	clear(p.records)
	for _, s := range p.shares {
		s.reset()
	}
	l.pages.Put(p)
}

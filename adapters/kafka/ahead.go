package kafka

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/confuse/data-connector/domain"
)

// An ahead is a batch that is read while the reader has the one before in its
// hands. One batch of a feed at a time is decoded then, too; the others wait as
// they came, which takes less memory.
type ahead struct {
	raw     []*kgo.Record
	records []domain.Record // nil: not decoded yet
	err     error           // what ended the scan
}

// giveAll gives the reader one batch after the other. It returns only with an
// error.
func (p *partition) giveAll(soft, hard context.Context, s *scan) error {
	soft, stop := context.WithCancel(soft)
	next := make(chan ahead)
	go p.readAhead(soft, s, next)
	defer func() {
		stop()
		for one := range next { // until nobody uses the scan
			p.taken(one)
		}
	}()
	for one := range next {
		if one.err != nil {
			return one.err
		}
		if err := p.give(soft, hard, one); err != nil {
			return err
		}
	}
	return soft.Err()
}

// readAhead reads batches until soft ends or there are no more.
func (p *partition) readAhead(soft context.Context, s *scan, next chan<- ahead) {
	defer close(next)
	for one := (ahead{}); one.err == nil; {
		one = ahead{}
		if one.raw, one.err = s.batch(soft); one.err == nil {
			select {
			case p.feed.ahead <- struct{}{}:
				one.records = decodeAll(one.raw)
			case next <- one: // its turn has come before
				continue
			case <-soft.Done():
				return
			}
		}
		select {
		case next <- one:
		case <-soft.Done():
			p.taken(one)
			return
		}
	}
}

// taken lets another batch be decoded ahead.
func (p *partition) taken(one ahead) {
	if one.records != nil {
		<-p.feed.ahead
	}
}

// give hands out one batch, as soon as one of the slots is free.
func (p *partition) give(soft, hard context.Context, one ahead) error {
	select {
	case p.feed.slots <- struct{}{}:
		defer func() { <-p.feed.slots }()
	case <-soft.Done():
		p.taken(one)
		return soft.Err()
	}
	p.taken(one)
	if one.records == nil {
		one.records = decodeAll(one.raw)
	}
	if err := p.reader.Batch(hard, p.as, one.records); err != nil {
		return fmt.Errorf("kafka: batch of %s from offset %d: %w", p.at, one.raw[0].Offset, err)
	}
	p.next.Store(one.raw[len(one.raw)-1].Offset + 1)
	return nil
}

package gitrepo

import (
	"context"

	"github.com/confuse/data-connector/domain"
)

// The most of a page: changes, and bytes of content. The engine cuts pages at 64
// MiB, and a cut between the two halves of a rename would make it two files.
const (
	maxPage      = 1000
	maxPageBytes = 48 << 20
)

// A pager hands entries to a sink in pages.
type pager struct {
	ctx      context.Context // of the one listing that it serves
	view     *view
	sink     domain.Sink
	next     func(last entry) (domain.Cursor, error)
	announce bool // a page without changes comes before the first one with some: the cursor is durable before what it tells of
	batch    []entry
	weight   int // changes of the batch
	held     *domain.Page
}

// changes is how many changes e makes: the old path of a renamed file is gone.
func (e entry) changes() int {
	if e.moved != nil {
		return 2
	}
	return 1
}

func (p *pager) add(e entry) error {
	if p.weight+e.changes() > p.view.repo.client.page {
		if err := p.flush(); err != nil {
			return err
		}
	}
	p.batch = append(p.batch, e)
	p.weight += e.changes()
	return nil
}

// flush makes pages of the batch. The last one is held back: it may be the last
// of all.
func (p *pager) flush() error {
	if err := p.view.look(p.batch); err != nil {
		return err
	}
	var page domain.Page
	var bytes int64
	for i, e := range p.batch {
		if bytes+max(e.size, 0) > maxPageBytes && len(page.Changes) > 0 {
			if err := p.hold(page, p.batch[i-1]); err != nil {
				return err
			}
			page, bytes = domain.Page{}, 0
		}
		p.view.put(&page, e)
		bytes += max(e.size, 0)
	}
	if n := len(p.batch); n > 0 {
		if err := p.hold(page, p.batch[n-1]); err != nil {
			return err
		}
	}
	p.batch, p.weight = nil, 0
	return nil
}

// hold sends the page before, and keeps page.
func (p *pager) hold(page domain.Page, last entry) error {
	var err error
	if page.Next, err = p.next(last); err != nil {
		return err
	}
	if p.announce {
		p.announce = false
		if err := p.sink.Page(p.ctx, domain.Page{Next: page.Next}); err != nil {
			return err
		}
	}
	if p.held != nil {
		if err := p.sink.Page(p.ctx, *p.held); err != nil {
			return err
		}
	}
	p.held = &page
	return nil
}

// finish sends what is left as the last page, which seal completes.
func (p *pager) finish(seal func(*domain.Page)) error {
	if err := p.flush(); err != nil {
		return err
	}
	page := domain.Page{}
	if p.held != nil {
		page = *p.held
	}
	seal(&page)
	return p.sink.Page(p.ctx, page)
}

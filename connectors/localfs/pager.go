package localfs

import (
	"context"

	"github.com/confuse/data-connector/domain"
)

// maxPage is the most entries of a page: changes and failures. The port allows no
// more.
const maxPage = 1000

// A pager hands a listing to a sink in pages.
type pager struct {
	ctx  context.Context // of the one Snapshot that it serves
	sink domain.Sink
	root fileID
	most int // entries of a page: changes and failures
	page domain.Page
	last string // what the page ends with
	any  bool   // something was listed
}

// item lists item, which is at path.
func (p *pager) item(path string, item domain.Item) error {
	if p.page.Changes == nil {
		p.page.Changes = make([]domain.Change, 0, p.most)
	}
	p.page.Changes = append(p.page.Changes, domain.Change{Item: item})
	return p.behind(path)
}

// fail reports an entry. unread: what the engine knows there, or below, is not
// missing. key is the place of the entry in the order.
func (p *pager) fail(f failure, key string) error {
	p.page.Failures = append(p.page.Failures, domain.ItemFailure{Path: valid(f.path), Code: f.code, Reason: valid(f.reason)})
	if f.unread {
		p.page.Unread = append(p.page.Unread, []byte(f.path))
	}
	return p.behind(key)
}

func (p *pager) behind(key string) error {
	p.last, p.any = key, true
	if len(p.page.Changes)+len(p.page.Failures) < p.most {
		return nil
	}
	return p.send()
}

// complete sends what is left as the last page of a complete listing.
func (p *pager) complete() error {
	p.page.Complete = true
	return p.send()
}

// empty reports whether nothing was listed, neither item nor failure.
func (p *pager) empty() bool { return !p.any }

func (p *pager) send() error {
	var err error
	if p.page.Next, err = newCursor(p.last, p.root); err != nil {
		return err
	}
	page := p.page
	p.page = domain.Page{}
	return p.sink.Page(p.ctx, page)
}

// A failure is an entry that could not be read.
type failure struct {
	path   string // raw
	code   string
	reason string
	unread bool // whatever is there was not seen
}

// The codes of failures.
const (
	codeUnreadable = "unreadable"
	codeNotRegular = "not_regular"   // a FIFO, a device, a socket
	codeTooLong    = "path_too_long" // or too deep, which is the same
	codeLoop       = "loop"          // a folder that is mounted below itself
	codeChanging   = "changing"      // it was replaced while it was looked at
)

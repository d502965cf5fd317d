package ingest

import (
	"context"
	"errors"
	"io"

	"github.com/confuse/data-connector/domain"
)

// maxReads is how often an item is read that changes while it is read.
const maxReads = 3

// A fetched is what fetching one item came to. The zero value: not fetched.
type fetched struct {
	staged  domain.Staged
	traits  traits              // what path and content tell
	version string              // really read; empty when the provider has no names for versions
	failure *domain.ItemFailure // of this item alone
	err     error               // of the run
}

// size is how many bytes of content f holds.
func (f fetched) size() int64 {
	if f.staged == nil {
		return 0
	}
	return f.staged.Size()
}

func (f fetched) drop() {
	if f.staged != nil {
		f.staged.Drop()
	}
}

// fetch reads one item. One that changes while it is read is read again.
func (r *run) fetch(ctx context.Context, pack domain.PackWriter, item domain.Item) fetched {
	var got fetched
	for range maxReads {
		got = r.fetchOnce(ctx, pack, item)
		if got.failure == nil || got.failure.Code != codeChanging {
			break
		}
	}
	return got
}

// Codes of failed items.
const (
	codeChanging   = "changing"
	codeTooLarge   = "too_large"
	codeVanished   = "vanished"
	codeUnreadable = "unreadable"
)

func (r *run) fetchOnce(ctx context.Context, pack domain.PackWriter, item domain.Item) fetched {
	content, err := r.conn.Fetch(ctx, r.scope, item.Ref())
	return r.staged(ctx, pack, item, content, err)
}

// staged reads the content of one item, unless err says why it cannot be had. It
// may run concurrently.
func (r *run) staged(ctx context.Context, pack domain.PackWriter, item domain.Item, content domain.Content, err error) fetched {
	if err != nil {
		return failedItem(ctx, item, err)
	}
	defer func() { _ = content.Body.Close() }() // nothing was written
	body := &provided{Reader: content.Body}
	staged, err := pack.Stage(ctx, body)
	switch {
	case body.err != nil:
		if staged != nil {
			staged.Drop()
		}
		return failedItem(ctx, item, body.err)
	case err != nil:
		return fetched{err: inStore(err)}
	}
	if content.Read != nil {
		content.Read(staged.Digest())
	}
	head := staged.Head()
	if head == nil {
		head = []byte{} // it was read, and is empty
	}
	return fetched{staged: staged, traits: traitsOf(domain.Clean(string(item.Path)), head), version: content.Version}
}

// failedItem tells an error of one item from one that ends the run.
func failedItem(ctx context.Context, item domain.Item, err error) fetched {
	var limited *domain.RateLimitedError
	if ctx.Err() != nil || errors.As(err, &limited) || errors.Is(err, domain.ErrUnauthorized) || errors.Is(err, domain.ErrTransient) {
		return fetched{err: err}
	}
	code := codeUnreadable
	switch {
	case errors.Is(err, domain.ErrChanging):
		code = codeChanging
	case errors.Is(err, domain.ErrTooLarge):
		code = codeTooLarge
	case errors.Is(err, domain.ErrGone):
		code = codeVanished
	}
	return fetched{failure: &domain.ItemFailure{Path: string(item.Path), Code: code, Reason: err.Error()}}
}

// provided remembers the error of a provider's reader, which is not one of the
// content store. Only io.EOF itself is an end: one that is wrapped says that a
// connection broke off.
type provided struct {
	io.Reader
	err error
}

func (p *provided) Read(b []byte) (int, error) {
	n, err := p.Reader.Read(b)
	if err != nil && err != io.EOF {
		p.err = err
	}
	return n, err
}

package github

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/confuse/data-connector/domain"
)

// readers is how many items of the API one FetchAll reads at once.
const readers = 4

// Fetch implements domain.Connector. A file is read from the cache of git; an
// item is read as it is now, and Content.Version says which version that is.
func (c *Connector) Fetch(ctx context.Context, s domain.Scope, ref domain.ItemRef) (domain.Content, error) {
	ss, err := c.again(ctx, s)
	if err != nil {
		return domain.Content{}, err
	}
	if page, ok := bytes.CutPrefix(ref.Path, []byte(folderWiki)); ok {
		ref.Path = page
		return ss.wiki().Fetch(ctx, ss.wikiScope(), ref)
	}
	if reserved(ref.Path) {
		return ss.item(ctx, ref)
	}
	return ss.files().Fetch(ctx, s, ref)
}

// item reads what is no file.
func (ss *session) item(ctx context.Context, ref domain.ItemRef) (domain.Content, error) {
	k, id, ok := kindAt(ref.Path)
	if !ok {
		return domain.Content{}, fmt.Errorf("github: no such item: %w", domain.ErrGone)
	}
	text, version, err := k.read(ctx, ss, id)
	if err != nil {
		return domain.Content{}, err
	}
	return domain.Content{Body: io.NopCloser(strings.NewReader(text)), Version: version}, nil
}

// FetchAll implements domain.BulkFetcher: one git for all files, then the items,
// a few at once.
func (c *Connector) FetchAll(ctx context.Context, s domain.Scope, refs []domain.ItemRef, take func(i int, c domain.Content, err error) error) error {
	ss, err := c.again(ctx, s)
	if err != nil {
		return err
	}
	var files, wiki, items part
	for i, ref := range refs {
		if page, ok := bytes.CutPrefix(ref.Path, []byte(folderWiki)); ok {
			ref.Path = page
			wiki.add(i, ref)
		} else if reserved(ref.Path) {
			items.add(i, ref)
		} else {
			files.add(i, ref)
		}
	}
	if len(files.refs) > 0 {
		if err := ss.files().FetchAll(ctx, s, files.refs, files.to(take)); err != nil {
			return err
		}
	}
	if len(wiki.refs) > 0 {
		if err := ss.wiki().FetchAll(ctx, ss.wikiScope(), wiki.refs, wiki.to(take)); err != nil {
			return err
		}
	}
	return ss.items(ctx, items, take)
}

// A part is some of the refs, with their places among all.
type part struct {
	at   []int
	refs []domain.ItemRef
}

func (p *part) add(i int, ref domain.ItemRef) { p.at, p.refs = append(p.at, i), append(p.refs, ref) }

func (p *part) to(take func(int, domain.Content, error) error) func(int, domain.Content, error) error {
	return func(i int, c domain.Content, err error) error { return take(p.at[i], c, err) }
}

// items reads a few at once and hands them over one at a time.
func (ss *session) items(ctx context.Context, p part, take func(int, domain.Content, error) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(readers)
	var one sync.Mutex
	for i, ref := range p.refs {
		g.Go(func() error {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			c, err := ss.item(ctx, ref)
			if err != nil && ctx.Err() != nil {
				return context.Cause(ctx)
			}
			one.Lock()
			defer one.Unlock()
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return take(p.at[i], c, err)
		})
	}
	return g.Wait()
}

// moved says of trouble that a renamed repository may have: its name in the cache
// is old. The sync that follows asks for it by its id.
func (ss *session) moved(changed bool, err error) (bool, error) {
	var redirected *domain.InvalidError
	if errors.Is(err, domain.ErrGone) || errors.As(err, &redirected) {
		return true, nil
	}
	return changed, err
}

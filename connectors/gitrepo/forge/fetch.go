package forge

import (
	"bytes"
	"context"
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
func (r *Repository) Fetch(ctx context.Context, ref domain.ItemRef) (domain.Content, error) {
	if page, ok := bytes.CutPrefix(ref.Path, []byte(WikiFolder)); ok {
		if r.Wiki == nil {
			return domain.Content{}, fmt.Errorf("forge: the wiki is not asked for: %w", domain.ErrGone)
		}
		ref.Path = page
		return r.Wiki.Fetch(ctx, r.wikiScope(), ref)
	}
	if r.reserved(ref.Path) {
		return r.item(ctx, ref)
	}
	return r.Files.Fetch(ctx, r.Scope, ref)
}

// item reads what is no file.
func (r *Repository) item(ctx context.Context, ref domain.ItemRef) (domain.Content, error) {
	k, name, ok := r.kindAt(ref.Path)
	if !ok {
		return domain.Content{}, fmt.Errorf("forge: no such item: %w", domain.ErrGone)
	}
	text, version, err := k.Read(ctx, name)
	if err != nil {
		return domain.Content{}, err
	}
	return domain.Content{Body: io.NopCloser(strings.NewReader(text)), Version: version}, nil
}

// FetchAll implements domain.BulkFetcher: one git for all files, then the items,
// a few at once.
func (r *Repository) FetchAll(ctx context.Context, refs []domain.ItemRef, take func(i int, c domain.Content, err error) error) error {
	var files, wiki, items part
	for i, ref := range refs {
		if page, ok := bytes.CutPrefix(ref.Path, []byte(WikiFolder)); ok && r.Wiki != nil {
			ref.Path = page
			wiki.add(i, ref)
		} else if r.reserved(ref.Path) {
			items.add(i, ref)
		} else {
			files.add(i, ref)
		}
	}
	if len(files.refs) > 0 {
		if err := r.Files.FetchAll(ctx, r.Scope, files.refs, files.to(take)); err != nil {
			return err
		}
	}
	if len(wiki.refs) > 0 {
		if err := r.Wiki.FetchAll(ctx, r.wikiScope(), wiki.refs, wiki.to(take)); err != nil {
			return err
		}
	}
	return r.items(ctx, items, take)
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
func (r *Repository) items(ctx context.Context, p part, take func(int, domain.Content, error) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(readers)
	var one sync.Mutex
	for i, ref := range p.refs {
		g.Go(func() error {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			c, err := r.item(ctx, ref)
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

package gitrepo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/confuse/data-connector/domain"
)

// Fetch implements domain.Connector. It reads the version that ref names, which
// may be there still when the file is not. ErrTooLarge: it was left out for its
// size. ErrGone: the version is not to be had.
func (s Source) Fetch(ctx context.Context, scope domain.Scope, ref domain.ItemRef) (domain.Content, error) {
	r, err := s.ready(ctx, scope)
	if err != nil {
		return domain.Content{}, err
	}
	if !isID(ref.Version) {
		return domain.Content{}, r.notThere(ctx, ref)
	}
	b := r.blobs(ctx)
	if err := b.start(); err != nil {
		return domain.Content{}, err
	}
	go b.put(askContents, []string{ref.Version})
	o, err := b.next(askContents, ref.Version)
	if err != nil {
		b.close()
		return domain.Content{}, r.unread(ctx, err)
	}
	c, err := s.content(ctx, r, ref, o)
	if err != nil {
		b.close()
		return domain.Content{}, err
	}
	c.Body = &closing{ReadCloser: c.Body, b: b}
	return c, nil
}

// closing ends the git behind a body, too.
type closing struct {
	io.ReadCloser
	b *blobs
}

func (c *closing) Close() error {
	err := c.ReadCloser.Close()
	c.b.close()
	return err
}

// FetchAll implements domain.BulkFetcher: one git for all of refs.
func (s Source) FetchAll(ctx context.Context, scope domain.Scope, refs []domain.ItemRef, take func(i int, c domain.Content, err error) error) error {
	r, err := s.ready(ctx, scope)
	if err != nil {
		return err
	}
	b := r.blobs(ctx)
	defer b.close()
	var ids []string
	var of []int
	for i, ref := range refs {
		if isID(ref.Version) {
			ids, of = append(ids, ref.Version), append(of, i)
		} else if err := take(i, domain.Content{}, r.notThere(ctx, ref)); err != nil {
			return err
		}
	}
	refused := false
	err = b.ask(askContents, ids, func(i int, o answer) error {
		c, err := s.content(ctx, r, refs[of[i]], o)
		if err != nil && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		err = take(of[i], c, err)
		refused = err != nil
		return err
	})
	if err == nil || refused || ctx.Err() != nil {
		return err
	}
	return r.unread(ctx, err)
}

// unread is the answer to an object that git could not read.
func (r *repo) unread(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return r.damaged("read object", err)
}

// content is what git's answer means for ref.
func (s Source) content(ctx context.Context, r *repo, ref domain.ItemRef, o answer) (domain.Content, error) {
	if o.body == nil {
		return domain.Content{}, r.notThere(ctx, ref)
	}
	if !s.Remote.LFS || !mayBePointer(o.size) {
		return domain.Content{Body: io.NopCloser(o.body), Version: ref.Version}, nil
	}
	small, err := io.ReadAll(o.body)
	if err != nil {
		return domain.Content{}, err
	}
	if p, ok := parsePointer(small); ok {
		return s.download(ctx, r, ref, p)
	}
	return domain.Content{Body: io.NopCloser(bytes.NewReader(small)), Version: ref.Version}, nil
}

// notThere says why there is no content: it was left out, the version is gone, or
// git cannot read what it has, which it tells nobody who asks for many.
func (r *repo) notThere(ctx context.Context, ref domain.ItemRef) error {
	if ref.Size >= r.limit {
		return fmt.Errorf("gitrepo: %d bytes or more: %w", r.limit, domain.ErrTooLarge)
	}
	if isID(ref.Version) {
		_, err := r.client.run(ctx, command{dir: r.dir, args: []string{"cat-file", "-e", ref.Version}})
		var failed *commandError
		if errors.As(err, &failed) && failed.overMemory() {
			return fmt.Errorf("gitrepo: read object: %w: %w", domain.ErrTooLarge, err)
		}
		if err == nil || errors.As(err, &failed) && strings.Contains(failed.text, "error:") { // listed in a pack, and not to be read from it
			return r.damaged("read object", first(err, errFormat))
		}
	}
	return fmt.Errorf("gitrepo: version %q is not there: %w", ref.Version, domain.ErrGone)
}

// ready gives the repository as it is in the cache, and fetches it where it is
// not.
func (s Source) ready(ctx context.Context, scope domain.Scope) (*repo, error) {
	r := &repo{client: s.Client, dir: filepath.Join(s.folder(scope), "git"), limit: s.Client.limitOf(scope.Config)}
	if m, err := r.meta(); err == nil && m.Limit == r.limit {
		return r, nil
	}
	head, err := s.Client.Head(ctx, s.Remote)
	if err != nil {
		return nil, err
	}
	if head.Commit == "" {
		return nil, fmt.Errorf("gitrepo: the repository is empty: %w", domain.ErrGone)
	}
	if r, err = s.hold(ctx, scope, false, head.Commit); errors.Is(err, errNoSuchObject) {
		return nil, s.lost(err, false)
	}
	return r, err
}

package gitrepo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/confuse/data-connector/domain"
)

// A Source is one repository as a connector reads it. Its methods are those of
// the ports of package domain, for the files of the repository: a connector that
// has nothing else may hand its calls on as they are. Identity is by path, and
// listings come in the byte order of the raw paths. It may be used concurrently.
type Source struct {
	Client *Client
	Remote Remote
	// Folder is where in Scope.Cache the repository lies: one name, not the same
	// for two repositories of one source.
	Folder string
	// Decorate completes an item, with its address for people above all. It must
	// say the same of the same file at any commit, or files that did not change
	// seem to. nil: nothing is added.
	Decorate func(item *domain.Item, at Head)
}

// StartCursor implements domain.Feed with one request.
func (s Source) StartCursor(ctx context.Context, _ domain.Scope) (domain.Cursor, error) {
	head, err := s.Client.Head(ctx, s.Remote)
	if err != nil {
		return domain.Cursor{}, err
	}
	return position{Commit: head.Commit, Ref: head.Ref}.cursor(cursorCommit)
}

// Changed implements domain.Prober with one request, and none for a fixed commit.
func (s Source) Changed(ctx context.Context, _ domain.Scope, from domain.Cursor) (bool, error) {
	p, err := parse(from, cursorCommit)
	if err != nil || p.To != "" {
		return true, nil //nolint:nilerr // the sync that follows starts over
	}
	head, err := s.Client.Head(ctx, s.Remote)
	return err == nil && head.Commit != p.Commit, err
}

// Snapshot implements domain.Connector for what the ref is now, or for the commit
// that resume names. ErrCursorReset: that commit is not to be had any more.
func (s Source) Snapshot(ctx context.Context, scope domain.Scope, resume domain.Cursor, sink domain.Sink) error {
	var at position
	if resume.IsZero() {
		head, err := s.Client.Head(ctx, s.Remote)
		if err != nil {
			return err
		}
		at = position{Commit: head.Commit, Ref: head.Ref}
	} else {
		var err error
		if at, err = parse(resume, cursorListing); err != nil {
			return err
		}
	}
	if at.Commit == "" { // a repository without commits
		return sink.Page(ctx, domain.Page{Complete: true})
	}
	r, err := s.hold(ctx, scope, resume.IsZero() && scope.Fresh, at.Commit)
	if errors.Is(err, errNoSuchObject) {
		return s.lost(err, !resume.IsZero())
	}
	if err != nil {
		return err
	}
	return s.listAll(ctx, scope, r, at, sink)
}

// lost is the answer to a commit that the server does not have.
func (s Source) lost(err error, asked bool) error {
	switch {
	case asked:
		return fmt.Errorf("%w: %w", domain.ErrCursorReset, err)
	case isID(s.Remote.Ref):
		return fmt.Errorf("%w: %w", domain.ErrGone, err)
	}
	return fmt.Errorf("%w: %w", domain.ErrTransient, err) // the ref was moved since it was listed
}

func (s Source) listAll(ctx context.Context, scope domain.Scope, r *repo, at position, sink domain.Sink) error {
	v := s.view(ctx, scope, r, at)
	defer v.close()
	out := &pager{ctx: ctx, view: v, sink: sink, next: func(last entry) (domain.Cursor, error) {
		return position{Commit: at.Commit, Ref: at.Ref, After: last.path}.cursor(cursorListing)
	}}
	err := r.tree(ctx, at.Commit, func(e entry) error {
		if string(e.path) <= string(at.After) || scope.Skip != nil && scope.Skip(e.path, false) {
			return nil
		}
		return out.add(e)
	})
	if err != nil {
		return err
	}
	return out.finish(func(p *domain.Page) { p.Complete = true })
}

// hold gives the repository in the cache with commits in it, which are fetched
// where they are not. errNoSuchObject: one of them is not to be had.
func (s Source) hold(ctx context.Context, scope domain.Scope, fresh bool, commits ...string) (*repo, error) {
	folder := s.folder(scope)
	unlock, err := lock(ctx, folder)
	if err != nil {
		return nil, err
	}
	defer unlock()
	r := &repo{client: s.Client, dir: filepath.Join(folder, "git"), limit: s.Client.limitOf(scope.Config)}
	if err := r.open(commits[len(commits)-1], fresh); err != nil {
		return nil, err
	}
	for _, commit := range commits {
		if formatOf(commit) != formatOf(commits[len(commits)-1]) {
			return nil, fmt.Errorf("gitrepo: the repository has another format: %w", errNoSuchObject)
		}
		if r.holds(commit) {
			continue
		}
		if err := r.fetch(ctx, s.Remote, commit); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// limitOf is the size from which on files are not fetched, for a source with this
// config: none that the engine keeps.
func (c *Client) limitOf(config json.RawMessage) int64 {
	var o struct {
		MaxFileSize *int64 `json:"maxFileSize"`
	}
	size := int64(defaultFileSize)
	if json.Unmarshal(config, &o) == nil && o.MaxFileSize != nil { // the engine has checked it
		size = *o.MaxFileSize
	}
	if size <= 0 || size > c.opt.MaxBlob {
		size = c.opt.MaxBlob
	}
	return size + 1
}

func (s Source) folder(scope domain.Scope) string { return filepath.Join(scope.Cache, s.Folder) }

package gitrepo

import (
	"context"
	"errors"
	"fmt"

	"github.com/confuse/data-connector/domain"
)

// Changes implements domain.Feed: the exact difference between two trees, however
// the commits are related. A force push, another default branch and a merge are
// no special cases. ErrCursorReset: the commit of the cursor is neither in the
// cache nor at the server, or the repository is empty now.
func (s Source) Changes(ctx context.Context, scope domain.Scope, from domain.Cursor, sink domain.Sink) error {
	at, err := parse(from, cursorCommit)
	if err != nil {
		return err
	}
	head, err := s.Client.Head(ctx, s.Remote)
	if err != nil {
		return err
	}
	if at.To != "" { // begun by a run that was cut: what it emitted is part of the state now
		if err := s.tell(ctx, scope, at, Head{Ref: at.Ref, Commit: at.To}, sink); err != nil {
			return err
		}
		at = position{Commit: at.To, Ref: at.Ref}
	}
	switch head.Commit {
	case at.Commit:
		return nil
	case "":
		return fmt.Errorf("gitrepo: the repository is empty now: %w", domain.ErrCursorReset)
	}
	return s.tell(ctx, scope, at, head, sink)
}

// tell gives the difference between the commit of at and that of head.
func (s Source) tell(ctx context.Context, scope domain.Scope, at position, head Head, sink domain.Sink) error {
	commits := []string{at.Commit, head.Commit}
	if at.Commit == "" {
		commits = commits[1:]
	}
	r, err := s.hold(ctx, scope, false, commits...)
	if errors.Is(err, errNoSuchObject) {
		return fmt.Errorf("%w: %w", domain.ErrCursorReset, err)
	}
	if err != nil {
		return err
	}
	v := s.view(ctx, scope, r, position{Commit: head.Commit, Ref: head.Ref})
	defer v.close()
	under := position{Commit: at.Commit, Ref: head.Ref, To: head.Commit}
	out := &pager{ctx: ctx, view: v, sink: sink, announce: true, next: func(entry) (domain.Cursor, error) {
		return under.cursor(cursorCommit)
	}}
	if err := s.between(ctx, r, at.Commit, head.Commit, out); err != nil {
		return err
	}
	done, err := position{Commit: head.Commit, Ref: head.Ref}.cursor(cursorCommit)
	if err != nil {
		return err
	}
	if err := out.finish(func(p *domain.Page) { p.Next = done }); err != nil {
		return err
	}
	s.tidy(ctx, scope, r, head.Commit)
	return nil
}

// between adds what differs between two commits.
func (s Source) between(ctx context.Context, r *repo, from, to string, out *pager) error {
	if from == "" {
		return r.tree(ctx, to, out.add)
	}
	modules := false
	err := r.diff(ctx, from, to, func(e entry) error {
		modules = modules || string(e.path) == modulesPath || string(e.moved) == modulesPath
		return out.add(e)
	})
	if err != nil || !modules {
		return err
	}
	return r.tree(ctx, to, func(e entry) error { // where submodules come from stands in one file for all of them
		if e.mode != modeSubmodule {
			return nil
		}
		return out.add(e)
	})
}

// tidy forgets older commits than the one that was told, and keeps the cache
// small. What fails there costs space and is tried again behind the next change.
func (s Source) tidy(ctx context.Context, scope domain.Scope, r *repo, commit string) {
	unlock, err := lock(ctx, s.folder(scope))
	if err != nil {
		return
	}
	defer unlock()
	if r.let(commit) == nil {
		_ = r.compact(ctx) // as above
	}
}

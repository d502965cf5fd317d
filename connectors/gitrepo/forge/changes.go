package forge

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/confuse/data-connector/domain"
)

// StartCursor implements domain.Feed: one run of ls-remote for each git
// repository and one call for each kind of items.
func (r *Repository) StartCursor(ctx context.Context) (domain.Cursor, error) {
	f := feed{Repo: r.ID, Marks: map[string]Mark{}}
	var err error
	if f.Files, err = r.Files.StartCursor(ctx, r.Scope); err != nil {
		return domain.Cursor{}, err
	}
	if r.Wiki != nil {
		at, err := r.Wiki.start(ctx, r.Scope)
		if err != nil {
			return domain.Cursor{}, err
		}
		f.Wiki = &at
	}
	for _, k := range r.Kinds {
		if f.Marks[k.Name()], err = k.Mark(ctx); err != nil {
			return domain.Cursor{}, err
		}
	}
	return seal(cursorFeed, f)
}

// Changes implements domain.Feed. What a kind's own feed does not tell, a deleted
// issue above all, is not in it. ErrCursorReset: from is of another repository, or
// of other parts, or something can be found by comparison alone.
func (r *Repository) Changes(ctx context.Context, from domain.Cursor, sink domain.Sink) error {
	var f feed
	if err := unseal(from, cursorFeed, &f); err != nil {
		return err
	}
	if !f.fits(r) {
		return fmt.Errorf("forge: cursor of other parts: %w", domain.ErrCursorReset)
	}
	out := &teller{feed: f, sink: sink}
	if err := r.Files.Changes(ctx, r.Scope, f.Files, gitSink{repo: r, out: out.files}); err != nil {
		return err
	}
	if f.Wiki != nil {
		if err := r.wikiChanges(ctx, *f.Wiki, out); err != nil {
			return err
		}
	}
	for _, k := range r.Kinds {
		if err := kindChanges(ctx, k, out); err != nil {
			return err
		}
	}
	return nil
}

// wikiChanges tells of the wiki. One that has come or gone is compared as a whole.
func (r *Repository) wikiChanges(ctx context.Context, from domain.Cursor, out *teller) error {
	now, err := r.Wiki.start(ctx, r.Scope)
	if err != nil {
		return err
	}
	if now.IsZero() != from.IsZero() {
		return fmt.Errorf("forge: the wiki has come or gone: %w", domain.ErrCursorReset)
	}
	if now.IsZero() {
		return nil
	}
	return r.Wiki.Changes(ctx, r.wikiScope(), from, gitSink{repo: r, prefix: WikiFolder, out: out.wiki})
}

// kindChanges tells of one kind. The mark is taken before the reading, so what
// changes meanwhile is told again next time; it goes out with the last page (I9).
func kindChanges(ctx context.Context, k Kind, out *teller) error {
	was := out.feed.Marks[k.Name()]
	now, err := k.Mark(ctx)
	if err != nil || now.Seen == was.Seen {
		return err
	}
	var held []domain.Item
	err = k.Since(ctx, was, func(items []domain.Item) error {
		if held != nil {
			if err := out.tell(ctx, changes(held)); err != nil {
				return err
			}
		}
		held = items
		return nil
	})
	if err != nil {
		return err
	}
	out.feed.Marks = maps.Clone(out.feed.Marks)
	out.feed.Marks[k.Name()] = now
	return out.tell(ctx, changes(held))
}

// A teller hands on pages of the feed with the position of all parts behind them.
type teller struct {
	feed feed
	sink domain.Sink
}

func (t *teller) tell(ctx context.Context, p domain.Page) error {
	var err error
	if p.Next, err = seal(cursorFeed, t.feed); err != nil {
		return err
	}
	return t.sink.Page(ctx, p)
}

func (t *teller) files(ctx context.Context, p domain.Page) error {
	t.feed.Files = p.Next
	return t.tell(ctx, p)
}

func (t *teller) wiki(ctx context.Context, p domain.Page) error {
	t.feed.Wiki = &p.Next
	return t.tell(ctx, p)
}

// Changed implements domain.Prober: one run of ls-remote for each git repository
// and one conditional call for each kind of items. Trouble that a renamed
// repository may have is a change too: its name in the cache is old, and the sync
// that follows asks for it by its id.
func (r *Repository) Changed(ctx context.Context, from domain.Cursor) (bool, error) {
	var f feed
	if unseal(from, cursorFeed, &f) != nil || !f.fits(r) {
		return true, nil // the sync that follows starts over
	}
	changed, err := r.changed(ctx, f)
	var redirected *domain.InvalidError
	if errors.Is(err, domain.ErrGone) || errors.As(err, &redirected) {
		return true, nil
	}
	return changed, err
}

func (r *Repository) changed(ctx context.Context, f feed) (bool, error) {
	if changed, err := r.Files.Changed(ctx, r.Scope, f.Files); changed || err != nil {
		return changed, err
	}
	if f.Wiki != nil {
		now, err := r.Wiki.start(ctx, r.Scope)
		if err != nil || now.IsZero() != f.Wiki.IsZero() {
			return err == nil, err
		}
		if !now.IsZero() {
			if changed, err := r.Wiki.Changed(ctx, r.Scope, *f.Wiki); changed || err != nil {
				return changed, err
			}
		}
	}
	for _, k := range r.Kinds {
		now, err := k.Mark(ctx)
		if err != nil || now.Seen != f.Marks[k.Name()].Seen {
			return err == nil, err
		}
	}
	return false, nil
}

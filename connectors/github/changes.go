package github

import (
	"context"
	"fmt"
	"maps"

	"github.com/confuse/data-connector/connectors/rest"
	"github.com/confuse/data-connector/domain"
)

// StartCursor implements domain.Feed: one run of ls-remote for each git
// repository and one call for each kind of items.
func (c *Connector) StartCursor(ctx context.Context, s domain.Scope) (domain.Cursor, error) {
	ss, err := c.open(ctx, s, rest.Incremental)
	if err != nil {
		return domain.Cursor{}, err
	}
	f := feed{Repo: ss.repo.ID, Marks: map[string]mark{}}
	if f.Files, err = ss.files().StartCursor(ctx, s); err != nil {
		return domain.Cursor{}, err
	}
	if ss.o.IndexWiki {
		at, err := ss.wikiStart(ctx)
		if err != nil {
			return domain.Cursor{}, err
		}
		f.Wiki = &at
	}
	for _, k := range ss.kinds() {
		if f.Marks[k.name()], err = k.mark(ctx, ss); err != nil {
			return domain.Cursor{}, err
		}
	}
	return seal(cursorFeed, f)
}

// wikiStart is the position of the wiki, zero where there is none.
func (ss *session) wikiStart(ctx context.Context) (domain.Cursor, error) {
	if !ss.repo.HasWiki {
		return domain.Cursor{}, nil
	}
	at, err := ss.wiki().StartCursor(ctx, ss.scope)
	if ss.noWiki(err) {
		return domain.Cursor{}, nil
	}
	return at, err
}

// Changes implements domain.Feed. Deleted and transferred issues are not in it.
func (c *Connector) Changes(ctx context.Context, s domain.Scope, from domain.Cursor, sink domain.Sink) error {
	var f feed
	if err := unseal(from, cursorFeed, &f); err != nil {
		return err
	}
	ss, err := c.openAt(ctx, s, rest.Incremental, f.Repo)
	if err != nil {
		return err
	}
	if !f.fits(ss) {
		return fmt.Errorf("github: cursor of other parts: %w", domain.ErrCursorReset)
	}
	out := &teller{feed: f, sink: sink}
	if err := ss.files().Changes(ctx, s, f.Files, gitSink{out: out.files}); err != nil {
		return err
	}
	if f.Wiki != nil {
		if err := ss.wikiChanges(ctx, *f.Wiki, out); err != nil {
			return err
		}
	}
	for _, k := range ss.kinds() {
		if err := ss.kindChanges(ctx, k, out); err != nil {
			return err
		}
	}
	return nil
}

// wikiChanges tells of the wiki. One that has come or gone is compared as a whole.
func (ss *session) wikiChanges(ctx context.Context, from domain.Cursor, out *teller) error {
	now, err := ss.wikiStart(ctx)
	if err != nil {
		return err
	}
	if now.IsZero() != from.IsZero() {
		return fmt.Errorf("github: the wiki has come or gone: %w", domain.ErrCursorReset)
	}
	if now.IsZero() {
		return nil
	}
	return ss.wiki().Changes(ctx, ss.wikiScope(), from, gitSink{prefix: folderWiki, out: out.wiki})
}

// kindChanges tells of one kind. The mark is taken before the reading, so what
// changes meanwhile is told again next time; it goes out with the last page (I9).
func (ss *session) kindChanges(ctx context.Context, k kind, out *teller) error {
	was := out.feed.Marks[k.name()]
	now, err := k.mark(ctx, ss)
	if err != nil || now.Seen == was.Seen {
		return err
	}
	var held []domain.Item
	err = k.since(ctx, ss, was, func(items []domain.Item) error {
		if held != nil {
			if err := out.tell(ctx, upserts(held)); err != nil {
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
	out.feed.Marks[k.name()] = now
	return out.tell(ctx, upserts(held))
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
// and one conditional call for each kind of items.
func (c *Connector) Changed(ctx context.Context, s domain.Scope, from domain.Cursor) (bool, error) {
	var f feed
	if unseal(from, cursorFeed, &f) != nil {
		return true, nil // the sync that follows starts over
	}
	ss, err := c.again(ctx, s)
	if err != nil {
		return false, err
	}
	if !f.fits(ss) || f.Repo != ss.repo.ID {
		return true, nil
	}
	if changed, err := ss.files().Changed(ctx, s, f.Files); changed || err != nil {
		return ss.moved(changed, err)
	}
	if f.Wiki != nil {
		now, err := ss.wikiStart(ctx)
		if err != nil || now.IsZero() != f.Wiki.IsZero() {
			return ss.moved(err == nil, err)
		}
		if !now.IsZero() {
			if changed, err := ss.wiki().Changed(ctx, s, *f.Wiki); changed || err != nil {
				return ss.moved(changed, err)
			}
		}
	}
	for _, k := range ss.kinds() {
		now, err := k.mark(ctx, ss)
		if err != nil || now.Seen != f.Marks[k.name()].Seen {
			return ss.moved(err == nil, err)
		}
	}
	return false, nil
}

package ingest

import (
	"context"
	"fmt"

	"github.com/confuse/data-connector/domain"
)

// firstListing reads a source that was never listed to the end: pages become
// events as they come, and a cut is resumed. It infers no delete.
func (r *run) firstListing(ctx context.Context, feed domain.Feed) error {
	env := domain.Envelope{Phase: domain.PhaseListing, Epoch: 1, Scope: r.print}
	if r.cursor != nil {
		env = *r.cursor
	} else if feed != nil { // before the listing, so that nothing falls between it and the feed
		var err error
		if env.Start, err = feed.StartCursor(ctx, r.scope); err != nil {
			return err
		}
	}
	s := &listingSink{run: r, at: env}
	if err := r.conn.Snapshot(ctx, r.scope, env.Resume, s); err != nil {
		return err
	}
	return s.proven()
}

// A listingSink takes the pages of a first listing.
type listingSink struct {
	*run
	at       domain.Envelope
	complete bool
}

// Page implements domain.Sink.
func (s *listingSink) Page(ctx context.Context, p domain.Page) error {
	s.complete = p.Complete
	switch {
	case p.Complete:
		s.at.Phase, s.at.Resume = domain.PhaseFollowing, s.at.Start
	case !p.Next.IsZero():
		s.at.Resume = p.Next
	}
	cursor, before := s.at, s.cursor
	if err := s.resolve(ctx, s.kept(p.Changes), p.Failures, nil, &cursor); err != nil {
		return err
	}
	if p.Complete {
		return s.settle(ctx) // a connector remembers a listing that was taken
	}
	return s.giveWayBehind(ctx, before)
}

func (s *listingSink) proven() error {
	if !s.complete {
		return fmt.Errorf("listing of source %s ended early: %w", s.src.ID, domain.ErrPartial)
	}
	return nil
}

// follow reads the feed from the cursor to its present end.
func (r *run) follow(ctx context.Context, feed domain.Feed) error {
	return feed.Changes(ctx, r.scope, r.cursor.Resume, &feedSink{r})
}

// A feedSink takes the pages of a feed.
type feedSink struct{ *run }

// Page implements domain.Sink.
func (s *feedSink) Page(ctx context.Context, p domain.Page) error {
	cursor, before := *s.cursor, s.cursor
	if !p.Next.IsZero() {
		cursor.Resume = p.Next
	}
	if err := s.resolve(ctx, s.kept(p.Changes), p.Failures, nil, &cursor); err != nil {
		return err
	}
	if err := s.settle(ctx); err != nil { // the same of a page of a feed
		return err
	}
	return s.giveWayBehind(ctx, before)
}

// kept applies the filters to what a connector names, as far as names and sizes
// tell. What they leave out counts as gone, should it be known.
func (r *run) kept(changes []domain.Change) []domain.Change {
	out := make([]domain.Change, len(changes))
	for i, c := range changes {
		if !c.Deleted && r.excluded(c.Item) {
			c.Deleted = true
		}
		out[i] = c
	}
	return out
}

// excluded counts item and reports whether the filters leave it out.
func (r *run) excluded(item domain.Item) bool {
	if r.filter.Skips(item.Path, false) || !item.Bodiless && r.filter.TooLarge(item.Size) || r.skipsName(item) {
		r.counts.Excluded++
		return true
	}
	r.counts.Listed++
	return false
}

// skipsName reports whether the name alone tells a language that is left out.
func (r *run) skipsName(item domain.Item) bool {
	if !r.filter.ByLanguage() {
		return false
	}
	language, sure := languageByName(baseName(item.Path))
	return (sure || item.Bodiless) && r.filter.SkipsLanguage(language)
}

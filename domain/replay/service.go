package replay

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bmatcuk/doublestar/v4"
	"github.com/google/uuid"

	"github.com/confuse/data-connector/domain"
)

// A Store keeps replays. It may be used concurrently.
type Store interface {
	// Add keeps a new one.
	Add(ctx context.Context, r Replay) error
	// Get is one of owner, else ErrNotFound (I10).
	Get(ctx context.Context, owner domain.OwnerID, id ID) (Replay, error)
	// List are those of owner, the newest first, limit of them from offset on.
	List(ctx context.Context, owner domain.OwnerID, limit, offset int) ([]Replay, error)
	// Change sets the state of one of owner and gives it as it is then, if it was in
	// one of the states from; else it changes nothing and answers
	// domain.ErrConflict.
	Change(ctx context.Context, owner domain.OwnerID, id ID, to Status, from ...Status) (Replay, error)
}

// Sources are the owner's: projections.Reader.
type Sources interface {
	ListSources(ctx context.Context, owner domain.OwnerID, limit, offset int) ([]domain.Source, int64, error)
	GetSource(ctx context.Context, owner domain.OwnerID, id domain.SourceID) (domain.Source, error)
}

// A Service takes orders. All fields are required.
type Service struct {
	Store   Store
	Sources Sources
	Stages  []string // that there are
	// Topic tells whether replays may go to a topic: it exists and is none of this
	// service's own.
	Topic func(ctx context.Context, name string) (bool, error)
	Clock domain.Clock
}

const (
	// sourcesPage is how many sources are listed at once.
	sourcesPage = 500
	// MaxRate is the highest rate that can be asked for.
	MaxRate = 1_000_000
)

// Start checks an order and keeps it; a Runner carries it out.
//
// A *domain.InvalidError names the field that is wrong, in the form of the API. A
// source of another owner is as wrong as an unknown one (I10).
func (s *Service) Start(ctx context.Context, o Order) (Replay, error) {
	if o.Mode == "" {
		o.Mode = Latest
	}
	if err := s.check(ctx, o); err != nil {
		return Replay{}, err
	}
	sources, err := s.resolve(ctx, o)
	if err != nil {
		return Replay{}, err
	}
	o.Selector.Sources = sources
	id, err := uuid.NewV7()
	if err != nil {
		return Replay{}, err
	}
	r := Replay{ID: ID{id}, Order: o, Status: Running, CreatedAt: s.Clock.Now()}
	if err := s.Store.Add(ctx, r); err != nil {
		return Replay{}, err
	}
	return r, nil
}

func (s *Service) check(ctx context.Context, o Order) error {
	sel := o.Selector
	switch {
	case o.Mode != Latest && o.Mode != History:
		return bad("mode", "is unknown", "latest, history")
	case len(o.Stages) > 0 && o.Topic != "":
		return bad("topic", "is there beside stages", "either stages or topic")
	case o.Rate < 0 || o.Rate > MaxRate:
		return bad("ratePerSecond", "is out of range", fmt.Sprintf("0 (no limit) to %d", MaxRate))
	case sel.PathGlob != "" && !doublestar.ValidatePattern(sel.PathGlob):
		return bad("selector.pathGlob", "is no pattern", "a glob such as docs/**/*.md")
	case !sel.From.IsZero() && !sel.To.IsZero() && !sel.From.Before(sel.To):
		return bad("selector.from", "is not before to", "a time before selector.to")
	case sel.From.After(s.Clock.Now()):
		return bad("selector.from", "lies in the future", "a time that has passed")
	}
	for _, stage := range o.Stages {
		if !slices.Contains(s.Stages, stage) {
			return bad("stages", fmt.Sprintf("%q is no stage", stage), strings.Join(s.Stages, ", "))
		}
	}
	for _, kind := range sel.Kinds {
		if !slices.Contains(kinds(), kind) {
			return bad("selector.kinds", fmt.Sprintf("%q is no kind", kind), allKinds())
		}
	}
	if o.Topic == "" {
		return nil
	}
	if ok, err := s.Topic(ctx, o.Topic); err != nil || !ok {
		return errors.Join(err, refused(ok))
	}
	return nil
}

func refused(ok bool) error {
	if ok {
		return nil
	}
	return bad("topic", "is none that replays may go to", "a topic that exists and is none of this service's own")
}

func bad(field, problem, allowed string) error {
	return &domain.InvalidError{Field: field, Problem: problem, Allowed: allowed}
}

func kinds() []domain.FileKind {
	return []domain.FileKind{
		domain.KindFile, domain.KindDocument, domain.KindPullRequest, domain.KindIssue, domain.KindWikiPage, domain.KindCommentThread,
		domain.KindSubmodule, domain.KindSymlink,
	}
}

func allKinds() string {
	var names []string
	for _, k := range kinds() {
		names = append(names, string(k))
	}
	return strings.Join(names, ", ")
}

// resolve gives the sources that are meant: those that the order names, or all.
func (s *Service) resolve(ctx context.Context, o Order) ([]domain.SourceID, error) {
	all := []domain.SourceID{}
	for _, id := range o.Selector.Sources {
		_, err := s.Sources.GetSource(ctx, o.Owner, id)
		if errors.Is(err, domain.ErrSourceNotFound) {
			return nil, bad("selector.sources", "names a source that there is none of", "ids of your sources")
		}
		if err != nil {
			return nil, err
		}
		if !slices.Contains(all, id) {
			all = append(all, id)
		}
	}
	if len(all) > 0 {
		return all, nil
	}
	for {
		page, total, err := s.Sources.ListSources(ctx, o.Owner, sourcesPage, len(all))
		if err != nil {
			return nil, err
		}
		for _, source := range page {
			all = append(all, source.ID)
		}
		if len(page) == 0 || int64(len(all)) >= total {
			return all, nil
		}
	}
}

// Get is one replay of owner, else ErrNotFound.
func (s *Service) Get(ctx context.Context, owner domain.OwnerID, id ID) (Replay, error) {
	return s.Store.Get(ctx, owner, id)
}

// List are the replays of owner, the newest first.
func (s *Service) List(ctx context.Context, owner domain.OwnerID, limit, offset int) ([]Replay, error) {
	return s.Store.List(ctx, owner, limit, offset)
}

// Change pauses, resumes (Running) or cancels a replay. A paused one hands out
// nothing from about a second later on, until it is resumed. Of a cancelled one
// stages skip what they have not begun. domain.ErrConflict: it has ended.
func (s *Service) Change(ctx context.Context, owner domain.OwnerID, id ID, to Status) (Replay, error) {
	from := []Status{Running, Paused}
	if to == Cancelled {
		from = append(from, Cancelled)
	}
	return s.Store.Change(ctx, owner, id, to, from...)
}

// Await waits until a replay has ended, at most for d, and gives it as it is then.
func (s *Service) Await(ctx context.Context, r Replay, d time.Duration) (Replay, error) {
	late := s.Clock.After(d)
	for !r.Status.Ended() {
		select {
		case <-s.Clock.After(beat):
		case <-late:
			return r, nil
		case <-ctx.Done():
			return r, ctx.Err()
		}
		var err error
		if r, err = s.Store.Get(ctx, r.Owner, r.ID); err != nil {
			return r, err
		}
	}
	return r, nil
}

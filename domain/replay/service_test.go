package replay_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/confuse/data-connector/adapters/clock"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/replay"
)

// A shelf keeps orders; its sources are of two owners.
type shelf struct {
	replay.Store
	sources []domain.Source
	added   []replay.Replay
}

func (s *shelf) Add(_ context.Context, r replay.Replay) error {
	s.added = append(s.added, r)
	return nil
}

func (s *shelf) ListSources(_ context.Context, owner domain.OwnerID, limit, offset int) ([]domain.Source, int64, error) {
	var his []domain.Source
	for _, one := range s.sources {
		if one.Owner == owner {
			his = append(his, one)
		}
	}
	total := int64(len(his))
	his = his[min(offset, len(his)):]
	return his[:min(limit, len(his))], total, nil
}

func (s *shelf) GetSource(_ context.Context, owner domain.OwnerID, id domain.SourceID) (domain.Source, error) {
	for _, one := range s.sources {
		if one.Owner == owner && one.ID == id {
			return one, nil
		}
	}
	return domain.Source{}, domain.ErrSourceNotFound
}

func newService(sources ...domain.Source) (*replay.Service, *shelf) {
	s := &shelf{sources: sources}
	return &replay.Service{
		Store: s, Sources: s, Stages: []string{"chunk", "webhook"}, Clock: clock.System{},
		Topic: func(_ context.Context, name string) (bool, error) { return name == "mine", nil },
	}, s
}

func sourceOf(owner domain.OwnerID) domain.Source {
	return domain.Source{ID: domain.SourceID{UUID: uuid.New()}, Owner: owner}
}

// A bad order is refused with the field that is wrong, and nothing is kept.
func TestBadOrders(t *testing.T) {
	t.Parallel()

	his, hers := sourceOf("bob"), sourceOf("ann")
	now := time.Now()
	tests := map[string]struct {
		order replay.Order
		field string
	}{
		"mode":             {replay.Order{Mode: "some"}, "mode"},
		"stage":            {replay.Order{Stages: []string{"chunk", "cook"}}, "stages"},
		"stages and topic": {replay.Order{Stages: []string{"chunk"}, Topic: "mine"}, "topic"},
		"topic":            {replay.Order{Topic: "theirs"}, "topic"},
		"rate below":       {replay.Order{Rate: -1}, "ratePerSecond"},
		"rate above":       {replay.Order{Rate: replay.MaxRate + 1}, "ratePerSecond"},
		"glob":             {replay.Order{Selector: replay.Selector{PathGlob: "a[/**"}}, "selector.pathGlob"},
		"kind":             {replay.Order{Selector: replay.Selector{Kinds: []domain.FileKind{"file", "dream"}}}, "selector.kinds"},
		"from after to":    {replay.Order{Selector: replay.Selector{From: now.Add(-time.Hour), To: now.Add(-2 * time.Hour)}}, "selector.from"},
		"from in future":   {replay.Order{Selector: replay.Selector{From: now.Add(time.Hour)}}, "selector.from"},
		"unknown source":   {replay.Order{Selector: replay.Selector{Sources: []domain.SourceID{hers.ID, sourceOf("ann").ID}}}, "selector.sources"},
		"another's source": {replay.Order{Selector: replay.Selector{Sources: []domain.SourceID{hers.ID, his.ID}}}, "selector.sources"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			service, kept := newService(his, hers)
			tt.order.Owner = "ann"
			_, err := service.Start(t.Context(), tt.order)
			bad := new(domain.InvalidError)
			if !errors.As(err, &bad) || bad.Field != tt.field || len(kept.added) > 0 {
				t.Errorf("got %v and kept %d, want the field %s named", err, len(kept.added), tt.field)
			}
		})
	}
}

// An order without sources means all of its owner, as they are now, and no others.
func TestAllSources(t *testing.T) {
	t.Parallel()

	var hers []domain.SourceID
	all := []domain.Source{sourceOf("bob")}
	for range 1201 {
		one := sourceOf("ann")
		all, hers = append(all, one), append(hers, one.ID)
	}
	service, kept := newService(all...)
	got, err := service.Start(t.Context(), replay.Order{Owner: "ann"})
	if err != nil || !slices.Equal(got.Selector.Sources, hers) || got.Mode != replay.Latest || got.Status != replay.Running || len(kept.added) != 1 {
		t.Errorf("got %d sources, %s, %s, %v", len(got.Selector.Sources), got.Mode, got.Status, err)
	}
	twice, err := service.Start(t.Context(), replay.Order{Owner: "ann", Mode: replay.History, Selector: replay.Selector{Sources: []domain.SourceID{hers[3], hers[3]}}})
	if err != nil || !slices.Equal(twice.Selector.Sources, hers[3:4]) {
		t.Errorf("got %v, %v, want one source", twice.Selector.Sources, err)
	}
}

package graph_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/confuse/data-connector/adapters/pipeline"
	"github.com/confuse/data-connector/adapters/pipeline/graph"
	"github.com/confuse/data-connector/adapters/pipeline/neighbourtest"
	"github.com/confuse/data-connector/domain"
)

// A table remembers what was given, and is away for a while. Its stage asks one by one.
type table struct {
	domain.HandedItems
	offered  error // is what Offer gives
	vain     int   // so often Accept fails
	accepted map[uuid.UUID]bool
}

func (t *table) Offer(_ context.Context, _, _ string, items []domain.HandedItem) ([]domain.HandedBefore, error) {
	return []domain.HandedBefore{{Accepted: t.accepted[items[0].ID]}}, t.offered
}

func (t *table) Accept(_ context.Context, _, _ string, ids []uuid.UUID) error {
	if t.vain--; t.vain >= 0 {
		return errors.New("no database")
	}
	t.accepted[ids[0]] = true
	return nil
}

func change() []pipeline.Handover {
	source := domain.SourceID{UUID: uuid.New()}
	return []pipeline.Handover{{ID: domain.EventID{UUID: uuid.New()}, Source: domain.Source{ID: source}, File: domain.FileChanged{
		SourceID: source, OwnerID: "ann", FileID: domain.FileID{UUID: uuid.New()}, Run: 1, Seq: 1, Change: domain.FileAdded,
		FileState: domain.FileState{Path: "a.go", Kind: domain.KindFile, Revision: "r"},
	}}}
}

// A table that is away is no trouble of the graph, and makes it be told nothing twice.
func TestTableThatIsAway(t *testing.T) {
	t.Parallel()

	g, given := neighbourtest.NewGraph(t), &table{accepted: map[uuid.UUID]bool{}, offered: errors.New("no database"), vain: 2}
	s := graph.New(pipeline.Client{URL: g.URL(), HTTP: pipeline.HTTPClient(1)}, given)
	batch := change()
	_, err := s.Handle(t.Context(), batch)
	if own := new(pipeline.OwnError); !errors.As(err, &own) {
		t.Errorf("got %v", err)
	}
	if asked, _ := g.Asked(); asked > 0 {
		t.Error("the graph was asked")
	}
	given.offered = nil
	outcomes, err := s.Handle(t.Context(), batch)
	if err != nil || outcomes[0].State != domain.StageDone || outcomes[0].Items != 2 || len(g.Entities) != 2 {
		t.Errorf("got %+v, %v and %d entities, want the repository and the file", outcomes, err, len(g.Entities))
	}
}

// A pull request is told of behind the repository, its people and the commit that it
// ends with.
func TestPullRequest(t *testing.T) {
	t.Parallel()

	g, given := neighbourtest.NewGraph(t), &table{accepted: map[uuid.UUID]bool{}}
	batch := change()
	f := &batch[0].File
	f.Kind, f.AuthorRef, f.Attributes = domain.KindPullRequest, "ref", map[string]string{"head_sha": "c0ffee", "title": "Change"}
	s := graph.New(pipeline.Client{URL: g.URL(), HTTP: pipeline.HTTPClient(1)}, given)
	if _, err := s.Handle(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range g.Entities {
		got = append(got, e.Type+" "+e.Name)
	}
	if want := []string{"repository " + f.SourceID.String(), "person ref", "commit c0ffee", "pull_request Change"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

package graph

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/google/uuid"
	"golang.org/x/sync/singleflight"

	"github.com/confuse/data-connector/adapters/pipeline"
	"github.com/confuse/data-connector/domain"
)

// Name is the name of the stage.
const Name = "graph"

// A Stage is pipeline.Stage for relation-graph.
type Stage struct {
	client pipeline.Client
	given  domain.HandedItems
	flight singleflight.Group
	known  sync.Map // of what many files belong to: told
	kept   atomic.Int64
}

var _ pipeline.Stage = (*Stage)(nil)

// New makes the stage for the graph that client reaches. given remembers what it
// has.
func New(client pipeline.Client, given domain.HandedItems) *Stage {
	return &Stage{client: client, given: given}
}

// Name implements pipeline.Stage.
func (s *Stage) Name() string { return Name }

// Limits implements pipeline.Stage: an entity is told alone.
func (s *Stage) Limits() pipeline.Limits { return pipeline.Limits{Items: 1} }

// Handle implements pipeline.Stage.
func (s *Stage) Handle(ctx context.Context, batch []pipeline.Handover) ([]pipeline.Outcome, error) {
	outcomes := make([]pipeline.Outcome, len(batch))
	for n, h := range batch {
		if h.File.Change == domain.FileRemoved {
			outcomes[n] = pipeline.Skipped(pipeline.ReasonNoWay)
			continue
		}
		told, err := s.tell(ctx, h)
		if err != nil {
			return nil, err
		}
		outcomes[n] = pipeline.Done(told)
	}
	return outcomes, nil
}

// tell tells of a change, after what it belongs to.
func (s *Stage) tell(ctx context.Context, h pipeline.Handover) (told int64, err error) {
	for _, e := range entitiesOf(h) {
		turn := h.Replay // of what files have in common, however often one of them comes in it
		if e.own() {
			turn = h.Turn()
		}
		news, err := s.once(ctx, turn, e)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", e.Type, err)
		}
		if news {
			told++
		}
	}
	return told, nil
}

// once tells of e unless the graph has it. Files that belong together come side by
// side: the first one tells, the others wait for it.
func (s *Stage) once(ctx context.Context, turn string, e entity) (news bool, err error) {
	key := e.item.ID.String() + turn
	if _, ok := s.known.Load(key); ok {
		return false, nil
	}
	_, err, _ = s.flight.Do(key, func() (any, error) {
		before, err := s.given.Offer(ctx, Name, turn, []domain.HandedItem{e.item})
		if err != nil {
			return nil, pipeline.Own(err)
		}
		if !before[0].Accepted {
			if err := s.post(ctx, e, turn); err != nil {
				return nil, err
			}
			news = true
			// A crash right before this line tells of it once more.
			err := pipeline.Insist(ctx, func(ctx context.Context) error { return s.given.Accept(ctx, Name, turn, []uuid.UUID{e.item.ID}) })
			if err != nil {
				return nil, &pipeline.FateError{Err: err, MayHave: true}
			}
		}
		s.remember(key, e)
		return nil, nil
	})
	return news, err
}

// maxKnown is how many entities a process remembers by itself.
const maxKnown = 50_000

// remember spares a look into the table at what many files belong to.
func (s *Stage) remember(key string, e entity) {
	if e.own() {
		return // it does not come again
	}
	if s.kept.Add(1) > maxKnown {
		s.known.Clear()
		s.kept.Store(0)
	}
	s.known.Store(key, struct{}{})
}

// An Answer is what the graph says to an entity.
type Answer struct {
	EntityID    string   `json:"entity_id"`
	CanonicalID string   `json:"canonical_id"`
	Error       string   `json:"error"`
	Errors      []string `json:"errors"`
}

var errTold = errors.New("answered 200 with an error")

func (s *Stage) post(ctx context.Context, e entity, turn string) error {
	var answer Answer
	if err := s.client.PostJSON(ctx, "/api/graph/entities", pipeline.KeyOf(e.item.ID, turn), e.Entity, &answer); err != nil {
		return err
	}
	if all := strings.Join(append(answer.Errors, answer.Error), " "); strings.TrimSpace(all) != "" {
		return pipeline.Final(fmt.Errorf("%w: %.1000s", errTold, domain.Clean(all)))
	}
	if answer.EntityID == "" {
		return pipeline.Final(fmt.Errorf("%w: it names no entity", errTold))
	}
	return nil
}

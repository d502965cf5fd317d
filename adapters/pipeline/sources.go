package pipeline

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/confuse/data-connector/domain"
)

const (
	// sourceTime is how long a source may be known as it was.
	sourceTime = 2 * time.Second
	maxSources = 10_000
)

// sources remembers for a short time what the tables said of sources: files come
// in long rows of one source.
type sources struct {
	ask   Sources
	clock domain.Clock

	mu    sync.Mutex
	known map[domain.SourceID]*knownSource
}

type knownSource struct {
	domain.Source
	until time.Time
}

func newSources(ask Sources, clock domain.Clock) *sources {
	return &sources{ask: ask, clock: clock, known: make(map[domain.SourceID]*knownSource)}
}

// find gives a source as the tables know it, which may be not at all. It is not to be
// changed: others have it, too.
func (s *sources) find(ctx context.Context, id domain.SourceID, owner domain.OwnerID) (*domain.Source, error) {
	now := s.clock.Now()
	s.mu.Lock()
	k := s.known[id]
	s.mu.Unlock()
	if k != nil && now.Before(k.until) {
		return &k.Source, nil
	}
	return s.look(ctx, id, owner, now)
}

// look asks the tables. It is not part of find, which is asked for each file and needs
// no room on the stack.
func (s *sources) look(ctx context.Context, id domain.SourceID, owner domain.OwnerID, now time.Time) (*domain.Source, error) {
	source, err := s.ask(ctx, id)
	if errors.Is(err, domain.ErrSourceNotFound) {
		source, err = domain.Source{ID: id, Owner: owner}, nil
	}
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.known) >= maxSources {
		clear(s.known)
	}
	k := &knownSource{source, now.Add(sourceTime)}
	s.known[id] = k
	return &k.Source, nil
}

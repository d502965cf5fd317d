package forge

import (
	"bytes"
	"context"
	"errors"
	"strings"

	"github.com/confuse/data-connector/connectors/rest"
	"github.com/confuse/data-connector/domain"
)

// An Opener opens repositories, for one call each.
type Opener struct {
	// At asks for the repository with an id, whatever it is called by now; empty: for
	// that of the source.
	At func(ctx context.Context, s domain.Scope, p rest.Priority, id string) (*Repository, error)
	// Known is At for that of the source, and asks for nothing where the cache knows
	// which one it is.
	Known func(ctx context.Context, s domain.Scope) (*Repository, error)
}

// Ports are the ports of package domain by which a forge is read. A connector
// embeds them.
type Ports struct {
	open  Opener
	clock domain.Clock
}

// NewPorts makes them.
func NewPorts(open Opener, clock domain.Clock) Ports { return Ports{open, clock} }

// at opens the repository that a cursor is of.
func (p Ports) at(ctx context.Context, s domain.Scope, priority rest.Priority, from domain.Cursor) (*Repository, error) {
	id, err := RepositoryIn(from)
	if err != nil {
		return nil, err
	}
	return p.open.At(ctx, s, priority, id)
}

// priorityOf is that of what has changed in s. A listing is rest.Backfill, whoever
// waits for it: it takes as many calls as there are items.
func priorityOf(s domain.Scope) rest.Priority {
	if s.Awaited {
		return rest.Hint
	}
	return rest.Incremental
}

// Snapshot implements domain.Connector: files, wiki, then each kind of items.
func (p Ports) Snapshot(ctx context.Context, s domain.Scope, resume domain.Cursor, sink domain.Sink) error {
	r, err := p.at(ctx, s, rest.Backfill, resume)
	if err != nil {
		return err
	}
	return r.Snapshot(ctx, resume, sink)
}

// StartCursor implements domain.Feed.
func (p Ports) StartCursor(ctx context.Context, s domain.Scope) (domain.Cursor, error) {
	r, err := p.at(ctx, s, priorityOf(s), domain.Cursor{})
	if err != nil {
		return domain.Cursor{}, err
	}
	return r.StartCursor(ctx)
}

// Changes implements domain.Feed. Items that were deleted at the provider are not
// in it, as far as its lists do not tell.
func (p Ports) Changes(ctx context.Context, s domain.Scope, from domain.Cursor, sink domain.Sink) error {
	r, err := p.at(ctx, s, priorityOf(s), from)
	if err != nil {
		return err
	}
	return r.Changes(ctx, from, sink)
}

// Changed implements domain.Prober. Now and then it also looks whether the repository
// itself was renamed, archived or shown to others, of which no ref tells, nor, at
// some providers, any webhook.
func (p Ports) Changed(ctx context.Context, s domain.Scope, from domain.Cursor) (bool, error) {
	r, err := p.open.Known(ctx, s)
	if err != nil {
		return false, err
	}
	changed, err := r.Changed(ctx, from)
	if changed || err != nil || !due(s, p.clock.Now()) {
		return changed, err
	}
	before := rawFacts(s)
	_, err = p.open.At(ctx, s, rest.Backfill, r.ID) // nobody waits for it
	if limited := (*domain.RateLimitedError)(nil); errors.As(err, &limited) {
		return false, nil // a job could not ask either; the next look does
	}
	if err != nil {
		return false, err
	}
	return !bytes.Equal(before, rawFacts(s)) || untold(s), nil
}

// Fetch implements domain.Connector. A file is read from the cache of git; an item
// is read as it is now, and Content.Version says which version that is.
func (p Ports) Fetch(ctx context.Context, s domain.Scope, ref domain.ItemRef) (domain.Content, error) {
	r, err := p.open.Known(ctx, s)
	if err != nil {
		return domain.Content{}, err
	}
	return r.Fetch(ctx, ref)
}

// FetchAll implements domain.BulkFetcher.
func (p Ports) FetchAll(ctx context.Context, s domain.Scope, refs []domain.ItemRef, take func(i int, c domain.Content, err error) error) error {
	r, err := p.open.Known(ctx, s)
	if err != nil {
		return err
	}
	return r.FetchAll(ctx, refs, take)
}

// ConnectedTo is the id of the repository that a source was connected to, whose
// external key is place, a slash and the id; else what the cache knows of it; empty:
// neither says. A name may be another one's by now.
func ConnectedTo(s domain.Scope, place string, cached Facts) string {
	if id, ok := strings.CutPrefix(s.ExternalKey, place+"/"); ok && id != "" {
		return id
	}
	return cached.ID
}

package gitlab

import (
	"context"
	"strconv"

	"github.com/confuse/data-connector/connectors/gitrepo/forge"
	"github.com/confuse/data-connector/connectors/rest"
	"github.com/confuse/data-connector/domain"
)

// repository is what the session reads.
func (ss *session) repository() *forge.Repository {
	r := &forge.Repository{ID: ss.repo.ID, Scope: ss.scope, Files: ss.files()}
	if ss.o.IndexWiki {
		r.Wiki = ss.wiki()
	}
	for _, k := range []struct {
		asked bool
		kind  forge.Kind
	}{{ss.o.IndexIssues, issues{ss}}, {ss.o.IndexMRs, mergeRequests{ss}}, {ss.o.IndexReleases, releases{ss}}, {ss.o.IndexSnippets, snippets{ss}}} {
		if k.asked {
			r.Kinds = append(r.Kinds, k.kind)
		} else {
			r.Others = append(r.Others, k.kind)
		}
	}
	return r
}

// at opens the repository that a cursor is of.
func (c *Connector) at(ctx context.Context, s domain.Scope, p rest.Priority, from domain.Cursor) (*forge.Repository, error) {
	text, err := forge.RepositoryIn(from)
	if err != nil {
		return nil, err
	}
	id, _ := strconv.ParseInt(text, 10, 64) // 0, whatever is wrong with it: it is found by its path, and not the one of the cursor
	ss, err := c.openAt(ctx, s, p, id)
	if err != nil {
		return nil, err
	}
	return ss.repository(), nil
}

// Snapshot implements domain.Connector.
func (c *Connector) Snapshot(ctx context.Context, s domain.Scope, resume domain.Cursor, sink domain.Sink) error {
	r, err := c.at(ctx, s, rest.Backfill, resume)
	if err != nil {
		return err
	}
	return r.Snapshot(ctx, resume, sink)
}

// StartCursor implements domain.Feed.
func (c *Connector) StartCursor(ctx context.Context, s domain.Scope) (domain.Cursor, error) {
	r, err := c.at(ctx, s, rest.Incremental, domain.Cursor{})
	if err != nil {
		return domain.Cursor{}, err
	}
	return r.StartCursor(ctx)
}

// Changes implements domain.Feed. Deleted items of lists
// that are read by time are not in it.
func (c *Connector) Changes(ctx context.Context, s domain.Scope, from domain.Cursor, sink domain.Sink) error {
	r, err := c.at(ctx, s, rest.Incremental, from)
	if err != nil {
		return err
	}
	return r.Changes(ctx, from, sink)
}

// Changed implements domain.Prober.
func (c *Connector) Changed(ctx context.Context, s domain.Scope, from domain.Cursor) (bool, error) {
	ss, err := c.again(ctx, s)
	if err != nil {
		return false, err
	}
	return ss.repository().Changed(ctx, from)
}

// Fetch implements domain.Connector. A file is read from the cache of git; an
// item is read as it is now, and Content.Version says which version that is.
func (c *Connector) Fetch(ctx context.Context, s domain.Scope, ref domain.ItemRef) (domain.Content, error) {
	ss, err := c.again(ctx, s)
	if err != nil {
		return domain.Content{}, err
	}
	return ss.repository().Fetch(ctx, ref)
}

// FetchAll implements domain.BulkFetcher.
func (c *Connector) FetchAll(ctx context.Context, s domain.Scope, refs []domain.ItemRef, take func(i int, c domain.Content, err error) error) error {
	ss, err := c.again(ctx, s)
	if err != nil {
		return err
	}
	return ss.repository().FetchAll(ctx, refs, take)
}

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

// at opens the repository with an id; empty: that of the source.
func (c *Connector) at(ctx context.Context, s domain.Scope, p rest.Priority, text string) (*forge.Repository, error) {
	id, _ := strconv.ParseInt(text, 10, 64) // 0, whatever is wrong with it: it is found by its path, and not the one of the cursor
	ss, err := c.openAt(ctx, s, p, id)
	if err != nil {
		return nil, err
	}
	return ss.repository(), nil
}

func (c *Connector) known(ctx context.Context, s domain.Scope) (*forge.Repository, error) {
	ss, err := c.again(ctx, s)
	if err != nil {
		return nil, err
	}
	return ss.repository(), nil
}

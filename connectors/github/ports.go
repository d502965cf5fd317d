package github

import (
	"context"
	"strconv"

	"github.com/confuse/data-connector/connectors/gitrepo/forge"
	"github.com/confuse/data-connector/connectors/rest"
	"github.com/confuse/data-connector/domain"
)

// The folders of what is no file of the repository.
const (
	folderIssues      = "@issues/"
	folderPulls       = "@pulls/"
	folderReleases    = "@releases/"
	folderDiscussions = "@discussions/"
)

// repository is what the session reads.
func (ss *session) repository() *forge.Repository {
	r := &forge.Repository{ID: strconv.FormatInt(ss.repo.ID, 10), Scope: ss.scope, Files: ss.files()}
	if ss.o.IndexWiki {
		r.Wiki = ss.wiki()
	}
	for _, k := range []struct {
		asked bool
		kind  forge.Kind
	}{{ss.o.IndexIssues, issues{ss}}, {ss.o.IndexPRs, pulls{ss}}, {ss.o.IndexReleases, releases{ss}}, {ss.o.IndexDiscussions, discussions{ss}}} {
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
	id, _ := strconv.ParseInt(text, 10, 64) // 0, whatever is wrong with it: it is found by name, and not the one of the cursor
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

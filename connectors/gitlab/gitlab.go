package gitlab

import (
	"context"
	"strconv"

	"github.com/confuse/data-connector/connectors/gitrepo"
	"github.com/confuse/data-connector/connectors/gitrepo/forge"
	"github.com/confuse/data-connector/connectors/rest"
	"github.com/confuse/data-connector/domain"
)

var (
	_ domain.Connector     = (*Connector)(nil)
	_ domain.Feed          = (*Connector)(nil)
	_ domain.Prober        = (*Connector)(nil)
	_ domain.BulkFetcher   = (*Connector)(nil)
	_ domain.WebhookParser = (*Connector)(nil)
	_ domain.WebhookAdmin  = (*Connector)(nil)
)

// Provider is the name of the connector.
const Provider domain.Provider = "gitlab"

// Options are what the operator decides.
type Options struct {
	Git  *gitrepo.Client // required
	REST rest.Options    // Clock is required; Provider and Field are set here
}

// A Connector reads repositories of GitLab. It may be used concurrently.
type Connector struct {
	forge.Ports
	git  *gitrepo.Client
	pace *rest.Paced
	page int64 // items of one page of the API
}

// New makes a connector. Nothing is asked yet.
func New(o Options) *Connector {
	o.REST.Provider, o.REST.Field = Provider, "config."+optionBaseURL
	c := &Connector{git: o.Git, pace: rest.New(o.REST), page: maxPage}
	c.Ports = forge.NewPorts(forge.Opener{At: c.at, Known: c.known}, o.REST.Clock)
	return c
}

// maxPage is the most items that GitLab gives in one page.
const maxPage = 100

// Describe implements domain.Connector.
func (c *Connector) Describe() domain.Capabilities {
	text := func(name, help string) domain.Option {
		return domain.Option{Name: name, Kind: domain.OptionString, Help: help}
	}
	flag := func(name, help string) domain.Option {
		return domain.Option{Name: name, Kind: domain.OptionBool, Help: help}
	}
	return domain.Capabilities{
		Provider: Provider, Identity: domain.ByPath,
		Options: []domain.Option{
			text(optionProjectID, "Numeric id of the project, or its full path; one way to name it is needed."),
			text(optionProject, "Full path of the project with all its groups, group/subgroup/project, instead."),
			text(optionOwner, "User or group, with all groups above it, that the project belongs to, instead; with repo."),
			text(optionRepo, "Name of the project in its URL; with owner."),
			text("branch", "Branch, tag or full commit id; the default branch, whichever it is, when not given."),
			flag("indexMRs", "Whether merge requests with their discussions are read too."),
			flag("indexIssues", "Whether issues with their comments are read too."),
			flag("indexConfidential", "Whether confidential issues and internal notes are read, as far as the credential may see them."),
			flag("indexWiki", "Whether the wiki is read too."),
			flag("indexReleases", "Whether releases are read too."),
			flag("indexSnippets", "Whether snippets of the project are read too."),
			flag("lfs", "Whether files in Git LFS are read; else they are listed without content."),
			text(optionBaseURL, "URL of a self-managed GitLab, https://host; gitlab.com when not given."),
		},
	}
}

// Validate implements domain.Connector. The external key is <host>/<numeric id>,
// which renames and moves do not change.
func (c *Connector) Validate(ctx context.Context, s domain.Scope) (domain.Identity, error) {
	ss, err := c.open(ctx, s, rest.Hint)
	if err != nil {
		return domain.Identity{}, err
	}
	if s.Known == nil { // a run finds it out by itself
		if _, err := ss.files().StartCursor(ctx, s); err != nil {
			return domain.Identity{}, forge.NoBranch(err, ss.o.Branch, ss.repo.FullName)
		}
	}
	return ss.repo.Identity(externalKey(ss.web.Host, ss.repo.id)), nil
}

func externalKey(host string, id int64) string { return host + "/" + strconv.FormatInt(id, 10) }

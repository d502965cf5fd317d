package bitbucket

import (
	"context"
	"net/url"

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
const Provider domain.Provider = "bitbucket"

// Options are what the operator decides.
type Options struct {
	Git *gitrepo.Client // required
	// REST: Clock is required; Provider and Field are set here. PerHour is for Cloud
	// alone, which does not say how many calls are left.
	REST  rest.Options
	Cloud *url.URL // where Bitbucket Cloud is, with its API below 2.0/: for tests; nil: bitbucket.org
}

// A Connector reads repositories of Bitbucket. It may be used concurrently.
type Connector struct {
	forge.Ports
	git           *gitrepo.Client
	cloud, server *rest.Paced
	cloudWeb      *url.URL
	cloudAPI      *url.URL
	page          int // items of one page of the API
}

// New makes a connector. Nothing is asked yet.
func New(o Options) *Connector {
	o.REST.Provider, o.REST.Field = Provider, "config."+optionBaseURL
	own := o.REST
	own.PerHour = 0
	c := &Connector{
		git: o.Git, cloud: rest.New(o.REST), server: rest.New(own), page: maxPage,
		cloudWeb: &url.URL{Scheme: "https", Host: cloudHost}, cloudAPI: &url.URL{Scheme: "https", Host: "api." + cloudHost, Path: "/2.0/"},
	}
	if o.Cloud != nil {
		c.cloudWeb, c.cloudAPI = o.Cloud, o.Cloud.JoinPath("2.0/")
	}
	c.Ports = forge.NewPorts(forge.Opener{At: c.at, Known: c.known}, o.REST.Clock)
	return c
}

// maxPage is the most pull requests that Cloud gives in one page.
const maxPage = 50

// Describe implements domain.Connector.
func (c *Connector) Describe() domain.Capabilities {
	text := func(name string, required bool, help string) domain.Option {
		return domain.Option{Name: name, Kind: domain.OptionString, Required: required, Help: help}
	}
	return domain.Capabilities{
		Provider: Provider, Identity: domain.ByPath,
		Options: []domain.Option{
			text(optionOwner, false, "Workspace on Cloud, key of the project on Data Center."),
			text(optionWorkspace, false, "The same, under the name that Cloud has for it."),
			text(optionRepo, true, "Name of the repository in its address."),
			text("branch", false, "Branch, tag or full commit id; the default branch, whichever it is, when not given."),
			{Name: "indexPRs", Kind: domain.OptionBool, Help: "Whether pull requests with their comments are read too."},
			{Name: "indexIssues", Kind: domain.OptionBool, Help: "False: Bitbucket has no issues any more."},
			{Name: "indexWiki", Kind: domain.OptionBool, Help: "False: Bitbucket has no wikis any more."},
			{Name: "lfs", Kind: domain.OptionBool, Help: "Whether files in Git LFS are read; else they are listed without content."},
			text(optionBaseURL, false, "URL of a Data Center, https://host or https://host/path; Bitbucket Cloud when not given."),
		},
	}
}

// Validate implements domain.Connector. The external key is bitbucket.org/<uuid>,
// or <host>/<numeric id> of a Data Center, which renames and moves do not change.
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
	return ss.repo.Identity(ss.key() + "/" + ss.repo.ID), nil
}

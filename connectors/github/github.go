package github

import (
	"context"
	"log/slog"
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
const Provider domain.Provider = "github"

// Options are what the operator decides.
type Options struct {
	Git    *gitrepo.Client // required
	REST   rest.Options    // Clock is required; Provider and Field are set here
	AppID  string          // of the operator's own GitHub App; empty: there is none
	Key    domain.Secret   // its private key as PEM
	AppURL string          // base URL of the Enterprise Server that has it; empty: github.com
	Log    *slog.Logger    // nil: nothing is said
}

// A Connector reads repositories of GitHub. It may be used concurrently.
type Connector struct {
	forge.Ports
	git    *gitrepo.Client
	pace   *rest.Paced
	clock  domain.Clock
	app    app    // the operator's
	appURL string // where it is
	tokens *installations
	logs   appLogs
	page   int // items of one page of the API
}

// New makes a connector. Nothing is asked yet.
func New(o Options) *Connector {
	o.REST.Provider, o.REST.Field = Provider, "config."+optionBaseURL
	c := &Connector{
		git: o.Git, pace: rest.New(o.REST), clock: o.REST.Clock, app: app{id: o.AppID, key: o.Key}, appURL: o.AppURL,
		tokens: newInstallations(), page: maxPage,
	}
	c.Ports = forge.NewPorts(forge.Opener{At: c.at, Known: c.known}, c.clock)
	return c
}

// maxPage is the most items that GitHub gives in one page.
const maxPage = 100

// Describe implements domain.Connector.
func (c *Connector) Describe() domain.Capabilities {
	flag := func(name, help string) domain.Option {
		return domain.Option{Name: name, Kind: domain.OptionBool, Help: help}
	}
	return domain.Capabilities{
		Provider: Provider, Identity: domain.ByPath,
		Options: []domain.Option{
			{Name: optionOwner, Kind: domain.OptionString, Required: true, Help: "User or organisation that the repository belongs to."},
			{Name: optionRepo, Kind: domain.OptionString, Required: true, Help: "Name of the repository."},
			{Name: "branch", Kind: domain.OptionString, Help: "Branch, tag or full commit id; the default branch, whichever it is, when not given."},
			flag("indexPRs", "Whether pull requests with their reviews and comments are read too."),
			flag("indexIssues", "Whether issues with their comments are read too."),
			flag("indexWiki", "Whether the wiki is read too."),
			flag("indexReleases", "Whether releases are read too."),
			flag("indexDiscussions", "Whether discussions with their comments are read too; needs a credential."),
			flag("lfs", "Whether files in Git LFS are read; else they are listed without content."),
			{Name: optionBaseURL, Kind: domain.OptionString, Help: "URL of an Enterprise Server, https://host; github.com when not given."},
			{Name: domain.OptionInstallation, Kind: domain.OptionString, Help: "Installation of the operator's GitHub App that opens the repository, where the source has no credential of its own."},
		},
	}
}

// Validate implements domain.Connector. The external key is <host>/<numeric id>,
// which renames and transfers do not change.
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
	return ss.repo.Identity(externalKey(ss.web.Host, ss.repo.ID)), nil
}

func externalKey(host string, id int64) string { return host + "/" + strconv.FormatInt(id, 10) }

package bitbucket

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strings"

	"github.com/confuse/data-connector/connectors/gitrepo"
	"github.com/confuse/data-connector/connectors/rest"
	"github.com/confuse/data-connector/domain"
)

const (
	optionOwner     = "owner"
	optionWorkspace = "workspace"
	optionRepo      = "repo"
	optionBaseURL   = domain.OptionBaseURL
)

// options are those of a source.
type options struct {
	Owner     string `json:"owner"`
	Workspace string `json:"workspace"`
	Repo      string `json:"repo"`
	Branch    string `json:"branch"`
	IndexPRs  bool   `json:"indexPRs"`
	LFS       bool   `json:"lfs"`
	BaseURL   string `json:"baseUrl"`
	// What Bitbucket Cloud had until August 2026 and Data Center never had.
	IndexIssues bool `json:"indexIssues"`
	IndexWiki   bool `json:"indexWiki"`
}

// What Bitbucket takes for a name; nothing of it has a meaning in a URL. The key
// of a personal project begins with a tilde.
var (
	ownerName = regexp.MustCompile(`^~?[A-Za-z0-9_.-]{1,128}$`)
	repoName  = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,128}$`)
	dotsAlone = regexp.MustCompile(`^~?\.+$`)
)

func parseOptions(s domain.Scope) (options, error) {
	var o options
	if err := json.Unmarshal(s.Config, &o); err != nil {
		return o, &domain.InvalidError{Field: "config", Problem: "has a value of the wrong type"}
	}
	field := "config." + optionOwner
	if o.Owner == "" {
		o.Owner, field = o.Workspace, "config."+optionWorkspace
	}
	o.Repo = strings.TrimSuffix(o.Repo, ".git")
	switch {
	case o.Workspace != "" && o.Owner != o.Workspace:
		return o, &domain.InvalidError{Field: "config." + optionWorkspace, Problem: "is not what " + optionOwner + " says", Allowed: "one of the two"}
	case !ownerName.MatchString(o.Owner) || dotsAlone.MatchString(o.Owner):
		return o, &domain.InvalidError{Field: field, Problem: "is not the id of a workspace or the key of a project"}
	case !repoName.MatchString(o.Repo) || dotsAlone.MatchString(o.Repo):
		return o, &domain.InvalidError{Field: "config." + optionRepo, Problem: "is not the name of a repository", Allowed: "the name in its address, without its workspace or project"}
	case o.IndexIssues:
		return o, &domain.InvalidError{Field: "config.indexIssues", Problem: "asks for issues, which Bitbucket has no more", Allowed: "false"}
	case o.IndexWiki:
		return o, &domain.InvalidError{Field: "config.indexWiki", Problem: "asks for a wiki, which Bitbucket has no more", Allowed: "false"}
	}
	if err := gitrepo.CheckRef(o.Branch); err != nil {
		return o, &domain.InvalidError{Field: "config.branch", Problem: "is not the name of a ref", Allowed: "a branch, a tag or a full commit id"}
	}
	return o, nil
}

// cloudHost is where Bitbucket Cloud is; its sources have it in their keys.
const cloudHost = "bitbucket.org"

// A place is where a Bitbucket is.
type place struct {
	edition edition
	pace    *rest.Paced
	web     *url.URL // of pages and git, with the path of a Data Center below a folder
	api     *url.URL
}

// place reads baseUrl; empty means Bitbucket Cloud.
func (c *Connector) place(o options) (place, error) {
	if o.BaseURL == "" {
		return place{edition: cloud{}, pace: c.cloud, web: c.cloudWeb, api: c.cloudAPI}, nil
	}
	web, err := c.server.Base(o.BaseURL)
	if err != nil {
		return place{}, err
	}
	if host := web.Hostname(); host == cloudHost || strings.HasSuffix(host, "."+cloudHost) {
		return place{}, &domain.InvalidError{Field: "config." + optionBaseURL, Problem: "is the address of Bitbucket Cloud", Allowed: "leave it out"}
	}
	return place{edition: server{}, pace: c.server, web: web, api: web.JoinPath("rest/api/latest/")}, nil
}

// key is what the external keys of the repositories here begin with, before a slash
// and the id.
func (p place) key() string {
	if p.edition == (cloud{}) {
		return cloudHost // wherever a test has put it
	}
	return strings.TrimSuffix(p.web.Host+p.web.Path, "/")
}

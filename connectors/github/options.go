package github

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strings"

	"github.com/confuse/data-connector/connectors/gitrepo"
	"github.com/confuse/data-connector/domain"
)

const (
	optionOwner   = "owner"
	optionRepo    = "repo"
	optionBaseURL = domain.OptionBaseURL
)

// options are those of a source.
type options struct {
	Owner            string `json:"owner"`
	Repo             string `json:"repo"`
	Branch           string `json:"branch"`
	IndexPRs         bool   `json:"indexPRs"`
	IndexIssues      bool   `json:"indexIssues"`
	IndexWiki        bool   `json:"indexWiki"`
	IndexReleases    bool   `json:"indexReleases"`
	IndexDiscussions bool   `json:"indexDiscussions"`
	LFS              bool   `json:"lfs"`
	BaseURL          string `json:"baseUrl"`
	InstallationID   string `json:"installationId"`
}

// What GitHub takes for a name; nothing of it has a meaning in a URL.
var (
	ownerName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_-]{0,99}$`)
	repoName  = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,100}$`)
	decimal   = regexp.MustCompile(`^[0-9]{1,19}$`)
	dotsAlone = regexp.MustCompile(`^\.+$`)
)

func parseOptions(s domain.Scope) (options, error) {
	var o options
	if err := json.Unmarshal(s.Config, &o); err != nil {
		return o, &domain.InvalidError{Field: "config", Problem: "has a value of the wrong type"}
	}
	o.Repo = strings.TrimSuffix(o.Repo, ".git")
	switch {
	case !ownerName.MatchString(o.Owner):
		return o, &domain.InvalidError{Field: "config." + optionOwner, Problem: "is not the name of a user or organisation"}
	case !repoName.MatchString(o.Repo) || dotsAlone.MatchString(o.Repo):
		return o, &domain.InvalidError{Field: "config." + optionRepo, Problem: "is not the name of a repository", Allowed: "the name alone, without its owner"}
	case o.InstallationID != "" && !decimal.MatchString(o.InstallationID):
		return o, &domain.InvalidError{Field: "config.installationId", Problem: "is not a number"}
	}
	if err := gitrepo.CheckRef(o.Branch); err != nil {
		return o, &domain.InvalidError{Field: "config.branch", Problem: "is not the name of a ref", Allowed: "a branch, a tag or a full commit id"}
	}
	return o, nil
}

// A place is where a GitHub is: its pages, REST and GraphQL.
type place struct {
	web, api, graphql *url.URL
}

// place reads baseUrl; empty means github.com.
func (c *Connector) place(o options) (place, error) {
	if o.BaseURL == "" {
		return place{
			web: &url.URL{Scheme: "https", Host: "github.com"}, api: &url.URL{Scheme: "https", Host: "api.github.com", Path: "/"},
			graphql: &url.URL{Scheme: "https", Host: "api.github.com", Path: "/graphql"},
		}, nil
	}
	web, err := c.pace.Base(strings.TrimSuffix(strings.TrimRight(o.BaseURL, "/"), "/api/v3"))
	if err != nil {
		return place{}, err
	}
	if host := strings.TrimSuffix(web.Hostname(), "."); host == "github.com" || strings.HasSuffix(host, ".github.com") {
		return place{}, &domain.InvalidError{Field: "config." + optionBaseURL, Problem: "is the address of github.com itself", Allowed: "leave it out"}
	}
	return place{web: web, api: web.JoinPath("api/v3/"), graphql: web.JoinPath("api/graphql")}, nil
}

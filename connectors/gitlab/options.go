package gitlab

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strings"

	"github.com/confuse/data-connector/connectors/gitrepo"
	"github.com/confuse/data-connector/domain"
)

const (
	optionProjectID = "projectId"
	optionProject   = "project"
	optionOwner     = "owner"
	optionRepo      = "repo"
	optionBaseURL   = domain.OptionBaseURL
)

// options are those of a source.
type options struct {
	ProjectID         string `json:"projectId"`
	Project           string `json:"project"`
	Owner             string `json:"owner"`
	Repo              string `json:"repo"`
	Branch            string `json:"branch"`
	IndexMRs          bool   `json:"indexMRs"`
	IndexIssues       bool   `json:"indexIssues"`
	IndexConfidential bool   `json:"indexConfidential"`
	IndexWiki         bool   `json:"indexWiki"`
	IndexReleases     bool   `json:"indexReleases"`
	IndexSnippets     bool   `json:"indexSnippets"`
	LFS               bool   `json:"lfs"`
	BaseURL           string `json:"baseUrl"`
}

// What GitLab takes for the path of a project; nothing of it has a meaning in a
// URL but the slash.
var (
	fullPath = regexp.MustCompile(`^[A-Za-z0-9_.][A-Za-z0-9_.-]*(/[A-Za-z0-9_.][A-Za-z0-9_.-]*)+$`)
	decimal  = regexp.MustCompile(`^[1-9][0-9]{0,17}$`)
	dots     = regexp.MustCompile(`(^|/)\.+(/|$)`)
)

// maxName is more than the longest path that GitLab allows, in bytes.
const maxName = 4096

func parseOptions(s domain.Scope) (options, error) {
	var o options
	if err := json.Unmarshal(s.Config, &o); err != nil {
		return o, &domain.InvalidError{Field: "config", Problem: "has a value of the wrong type"}
	}
	name, field := o.name()
	switch {
	case name == "":
		return o, &domain.InvalidError{Field: "config." + optionProjectID, Problem: "is missing", Allowed: "the id of a project, or project, or owner and repo"}
	case (field != optionProjectID || !decimal.MatchString(name)) && (len(name) > maxName || !fullPath.MatchString(name) || dots.MatchString(name)):
		return o, &domain.InvalidError{Field: "config." + field, Problem: "does not name a project", Allowed: "the full path with all groups: group/subgroup/project"}
	}
	if err := gitrepo.CheckRef(o.Branch); err != nil {
		return o, &domain.InvalidError{Field: "config.branch", Problem: "is not the name of a ref", Allowed: "a branch, a tag or a full commit id"}
	}
	return o, nil
}

// name is the id or the full path of the project, and the option that says it.
func (o options) name() (name, field string) {
	switch {
	case o.ProjectID != "":
		name, field = o.ProjectID, optionProjectID
	case o.Project != "":
		name, field = o.Project, optionProject
	case o.Owner != "" || o.Repo != "":
		name, field = o.Owner+"/"+o.Repo, optionRepo
	}
	return strings.TrimSuffix(strings.Trim(name, "/"), ".git"), field
}

// A place is where a GitLab is: its pages and its API.
type place struct {
	web, api *url.URL
}

// place reads baseUrl; empty means gitlab.com.
func (c *Connector) place(o options) (place, error) {
	web := &url.URL{Scheme: "https", Host: "gitlab.com"}
	if o.BaseURL != "" {
		var err error
		if web, err = c.pace.Base(strings.TrimSuffix(strings.TrimRight(o.BaseURL, "/"), "/api/v4")); err != nil {
			return place{}, err
		}
	}
	return place{web: web, api: web.JoinPath("api/v4/")}, nil
}

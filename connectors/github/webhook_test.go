package github_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/confuse/data-connector/connectors/connectortest"
	"github.com/confuse/data-connector/connectors/gitrepo/forge/forgetest"
)

func TestVerify(t *testing.T) {
	t.Parallel()

	forgetest.Signed(t, newConnector(t, connectortest.NewClock(noon), nil), "X-Hub-Signature-256")
}

func TestParse(t *testing.T) {
	t.Parallel()

	const repo = `"repository":{"id":7,"html_url":"https://GitHub.com/octo/hello"}`
	tests := map[string]struct {
		event, body string
		key, event2 string // of the one notice; empty: none
		refs        []string
	}{
		"push":                         {"push", `{"ref":"refs/heads/main","before":"0000","commits":[{"id":"x"}],` + repo + `}`, "github.com/7", "push", []string{"refs/heads/main"}},
		"tag":                          {"create", `{"ref":"v1","ref_type":"tag",` + repo + `}`, "github.com/7", "create", []string{"refs/tags/v1"}},
		"branch":                       {"delete", `{"ref":"x","ref_type":"branch",` + repo + `}`, "github.com/7", "delete", []string{"refs/heads/x"}},
		"renamed":                      {"repository", `{"action":"renamed",` + repo + `}`, "github.com/7", "repository.renamed", nil},
		"archived":                     {"repository", `{"action":"archived",` + repo + `}`, "github.com/7", "repository.archived", nil},
		"unarchived":                   {"repository", `{"action":"unarchived",` + repo + `}`, "github.com/7", "repository.unarchived", nil},
		"deleted":                      {"repository", `{"action":"deleted",` + repo + `}`, "github.com/7", "repository.deleted", nil},
		"issue":                        {"issues", `{"action":"opened","issue":{"id":1,"number":5},` + repo + `}`, "github.com/7", "issues.opened", []string{"@issues/5.md"}},
		"comment on an issue":          {"issue_comment", `{"action":"created","issue":{"number":5},` + repo + `}`, "github.com/7", "issue_comment.created", []string{"@issues/5.md"}},
		"comment on a pull request":    {"issue_comment", `{"action":"created","issue":{"number":6,"pull_request":{}},` + repo + `}`, "github.com/7", "issue_comment.created", []string{"@pulls/6.md"}},
		"pull request":                 {"pull_request", `{"action":"closed","number":6,"pull_request":{"number":6},` + repo + `}`, "github.com/7", "pull_request.closed", []string{"@pulls/6.md"}},
		"release":                      {"release", `{"action":"published","release":{"id":9},` + repo + `}`, "github.com/7", "release.published", []string{"@releases/9.md"}},
		"wiki":                         {"gollum", `{"pages":[{"title":"Home"}],` + repo + `}`, "github.com/7", "gollum", []string{"@wiki/Home"}},
		"ping":                         {"ping", `{"zen":"x",` + repo + `}`, "", "ping", nil},
		"nothing that is used":         {"star", `{"action":"created",` + repo + `}`, "", "star.created", nil},
		"of no repository":             {"push", `{}`, "", "push", nil},
		"installation, one repository": {"installation", `{"action":"suspend","installation":{"id":3,"html_url":"https://github.com/settings/installations/3"},"repositories":[{"id":7}]}`, "github.com/7", "installation.suspend", nil},
		"installed":                    {"installation", `{"action":"created","installation":{"id":3,"html_url":"https://github.com/settings/installations/3"},"repositories":[{"id":7}]}`, "github.com/7", "installation.created", nil},
		"uninstalled":                  {"installation", `{"action":"deleted","installation":{"id":3,"html_url":"https://github.com/settings/installations/3"},"repositories":[{"id":7}]}`, "github.com/7", "installation.deleted", nil},
		"suspended, all of them":       {"installation", `{"action":"suspend","installation":{"id":3,"html_url":"https://github.com/settings/installations/3"}}`, "", "installation.suspend", nil},
		"access given":                 {"installation_repositories", `{"action":"added","installation":{"id":3,"html_url":"https://github.com/x"},"repositories_added":[{"id":7}],"repositories_removed":[]}`, "github.com/7", "installation_repositories.added", nil},
		"access taken":                 {"installation_repositories", `{"action":"removed","installation":{"id":3,"html_url":"https://ghe.example.com/x"},"repositories_removed":[{"id":7}]}`, "ghe.example.com/7", "installation_repositories.removed", nil},
	}
	c := newConnector(t, connectortest.NewClock(noon), nil)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			d, err := c.Parse(delivered(tt.event), []byte(tt.body))
			if err != nil || d.ID != "guid" || d.Event != tt.event2 {
				t.Fatalf("got %+v, %v", d, err)
			}
			if tt.key == "" {
				if about := strings.Contains(tt.body, repo); len(d.Notices) > 0 || d.Ignored == "" || (d.About == "github.com/7") != about {
					t.Errorf("got %+v, want it ignored with a reason, and what it is about", d)
				}
				return
			}
			if len(d.Notices) != 1 || d.Notices[0].ExternalKey != tt.key || !slices.Equal(d.Notices[0].Refs, tt.refs) {
				t.Errorf("got %+v, want a notice of %q, %q", d, tt.key, tt.refs)
			}
		})
	}
}

func delivered(event string) http.Header {
	return http.Header{"X-Github-Event": {event}, "X-Github-Delivery": {"guid"}, "Content-Type": {"application/json"}}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()

	forgetest.Unread(t, newConnector(t, connectortest.NewClock(noon), nil), delivered, "push")
}

package github_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/confuse/data-connector/connectors/connectortest"
	"github.com/confuse/data-connector/connectors/gitrepo/forge/forgetest"
	"github.com/confuse/data-connector/domain"
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
		"push":                      {"push", `{"ref":"refs/heads/main","before":"0000","commits":[{"id":"x"}],` + repo + `}`, "github.com/7", "push", []string{"refs/heads/main"}},
		"tag":                       {"create", `{"ref":"v1","ref_type":"tag",` + repo + `}`, "github.com/7", "create", []string{"refs/tags/v1"}},
		"branch":                    {"delete", `{"ref":"x","ref_type":"branch",` + repo + `}`, "github.com/7", "delete", []string{"refs/heads/x"}},
		"renamed":                   {"repository", `{"action":"renamed",` + repo + `}`, "github.com/7", "repository.renamed", nil},
		"archived":                  {"repository", `{"action":"archived",` + repo + `}`, "github.com/7", "repository.archived", nil},
		"unarchived":                {"repository", `{"action":"unarchived",` + repo + `}`, "github.com/7", "repository.unarchived", nil},
		"deleted":                   {"repository", `{"action":"deleted",` + repo + `}`, "github.com/7", "repository.deleted", nil},
		"issue":                     {"issues", `{"action":"opened","issue":{"id":1,"number":5},` + repo + `}`, "github.com/7", "issues.opened", []string{"@issues/5.md"}},
		"comment on an issue":       {"issue_comment", `{"action":"created","issue":{"number":5},` + repo + `}`, "github.com/7", "issue_comment.created", []string{"@issues/5.md"}},
		"comment on a pull request": {"issue_comment", `{"action":"created","issue":{"number":6,"pull_request":{}},` + repo + `}`, "github.com/7", "issue_comment.created", []string{"@pulls/6.md"}},
		"pull request":              {"pull_request", `{"action":"closed","number":6,"pull_request":{"number":6},` + repo + `}`, "github.com/7", "pull_request.closed", []string{"@pulls/6.md"}},
		"release":                   {"release", `{"action":"published","release":{"id":9},` + repo + `}`, "github.com/7", "release.published", []string{"@releases/9.md"}},
		"wiki":                      {"gollum", `{"pages":[{"title":"Home"}],` + repo + `}`, "github.com/7", "gollum", []string{"@wiki/Home"}},
		"ping":                      {"ping", `{"zen":"x",` + repo + `}`, "", "ping", nil},
		"nothing that is used":      {"star", `{"action":"created",` + repo + `}`, "", "star.created", nil},
		"of no repository":          {"push", `{}`, "", "push", nil},
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

// TestParseInstallation: what became of an installation is told of the sources that it
// opens, whichever repositories are named, and of those. Access is given to the former
// alone, and only where the action says so.
func TestParseInstallation(t *testing.T) {
	t.Parallel()

	const where = `"installation":{"id":3,"app_id":9,"html_url":"https://GitHub.com/settings/installations/3"}`
	tests := map[string]struct {
		event, body string
		access      bool
		keys        []string
		none        bool
	}{
		"created":                  {event: "installation", body: `{"action":"created",` + where + `,"repositories":[{"id":7},{"id":8}]}`, access: true, keys: []string{"github.com/7", "github.com/8"}},
		"deleted":                  {event: "installation", body: `{"action":"deleted",` + where + `,"repositories":[{"id":7}]}`, keys: []string{"github.com/7"}},
		"suspended":                {event: "installation", body: `{"action":"suspend",` + where + `}`},
		"suspended, one named":     {event: "installation", body: `{"action":"suspend",` + where + `,"repositories":[{"id":7}]}`, keys: []string{"github.com/7"}},
		"no longer suspended":      {event: "installation", body: `{"action":"unsuspend",` + where + `,"repositories":null}`, access: true},
		"permissions accepted":     {event: "installation", body: `{"action":"new_permissions_accepted",` + where + `}`, access: true},
		"what is not known":        {event: "installation", body: `{"action":"polished",` + where + `}`},
		"repositories added":       {event: "installation_repositories", body: `{"action":"added",` + where + `,"repositories_added":[{"id":7}],"repositories_removed":[]}`, access: true, keys: []string{"github.com/7"}},
		"repositories removed":     {event: "installation_repositories", body: `{"action":"removed",` + where + `,"repositories_removed":[{"id":7},{"id":0}]}`, keys: []string{"github.com/7"}},
		"without an installation":  {event: "installation", body: `{"action":"suspend"}`, none: true},
		"without a number":         {event: "installation", body: `{"action":"suspend","installation":{"html_url":"https://github.com/x"}}`, none: true},
		"a number below all":       {event: "installation", body: `{"action":"suspend","installation":{"id":-3,"html_url":"https://github.com/x"}}`, none: true},
		"who knows at what server": {event: "installation", body: `{"action":"suspend","installation":{"id":3},"repositories":[{"id":7}]}`, none: true},
	}
	c := newConnector(t, connectortest.NewClock(noon), nil)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			d, err := c.Parse(delivered(tt.event), []byte(tt.body))
			if err != nil || (len(d.Notices) == 0) != tt.none || (d.Ignored != "") != tt.none {
				t.Fatalf("got %+v, %v", d, err)
			}
			if tt.none {
				return
			}
			if n := d.Notices[0]; n.Installation != (domain.Installation{ID: "3", Place: "github.com/"}) || n.Access != tt.access || n.ExternalKey != "" {
				t.Errorf("got %+v, want the installation with access %v", n, tt.access)
			}
			var keys []string
			for _, n := range d.Notices[1:] {
				if keys = append(keys, n.ExternalKey); n.Access || n.Installation != (domain.Installation{}) {
					t.Errorf("got %+v, want a repository alone", n)
				}
			}
			if !slices.Equal(keys, tt.keys) {
				t.Errorf("got %q, want %q", keys, tt.keys)
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

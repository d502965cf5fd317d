package bitbucket_test

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

	forgetest.Signed(t, newConnector(t, connectortest.NewClock(noon)), "X-Hub-Signature")
}

func TestParse(t *testing.T) {
	t.Parallel()

	const (
		id     = "{673a6070-3421-46c9-9d48-90745f7bfe8e}"
		cloud  = `"repository":{"uuid":"{673A6070-3421-46c9-9d48-90745f7bfe8e}","links":{"html":{"href":"https://bitbucket.org/team/hello"}}}`
		onHost = `{"id":4,"links":{"self":[{"href":"https://Git.example.com/projects/P/repos/hello/browse"}]}}`
		folder = `{"id":4,"links":{"self":[{"href":"https://git.example.com:8443/bitbucket/users/me/repos/hello/browse"}]}}`
		bare   = `{"id":4}`
		here   = "here" // the source that the address names
	)
	tests := map[string]struct {
		event, body string
		key         string // of the one notice; empty: none
		refs        []string
	}{
		"push":                    {"repo:push", `{"push":{"changes":[{"new":{"type":"branch","name":"main"},"old":null,"truncated":true,"forced":true},{"new":null,"old":{"type":"tag","name":"v1"}},{"new":null,"old":null}]},` + cloud + `}`, "bitbucket.org/" + id, []string{"refs/heads/main", "refs/tags/v1"}},
		"push without changes":    {"repo:push", `{"push":{},` + cloud + `}`, "bitbucket.org/" + id, nil},
		"updated":                 {"repo:updated", `{"changes":{"name":{"new":"x","old":"y"}},` + cloud + `}`, "bitbucket.org/" + id, nil},
		"transferred":             {"repo:transfer", `{` + cloud + `}`, "bitbucket.org/" + id, nil},
		"deleted":                 {"repo:deleted", `{` + cloud + `}`, "bitbucket.org/" + id, nil},
		"pull request":            {"pullrequest:fulfilled", `{"pullrequest":{"id":6},` + cloud + `}`, "bitbucket.org/" + id, []string{"@pulls/6.md"}},
		"comment":                 {"pullrequest:comment_created", `{"pullrequest":{"id":6},"comment":{},` + cloud + `}`, "bitbucket.org/" + id, []string{"@pulls/6.md"}},
		"changes were requested":  {"pullrequest:changes_request_created", `{"pullrequest":{"id":6},` + cloud + `}`, "bitbucket.org/" + id, []string{"@pulls/6.md"}},
		"refs":                    {"repo:refs_changed", `{"changes":[{"refId":"refs/heads/main","type":"UPDATE"},{"refId":"refs/tags/v1","type":"ADD"}],"repository":` + onHost + `}`, "git.example.com/4", []string{"refs/heads/main", "refs/tags/v1"}},
		"refs, below a folder":    {"repo:refs_changed", `{"changes":[],"repository":` + folder + `}`, "git.example.com:8443/bitbucket/4", nil},
		"refs, without a host":    {"repo:refs_changed", `{"repository":` + bare + `}`, here, nil},
		"mirrored":                {"mirror:repo_synchronized", `{"repository":` + onHost + `}`, "git.example.com/4", nil},
		"modified":                {"repo:modified", `{"old":{"id":4},"new":` + onHost + `}`, "git.example.com/4", nil},
		"pull request, own":       {"pr:merged", `{"pullRequest":{"id":5,"fromRef":{"repository":{"id":9}},"toRef":{"repository":` + onHost + `}}}`, "git.example.com/4", []string{"@pulls/5.md"}},
		"reviewer":                {"pr:reviewer:needs_work", `{"pullRequest":{"id":5,"toRef":{"repository":` + onHost + `}}}`, "git.example.com/4", []string{"@pulls/5.md"}},
		"ping":                    {"diagnostics:ping", `{"test":true}`, "", nil},
		"issue":                   {"issue:created", `{"issue":{"id":1},` + cloud + `}`, "", nil},
		"fork":                    {"repo:fork", `{"fork":{},` + cloud + `}`, "", nil},
		"build":                   {"repo:commit_status_created", `{` + cloud + `}`, "", nil},
		"nothing that is used":    {"project:modified", `{"old":{},"new":{}}`, "", nil},
		"of no repository":        {"repo:push", `{}`, "", nil},
		"of no pull request":      {"pr:merged", `{}`, "", nil},
		"a uuid that is none":     {"repo:push", `{"repository":{"uuid":"../../x"}}`, "", nil},
		"an address without host": {"repo:refs_changed", `{"repository":{"id":4,"links":{"self":[{"href":"/projects/x"}]}}}`, here, nil},
	}
	c := newConnector(t, connectortest.NewClock(noon))
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			d, err := c.Parse(delivered(tt.event), []byte(tt.body))
			if err != nil || d.ID != "guid" || d.Event != tt.event {
				t.Fatalf("got %+v, %v", d, err)
			}
			if tt.key == "" {
				if about := strings.Contains(tt.body, cloud); len(d.Notices) > 0 || d.Ignored == "" || (d.About == "bitbucket.org/"+id) != about {
					t.Errorf("got %+v, want it ignored with a reason, and what it is about", d)
				}
				return
			}
			want := strings.TrimPrefix(tt.key, here)
			if len(d.Notices) != 1 || d.Notices[0].ExternalKey != want || !slices.Equal(d.Notices[0].Refs, tt.refs) {
				t.Errorf("got %+v, want a notice of %q, %q", d, want, tt.refs)
			}
		})
	}
}

// delivered are the headers of a delivery: one id for all attempts on Cloud, one
// for each on Data Center.
func delivered(event string) http.Header {
	if strings.HasPrefix(event, "pr:") || event == "repo:refs_changed" {
		return http.Header{"X-Event-Key": {event}, "X-Request-Id": {"guid"}, "Content-Type": {"application/json; charset=utf-8"}}
	}
	return http.Header{
		"X-Event-Key": {event}, "X-Request-Uuid": {"guid"}, "X-Hook-Uuid": {"hook"}, "X-Attempt-Number": {"2"}, "Content-Type": {"application/json"},
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()

	forgetest.Unread(t, newConnector(t, connectortest.NewClock(noon)), delivered, "repo:push")
}

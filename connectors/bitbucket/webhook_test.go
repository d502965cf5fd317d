package bitbucket_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/confuse/data-connector/connectors/connectortest"
	"github.com/confuse/data-connector/domain"
)

const docsSecret = "It's a Secret to Everybody" // of Bitbucket's documentation

func TestVerify(t *testing.T) {
	t.Parallel()

	const docs = "a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9"
	emoji := "{\"msg\":\"Gr\xc3\xbc\xc3\x9fe \xf0\x9f\x9a\x80\"}"
	one := func(v string) http.Header { return http.Header{"X-Hub-Signature": {v}} }
	tests := map[string]struct {
		header  http.Header
		body    string
		secrets []domain.Secret
		ok      bool
	}{
		"vector of the documentation":    {one("sha256=" + docs), "Hello World!", []domain.Secret{docsSecret}, true},
		"vector with other letters":      {one("sha256=8c3df9b7d915b76ee6d41cc806a5ca521bbc1c7b77bc08d665e2d09b2ec38412"), emoji, []domain.Secret{docsSecret}, true},
		"vector of RFC 4231":             {one("sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"), "what do ya want for nothing?", []domain.Secret{"Jefe"}, true},
		"second secret of a rotation":    {one("sha256=" + docs), "Hello World!", []domain.Secret{"new", docsSecret}, true},
		"another body":                   {one("sha256=" + docs), "Hello, World!", []domain.Secret{docsSecret}, false},
		"another secret":                 {one("sha256=" + docs), "Hello World!", []domain.Secret{"other"}, false},
		"no secret":                      {one("sha256=" + docs), "Hello World!", nil, false},
		"empty secret, signed with it":   {one("sha256=" + sign("", "x")), "x", []domain.Secret{""}, false},
		"a hook without a secret":        {http.Header{"X-Hook-Uuid": {"{8f4d}"}}, "Hello World!", []domain.Secret{docsSecret}, false},
		"empty header":                   {one(""), "Hello World!", []domain.Secret{docsSecret}, false},
		"prefix alone":                   {one("sha256="), "Hello World!", []domain.Secret{docsSecret}, false},
		"prefix twice":                   {one("sha256=sha256=" + docs), "Hello World!", []domain.Secret{docsSecret}, false},
		"no prefix":                      {one(docs), "Hello World!", []domain.Secret{docsSecret}, false},
		"digits in capitals are refused": {one("sha256=" + strings.ToUpper(docs)), "Hello World!", []domain.Secret{docsSecret}, false},
		"cut short":                      {one("sha256=" + docs[:62]), "Hello World!", []domain.Secret{docsSecret}, false},
		"two headers":                    {http.Header{"X-Hub-Signature": {"sha256=" + docs, "sha256=" + docs}}, "Hello World!", []domain.Secret{docsSecret}, false},
		"SHA-1":                          {one("sha1=01dc10d0c83e72ed246219cdd91669667fe2ca59"), "Hello, World!", []domain.Secret{docsSecret}, false},
		"GitHub's header":                {http.Header{"X-Hub-Signature-256": {"sha256=" + docs}}, "Hello World!", []domain.Secret{docsSecret}, false},
	}
	c := newConnector(t, connectortest.NewClock(noon))
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			err := c.Verify(tt.header, []byte(tt.body), tt.secrets, noon)
			if (err == nil) != tt.ok || err != nil && !errors.Is(err, domain.ErrForbidden) {
				t.Errorf("got %v, want ok %v", err, tt.ok)
			}
		})
	}
}

func sign(secret, body string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	return hex.EncodeToString(mac.Sum(nil))
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
				if len(d.Notices) > 0 || d.Ignored == "" {
					t.Errorf("got %+v, want it ignored with a reason", d)
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

	form := delivered("repo:push")
	form.Set("Content-Type", "application/x-www-form-urlencoded")
	for name, tt := range map[string]struct {
		header http.Header
		body   string
	}{
		"no event":   {http.Header{"Content-Type": {"application/json"}}, "{}"},
		"a form":     {form, "payload=%7B%7D"},
		"no JSON":    {delivered("repo:push"), "{"},
		"an array":   {delivered("repo:push"), "[]"},
		"long event": {delivered(strings.Repeat("x", 2000)), "{}"},
		"deep JSON":  {delivered("repo:push"), string(bytes.Repeat([]byte("["), 20_000))},
	} {
		var invalid *domain.InvalidError
		if _, err := newConnector(t, connectortest.NewClock(noon)).Parse(tt.header, []byte(tt.body)); !errors.As(err, &invalid) {
			t.Errorf("%s: got %v, want an InvalidError", name, err)
		}
	}
}

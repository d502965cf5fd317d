package github_test

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

const docsSecret = "It's a Secret to Everybody" // of GitHub's documentation

func TestVerify(t *testing.T) {
	t.Parallel()

	const docs = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
	emoji := "{\"msg\":\"Gr\xc3\xbc\xc3\x9fe \xf0\x9f\x9a\x80\"}"
	one := func(v string) http.Header { return http.Header{"X-Hub-Signature-256": {v}} }
	tests := map[string]struct {
		header  http.Header
		body    string
		secrets []domain.Secret
		ok      bool
	}{
		"vector of the documentation":    {one("sha256=" + docs), "Hello, World!", []domain.Secret{docsSecret}, true},
		"vector with other letters":      {one("sha256=8c3df9b7d915b76ee6d41cc806a5ca521bbc1c7b77bc08d665e2d09b2ec38412"), emoji, []domain.Secret{docsSecret}, true},
		"second secret of a rotation":    {one("sha256=" + docs), "Hello, World!", []domain.Secret{"new", docsSecret}, true},
		"another body":                   {one("sha256=" + docs), "Hello World!", []domain.Secret{docsSecret}, false},
		"another secret":                 {one("sha256=" + docs), "Hello, World!", []domain.Secret{"other"}, false},
		"no secret":                      {one("sha256=" + docs), "Hello, World!", nil, false},
		"empty secret, signed with it":   {one("sha256=" + sign("", "x")), "x", []domain.Secret{""}, false},
		"no header":                      {http.Header{}, "Hello, World!", []domain.Secret{docsSecret}, false},
		"empty header":                   {one(""), "Hello, World!", []domain.Secret{docsSecret}, false},
		"prefix alone":                   {one("sha256="), "Hello, World!", []domain.Secret{docsSecret}, false},
		"prefix twice":                   {one("sha256=sha256=" + docs), "Hello, World!", []domain.Secret{docsSecret}, false},
		"no prefix":                      {one(docs), "Hello, World!", []domain.Secret{docsSecret}, false},
		"prefix in capitals":             {one("SHA256=" + docs), "Hello, World!", []domain.Secret{docsSecret}, false},
		"digits in capitals are refused": {one("sha256=" + strings.ToUpper(docs)), "Hello, World!", []domain.Secret{docsSecret}, false},
		"cut short":                      {one("sha256=" + docs[:62]), "Hello, World!", []domain.Secret{docsSecret}, false},
		"two headers":                    {http.Header{"X-Hub-Signature-256": {"sha256=" + docs, "sha256=" + docs}}, "Hello, World!", []domain.Secret{docsSecret}, false},
		"SHA-1 alone":                    {http.Header{"X-Hub-Signature": {"sha1=01dc10d0c83e72ed246219cdd91669667fe2ca59"}}, "Hello, World!", []domain.Secret{docsSecret}, false},
	}
	c := newConnector(t, connectortest.NewClock(noon), nil)
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
				if len(d.Notices) > 0 || d.Ignored == "" {
					t.Errorf("got %+v, want it ignored with a reason", d)
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

	form := delivered("push")
	form.Set("Content-Type", "application/x-www-form-urlencoded")
	for name, tt := range map[string]struct {
		header http.Header
		body   string
	}{
		"no event":   {http.Header{"Content-Type": {"application/json"}}, "{}"},
		"a form":     {form, "payload=%7B%7D"},
		"no JSON":    {delivered("push"), "{"},
		"an array":   {delivered("push"), "[]"},
		"long event": {delivered(strings.Repeat("x", 2000)), "{}"},
		"deep JSON":  {delivered("push"), string(bytes.Repeat([]byte("["), 20_000))},
	} {
		var invalid *domain.InvalidError
		if _, err := newConnector(t, connectortest.NewClock(noon), nil).Parse(tt.header, []byte(tt.body)); !errors.As(err, &invalid) {
			t.Errorf("%s: got %v, want an InvalidError", name, err)
		}
	}
}

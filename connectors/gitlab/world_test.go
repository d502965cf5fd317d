package gitlab_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/confuse/data-connector/connectors/connectortest"
	"github.com/confuse/data-connector/connectors/gitlab"
	"github.com/confuse/data-connector/connectors/gitlab/gitlabtest"
	"github.com/confuse/data-connector/connectors/gitrepo"
	"github.com/confuse/data-connector/connectors/gitrepo/forge/forgetest"
	"github.com/confuse/data-connector/connectors/gitrepo/gittest"
	"github.com/confuse/data-connector/connectors/rest"
	"github.com/confuse/data-connector/domain"
)

// token opens the server. It stands in nothing that is seen.
const token = "glpat-canary0123456789ab"

var noon = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

// A world is a GitLab with one project, and a source that reads all of it.
type world struct {
	t     *testing.T
	api   *gitlabtest.Server
	git   *gittest.Server
	repo  *gittest.Repo
	clock *connectortest.Clock
	conn  *gitlab.Connector
	scope domain.Scope
}

func newWorld(t *testing.T, options map[string]any) *world {
	t.Helper()
	w := &world{t: t, git: gittest.NewServer(t), clock: connectortest.NewClock(noon)}
	w.repo = w.git.Create("group/sub/hello")
	w.api = gitlabtest.New(t, w.git, "group/sub/hello")
	w.api.Token = token
	w.conn = newConnector(t, w.clock)
	config := map[string]any{"owner": "group/sub", "repo": "hello", "baseUrl": w.api.URL}
	maps.Copy(config, options)
	w.scope = domain.Scope{Config: asJSON(t, config), Cache: t.TempDir(), Credential: with(domain.Credential{Kind: domain.CredentialToken, Secret: token})}
	return w
}

func newConnector(t *testing.T, clock domain.Clock) *gitlab.Connector {
	t.Helper()
	git, err := gitrepo.New(gitrepo.Options{AllowHTTP: true, Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	o := gitlab.Options{Git: git, REST: rest.Options{
		Clock: clock, Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		Pause: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	}}
	c := gitlab.New(o)
	c.SetPage(4)
	return c
}

func with(c domain.Credential) func(context.Context) (domain.Credential, error) {
	return func(context.Context) (domain.Credential, error) { return c, nil }
}

func asJSON(t *testing.T, v any) json.RawMessage {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// everything is what a source may ask for.
func everything() map[string]any {
	return map[string]any{"indexIssues": true, "indexMRs": true, "indexReleases": true, "indexSnippets": true, "indexWiki": true}
}

func (w *world) list() (*forgetest.Listing, error) {
	l := forgetest.NewListing()
	err := w.conn.Snapshot(w.t.Context(), w.scope, domain.Cursor{}, l)
	if (err == nil) != l.Complete {
		w.t.Errorf("got error %v, complete %v", err, l.Complete)
	}
	return l, err
}

func (w *world) listed() *forgetest.Listing {
	w.t.Helper()
	l, err := w.list()
	if err != nil {
		w.t.Fatal(err)
	}
	return l
}

func (w *world) start() domain.Cursor {
	w.t.Helper()
	c, err := w.conn.StartCursor(w.t.Context(), w.scope)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// follow is what the feed tells since from.
func (w *world) follow(from domain.Cursor) *forgetest.Listing {
	w.t.Helper()
	l := forgetest.NewListing()
	l.Cursor = from
	if err := w.conn.Changes(w.t.Context(), w.scope, from, l); err != nil {
		w.t.Fatal(err)
	}
	return l
}

func (w *world) changed(from domain.Cursor) bool {
	w.t.Helper()
	changed, err := w.conn.Changed(w.t.Context(), w.scope, from)
	if err != nil {
		w.t.Fatal(err)
	}
	return changed
}

func (w *world) read(item domain.Item) string {
	w.t.Helper()
	c, err := w.conn.Fetch(w.t.Context(), w.scope, item.Ref())
	if err != nil {
		w.t.Fatalf("fetch %q: %v", item.Path, err)
	}
	b, err := io.ReadAll(c.Body)
	if err = errors.Join(err, c.Body.Close()); err != nil {
		w.t.Fatal(err)
	}
	if c.Version != item.Version {
		w.t.Errorf("got version %q of %q, listed is %q", c.Version, item.Path, item.Version)
	}
	return string(b)
}

func contains(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("got\n%s\nwithout %q", text, p)
		}
	}
}

package github_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/confuse/data-connector/connectors/connectortest"
	"github.com/confuse/data-connector/connectors/github"
	"github.com/confuse/data-connector/connectors/github/githubtest"
	"github.com/confuse/data-connector/connectors/gitrepo"
	"github.com/confuse/data-connector/connectors/gitrepo/gittest"
	"github.com/confuse/data-connector/connectors/rest"
	"github.com/confuse/data-connector/domain"
)

// token opens the server. It stands in nothing that is seen.
const token = "ghp_canary0123456789abcdefghijklmnopqrstuv"

var noon = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

// A world is a GitHub with one repository, and a source that reads all of it.
type world struct {
	t     *testing.T
	api   *githubtest.Server
	git   *gittest.Server
	repo  *gittest.Repo
	clock *connectortest.Clock
	conn  *github.Connector
	scope domain.Scope
}

func newWorld(t *testing.T, options map[string]any) *world {
	t.Helper()
	w := &world{t: t, git: gittest.NewServer(t), clock: connectortest.NewClock(noon)}
	w.repo = w.git.Create("octo/hello")
	w.api = githubtest.New(t, w.git, "octo", "hello")
	w.api.Token = token
	w.conn = newConnector(t, w.clock, nil)
	config := map[string]any{"owner": "octo", "repo": "hello", "baseUrl": w.api.URL}
	maps.Copy(config, options)
	w.scope = domain.Scope{Config: asJSON(t, config), Cache: t.TempDir(), Credential: with(domain.Credential{Kind: domain.CredentialToken, Secret: token})}
	return w
}

func newConnector(t *testing.T, clock domain.Clock, change func(*github.Options)) *github.Connector {
	t.Helper()
	git, err := gitrepo.New(gitrepo.Options{AllowHTTP: true, Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	o := github.Options{Git: git, REST: rest.Options{
		Clock: clock, Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		Pause: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	}}
	if change != nil {
		change(&o)
	}
	c := github.New(o)
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
	return map[string]any{"indexIssues": true, "indexPRs": true, "indexReleases": true, "indexDiscussions": true, "indexWiki": true}
}

// A listing is what pages come to.
type listing struct {
	items    map[string]domain.Item
	failures map[string]string // code by path
	cursor   domain.Cursor
	pages    int
	complete bool
}

func newListing() *listing {
	return &listing{items: map[string]domain.Item{}, failures: map[string]string{}}
}

func (l *listing) Page(_ context.Context, p domain.Page) error {
	for _, c := range p.Changes {
		if c.Deleted {
			delete(l.items, string(c.Item.Path))
		}
	}
	for _, c := range p.Changes {
		if !c.Deleted {
			l.items[string(c.Item.Path)] = c.Item
		}
	}
	for _, f := range p.Failures {
		l.failures[f.Path] = f.Code
	}
	l.pages++
	l.complete = p.Complete
	if !p.Next.IsZero() {
		l.cursor = p.Next
	}
	return nil
}

func (l *listing) paths() []string { return slices.Sorted(maps.Keys(l.items)) }

func (w *world) list() (*listing, error) {
	l := newListing()
	err := w.conn.Snapshot(w.t.Context(), w.scope, domain.Cursor{}, l)
	if (err == nil) != l.complete {
		w.t.Errorf("got error %v, complete %v", err, l.complete)
	}
	return l, err
}

func (w *world) listed() *listing {
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
func (w *world) follow(from domain.Cursor) *listing {
	w.t.Helper()
	l := newListing()
	l.cursor = from
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

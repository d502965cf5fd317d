package bitbucket_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/confuse/data-connector/connectors/bitbucket"
	"github.com/confuse/data-connector/connectors/bitbucket/bitbuckettest"
	"github.com/confuse/data-connector/connectors/connectortest"
	"github.com/confuse/data-connector/connectors/gitrepo"
	"github.com/confuse/data-connector/connectors/gitrepo/gittest"
	"github.com/confuse/data-connector/connectors/rest"
	"github.com/confuse/data-connector/domain"
)

// token opens the server. It stands in nothing that is seen.
const token = "ATCTT3xFfGN0canary0123456789abcdefghijklmnopqrstuv"

var noon = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

// A world is a Bitbucket with one repository, and a source that reads all of it.
type world struct {
	t     *testing.T
	api   *bitbuckettest.Server
	repo  *gittest.Repo
	git   *gittest.Server
	clock *connectortest.Clock
	conn  *bitbucket.Connector
	scope domain.Scope
}

// editions are the ways to make a world.
var editions = map[string]func(*testing.T, map[string]any) *world{"cloud": newCloud, "data center": newServer}

// both runs a test on each edition.
func both(t *testing.T, test func(t *testing.T, make func(*testing.T, map[string]any) *world)) {
	t.Helper()
	for name, edition := range editions {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			test(t, edition)
		})
	}
}

func newCloud(t *testing.T, options map[string]any) *world {
	t.Helper()
	git := gittest.NewServer(t)
	w := &world{t: t, git: git, repo: git.Create("team/hello"), api: bitbuckettest.NewCloud(t, git, "team", "hello")}
	return w.open(map[string]any{"workspace": "team", "repo": "hello"}, options)
}

func newServer(t *testing.T, options map[string]any) *world {
	t.Helper()
	git := gittest.NewServer(t)
	w := &world{t: t, git: git, repo: git.Create("scm/proj/hello"), api: bitbuckettest.NewServer(t, git, "PROJ", "hello")}
	return w.open(map[string]any{"owner": "PROJ", "repo": "hello", "baseUrl": w.api.URL}, options)
}

func (w *world) open(config, options map[string]any) *world {
	w.t.Helper()
	w.clock = connectortest.NewClock(noon)
	w.api.Token = token
	w.conn = newConnector(w.t, w.clock)
	web, err := url.Parse(w.api.URL)
	if err != nil {
		w.t.Fatal(err)
	}
	w.conn.SetCloud(web)
	maps.Copy(config, options)
	w.scope = domain.Scope{Config: asJSON(w.t, config), Cache: w.t.TempDir(), Credential: with(domain.Credential{Kind: domain.CredentialToken, Secret: token})}
	return w
}

func newConnector(t *testing.T, clock domain.Clock) *bitbucket.Connector {
	t.Helper()
	git, err := gitrepo.New(gitrepo.Options{AllowHTTP: true, Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	c := bitbucket.New(bitbucket.Options{Git: git, REST: rest.Options{
		Clock: clock, Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		Pause: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	}})
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

var withPulls = map[string]any{"indexPRs": true}

// A listing is what pages come to.
type listing struct {
	items    map[string]domain.Item
	failures map[string]string // code by path
	cursor   domain.Cursor
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
	l.complete = p.Complete
	if !p.Next.IsZero() {
		l.cursor = p.Next
	}
	return nil
}

func (l *listing) paths() []string { return slices.Sorted(maps.Keys(l.items)) }

// news are the paths of what is not in old as it is here.
func (l *listing) news(old *listing) []string {
	var all []string
	for path, item := range l.items {
		if item.Version != old.items[path].Version {
			all = append(all, path)
		}
	}
	slices.Sort(all)
	return all
}

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

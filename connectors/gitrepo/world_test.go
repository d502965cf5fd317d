package gitrepo_test

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/confuse/data-connector/connectors/connectortest"
	"github.com/confuse/data-connector/connectors/gitrepo"
	"github.com/confuse/data-connector/connectors/gitrepo/gittest"
	"github.com/confuse/data-connector/domain"
)

// A world is a repository at a server, and a source that reads it.
type world struct {
	t      *testing.T
	server *gittest.Server
	repo   *gittest.Repo
	source gitrepo.Source
	scope  domain.Scope
}

// noon is when all tests run.
var noon = time.Date(2030, time.January, 1, 0, 0, 0, 0, time.UTC)

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, server: gittest.NewServer(t)}
	w.repo = w.server.Create("repo")
	w.scope = domain.Scope{Cache: t.TempDir(), Config: json.RawMessage(`{}`)}
	w.source = gitrepo.Source{Client: newClient(t, gitrepo.Options{HTTP: &http.Client{}}), Remote: gitrepo.Remote{URL: w.repo.URL}, Folder: "repo"}
	return w
}

func newClient(t *testing.T, o gitrepo.Options) *gitrepo.Client {
	t.Helper()
	o.AllowHTTP = true
	o.Clock = connectortest.NewClock(noon)
	c, err := gitrepo.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A listing is what pages come to: what a reader of them holds.
type listing struct {
	t        *testing.T
	items    map[string]domain.Item
	pages    []domain.Page
	failures []domain.ItemFailure
	cursor   domain.Cursor
	complete bool
	stop     int // Page fails from the so many-th page on; 0: never
}

func newListing(t *testing.T) *listing { return &listing{t: t, items: map[string]domain.Item{}} }

func (l *listing) Page(_ context.Context, p domain.Page) error {
	if l.stop > 0 && len(l.pages)+1 >= l.stop {
		return errStop
	}
	l.pages = append(l.pages, p)
	l.failures = append(l.failures, p.Failures...)
	l.complete = p.Complete
	if !p.Next.IsZero() {
		l.cursor = p.Next
	}
	if len(p.Changes) > 1000 {
		l.t.Errorf("got a page of %d changes", len(p.Changes))
	}
	deleted := map[string]bool{}
	for _, c := range p.Changes {
		if c.Deleted {
			deleted[string(c.Item.Path)] = true
			delete(l.items, string(c.Item.Path))
		}
	}
	for _, c := range p.Changes {
		if c.Item.MovedFrom != nil && !deleted[string(c.Item.MovedFrom)] {
			l.t.Errorf("%q was moved from %q, which this page does not delete", c.Item.Path, c.Item.MovedFrom)
		}
		if !c.Deleted {
			l.items[string(c.Item.Path)] = c.Item
		}
	}
	return nil
}

// list is a whole listing.
func (w *world) list() *listing {
	w.t.Helper()
	l := newListing(w.t)
	if err := w.source.Snapshot(w.t.Context(), w.scope, domain.Cursor{}, l); err != nil {
		w.t.Fatal(err)
	}
	if !l.complete {
		w.t.Fatal("the listing is not complete")
	}
	return l
}

// start is the cursor of now.
func (w *world) start() domain.Cursor {
	w.t.Helper()
	c, err := w.source.StartCursor(w.t.Context(), w.scope)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// follow is what changed since from.
func (w *world) follow(from domain.Cursor) *listing {
	w.t.Helper()
	l := newListing(w.t)
	l.cursor = from
	if err := w.source.Changes(w.t.Context(), w.scope, from, l); err != nil {
		w.t.Fatal(err)
	}
	return l
}

// read is the content of an item.
func (w *world) read(item domain.Item) (string, error) {
	c, err := w.source.Fetch(w.t.Context(), w.scope, item.Ref())
	if err != nil {
		return "", err
	}
	defer func() { _ = c.Body.Close() }()
	b, err := io.ReadAll(c.Body)
	return string(b), err
}

// check compares items with what git says that a commit holds.
func (w *world) check(items map[string]domain.Item, commit string) {
	w.t.Helper()
	tree := w.repo.Tree(commit)
	got := map[string]string{}
	for path, i := range items {
		mode := "100644"
		switch {
		case i.Kind == domain.KindSymlink:
			mode = "120000"
		case i.Kind == domain.KindSubmodule:
			mode = "160000"
		case i.Attributes["executable"] == "true":
			mode = "100755"
		}
		got[path] = mode + " " + i.Version
	}
	if !maps.Equal(got, tree) {
		w.t.Errorf("got %d items, want the %d of git:\ngot  %v\nwant %v", len(got), len(tree), sample(got, tree), sample(tree, got))
	}
}

// sample are some of what a has and b has not.
func sample(a, b map[string]string) []string {
	var only []string
	for _, path := range slices.Sorted(maps.Keys(a)) {
		if a[path] != b[path] && len(only) < 5 {
			only = append(only, path+" "+a[path])
		}
	}
	return only
}

package bitbucket_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/confuse/data-connector/connectors/bitbucket/bitbuckettest"
	"github.com/confuse/data-connector/connectors/gitrepo/forge/forgetest"
	"github.com/confuse/data-connector/connectors/gitrepo/gittest"
	"github.com/confuse/data-connector/domain"
)

// TestItems: what becomes of files and pull requests, and that the feed tells
// exactly what changed.
func TestItems(t *testing.T) {
	t.Parallel()

	both(t, func(t *testing.T, newWorld func(*testing.T, map[string]any) *world) {
		w := newWorld(t, withPulls)
		w.Repo.Commit("main", gittest.Put("src/a b.txt", "hello"), gittest.Put("@pulls/1.md", "not a pull request"))
		for n := 1; n <= 10; n++ {
			w.api.Pull(n, fmt.Sprintf("Change %d", n), "It is mended.")
		}
		w.api.Comment(1, "", "Nice.")
		w.api.Comment(1, "main.go", "Why this?")
		w.api.Reply(1, "Because.")
		w.api.Set(2, bitbuckettest.Object{"state": "MERGED"})
		from := w.Start()
		l := w.Listed()
		if got := l.Failures["@pulls/1.md"]; got != "reserved_path" || len(l.Items) != 1+10 {
			t.Errorf("got failures %v and %d items: %q", l.Failures, len(l.Items), l.Paths())
		}
		file, pull := l.Items["src/a b.txt"], l.Items["@pulls/1.md"]
		forgetest.Contains(t, w.Read(file), "hello")
		forgetest.Contains(t, file.WebURL, "main", "src/a%20b.txt")
		forgetest.Contains(t, w.Read(pull), "# Change 1 (#1)", "It is mended.", "- State: open", "- Author: @", "- Branches: ", " into master", "(approved)",
			"## Comments", "Nice.", "## Review comments", "`main.go`, line 10", "Why this?", "Because.")
		if a := pull.Attributes; a["state"] != "open" || a["base"] != "master" || a["head"] == "" || a["title"] != "Change 1" || a["number"] != "1" {
			t.Errorf("got attributes %v", a)
		}
		cut := !strings.Contains(pull.WebURL, "/projects/") // Cloud tells 12 digits of the id of a commit
		if n := len(pull.Attributes["head_sha"]); cut && n != 0 || !cut && n != 40 {
			t.Errorf("got %q as the id of a commit", pull.Attributes["head_sha"])
		}
		if pull.Kind != domain.KindPullRequest || !strings.HasSuffix(pull.WebURL, "/pull-requests/1") || pull.Modified.IsZero() || l.Items["@pulls/2.md"].Attributes["state"] != "merged" {
			t.Errorf("got %+v", pull)
		}
		if len(pull.People) != 2 || pull.People[0].Role != "author" || pull.People[0].ID == "" || pull.People[1].Role != "reviewer" {
			t.Errorf("got people %+v", pull.People)
		}
		if w.Changed(from) {
			t.Error("got a change where there was none")
		}
		w.api.Comment(3, "", "One more.")
		w.api.Pull(11, "New", "")
		w.Repo.Commit("main", gittest.Put("new.txt", "new"))
		if !w.Changed(from) {
			t.Error("got no change after three")
		}
		f := w.Follow(from)
		if got := f.News(l); !slices.Equal(got, []string{"@pulls/11.md", "@pulls/3.md", "new.txt"}) {
			t.Errorf("got %q changed", got)
		}
		forgetest.Contains(t, w.Read(f.Items["@pulls/3.md"]), "One more.")
		if w.Changed(f.Cursor) {
			t.Error("got a change behind the end of the feed")
		}
		w.api.Set(5, bitbuckettest.Object{"state": "DECLINED"}) // open no more
		if g := w.Follow(f.Cursor); !slices.Contains(g.News(l), "@pulls/5.md") {
			t.Errorf("got %q changed, want a pull request that was closed", g.News(l))
		}
		w.SearchCache(token)
	})
}

// TestPoll: an unchanged poll costs conditional calls alone, and a push costs none
// for the files that it changed.
func TestPoll(t *testing.T) {
	t.Parallel()

	for name, polls := range map[string]int{"cloud": 1, "data center": 2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			w := editions[name](t, withPulls)
			w.Put("README.md", "hello")
			w.api.Pull(1, "One", "")
			w.Polled(&w.api.Desk, polls, func() { w.api.Pull(1, "Another one", "") }, func() { w.clock.Turn(7 * time.Hour) })
			files := editions[name](t, nil)
			files.Pushed(&files.api.Desk)
		})
	}
}

// TestLFS: what lies behind pointers.
func TestLFS(t *testing.T) {
	t.Parallel()

	both(t, func(t *testing.T, newWorld func(*testing.T, map[string]any) *world) { newWorld(t, nil).LFS(token) })
}

// TestDeletedPull: a Data Center may lose pull requests, also while they are
// listed; the next listing misses it and nothing else.
func TestDeletedPull(t *testing.T) {
	t.Parallel()

	w := newServer(t, withPulls)
	w.Repo.Commit("main", gittest.Put("README.md", "hello"))
	for n := 1; n <= 12; n++ {
		w.api.Pull(n, "A change", "")
	}
	item := w.Listed().Items["@pulls/2.md"]
	l := forgetest.NewListing()
	err := w.Conn.Snapshot(t.Context(), w.Scope, domain.Cursor{}, onPage(func(p domain.Page) {
		if _ = l.Page(t.Context(), p); l.Items["@pulls/2.md"].Path != nil {
			w.api.DeletePull(2)
		}
	}))
	if err != nil || !l.Complete || len(l.Items) != 1+12 {
		t.Errorf("got %v, %q of a list that moved under its reader, want all of it", err, l.Paths())
	}
	if l := w.Listed(); len(l.Items) != 1+11 || l.Items["@pulls/2.md"].Path != nil {
		t.Errorf("got %q", l.Paths())
	}
	if _, err := w.Conn.Fetch(t.Context(), w.Scope, item.Ref()); !errors.Is(err, domain.ErrGone) {
		t.Errorf("got %v for a pull request that is deleted, want ErrGone", err)
	}
}

// TestTrouble: whatever happens to a page.
func TestTrouble(t *testing.T) {
	t.Parallel()

	for name, tt := range map[string]struct {
		match, later string
		unlike       map[string]error
	}{
		"cloud": {match: "/pullrequests?", later: "id > 4"},
		"data center": {match: "/pull-requests?", later: "start=3", unlike: map[string]error{ // pages that do not join are read from the start
			"a page that comes twice": nil, "a page that comes again, always": domain.ErrTransient,
			"pages in another order": domain.ErrTransient, "half of a page once": domain.ErrPartial,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			forgetest.Trouble(t, func(t *testing.T) forgetest.Paged {
				w := editions[name](t, withPulls)
				for n := 1; n <= 10; n++ {
					w.api.Pull(n, "A change", "")
				}
				return forgetest.Paged{World: w.World, Desk: &w.api.Desk, Match: tt.match, Later: tt.later, Items: 10, Token: token, Hurry: w.hurry}
			}, tt.unlike)
		})
	}
}

// TestHalf: half of the last page is not taken for the end.
func TestHalf(t *testing.T) {
	t.Parallel()

	w := newCloud(t, withPulls)
	w.Put("README.md", "hello")
	for n := 1; n <= 10; n++ {
		w.api.Pull(n, "A change", "")
	}
	w.api.Fail(bitbuckettest.Fault{Match: "id > 8", Halve: true})
	if _, err := w.List(); !errors.Is(err, domain.ErrPartial) {
		t.Errorf("got %v, want ErrPartial", err)
	}
}

// An onPage is told of pages.
type onPage func(domain.Page)

func (f onPage) Page(_ context.Context, p domain.Page) error { f(p); return nil }

package bitbucket_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/confuse/data-connector/connectors/bitbucket/bitbuckettest"
	"github.com/confuse/data-connector/connectors/gitrepo/gittest"
	"github.com/confuse/data-connector/domain"
)

// TestItems: what becomes of files and pull requests, and that the feed tells
// exactly what changed.
func TestItems(t *testing.T) {
	t.Parallel()

	both(t, func(t *testing.T, newWorld func(*testing.T, map[string]any) *world) {
		w := newWorld(t, withPulls)
		w.repo.Commit("main", gittest.Put("src/a b.txt", "hello"), gittest.Put("@pulls/1.md", "not a pull request"))
		for n := 1; n <= 10; n++ {
			w.api.Pull(n, fmt.Sprintf("Change %d", n), "It is mended.")
		}
		w.api.Comment(1, "", "Nice.")
		w.api.Comment(1, "main.go", "Why this?")
		w.api.Reply(1, "Because.")
		w.api.Set(2, bitbuckettest.Object{"state": "MERGED"})
		from := w.start()
		l := w.listed()
		if got := l.failures["@pulls/1.md"]; got != "reserved_path" || len(l.items) != 1+10 {
			t.Errorf("got failures %v and %d items: %q", l.failures, len(l.items), l.paths())
		}
		file, pull := l.items["src/a b.txt"], l.items["@pulls/1.md"]
		contains(t, w.read(file), "hello")
		contains(t, file.WebURL, "main", "src/a%20b.txt")
		contains(t, w.read(pull), "# Change 1 (#1)", "It is mended.", "- State: open", "- Author: @", "- Branches: ", " into master", "(approved)",
			"## Comments", "Nice.", "## Review comments", "`main.go`, line 10", "Why this?", "Because.")
		if a := pull.Attributes; a["state"] != "open" || a["base"] != "master" || a["head"] == "" || a["title"] != "Change 1" || a["number"] != "1" {
			t.Errorf("got attributes %v", a)
		}
		if pull.Kind != domain.KindPullRequest || !strings.HasSuffix(pull.WebURL, "/pull-requests/1") || pull.Modified.IsZero() || l.items["@pulls/2.md"].Attributes["state"] != "merged" {
			t.Errorf("got %+v", pull)
		}
		if len(pull.People) != 2 || pull.People[0].Role != "author" || pull.People[0].ID == "" || pull.People[1].Role != "reviewer" {
			t.Errorf("got people %+v", pull.People)
		}
		if w.changed(from) {
			t.Error("got a change where there was none")
		}
		w.api.Comment(3, "", "One more.")
		w.api.Pull(11, "New", "")
		w.repo.Commit("main", gittest.Put("new.txt", "new"))
		if !w.changed(from) {
			t.Error("got no change after three")
		}
		f := w.follow(from)
		if got := f.news(l); !slices.Equal(got, []string{"@pulls/11.md", "@pulls/3.md", "new.txt"}) {
			t.Errorf("got %q changed", got)
		}
		contains(t, w.read(f.items["@pulls/3.md"]), "One more.")
		if w.changed(f.cursor) {
			t.Error("got a change behind the end of the feed")
		}
		w.api.Set(5, bitbuckettest.Object{"state": "DECLINED"}) // open no more
		if g := w.follow(f.cursor); !slices.Contains(g.news(l), "@pulls/5.md") {
			t.Errorf("got %q changed, want a pull request that was closed", g.news(l))
		}
		w.searchCache(token)
	})
}

// searchCache wants no file of the cache to hold a secret (I7).
func (w *world) searchCache(secret string) {
	w.t.Helper()
	seen := 0
	err := filepath.WalkDir(w.scope.Cache, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if seen++; strings.Contains(string(b), secret) {
			w.t.Errorf("%s holds the token", path)
		}
		return err
	})
	if err != nil || seen < 5 {
		w.t.Errorf("got %d files in the cache, %v", seen, err)
	}
}

// TestCalls: an unchanged poll costs conditional calls alone, and files cost none.
func TestCalls(t *testing.T) {
	t.Parallel()

	for name, polls := range map[string]int{"cloud": 1, "data center": 2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			w := editions[name](t, withPulls)
			w.repo.Commit("main", gittest.Put("README.md", "hello"))
			w.api.Pull(1, "One", "")
			from := w.start()
			w.api.Calls()
			if w.changed(from) {
				t.Error("got a change where there was none")
			}
			calls := w.api.Calls()
			for _, c := range calls {
				if c.Status != http.StatusNotModified {
					t.Errorf("got %+v, want 304", c)
				}
			}
			if len(calls) != polls {
				t.Errorf("got %v, want %d calls", calls, polls)
			}
			files := editions[name](t, nil)
			files.repo.Commit("main", gittest.Put("README.md", "hello"))
			from = files.start()
			files.listed()
			files.repo.Commit("main", gittest.Put("README.md", "changed"))
			files.api.Calls()
			f := files.follow(from)
			if got := files.read(f.items["README.md"]); got != "changed" {
				t.Errorf("got %q", got)
			}
			if calls := files.api.Calls(); len(calls) != 1 || calls[0].Status != http.StatusNotModified {
				t.Errorf("got %v for a push, want one conditional call for the repository", calls)
			}
		})
	}
}

// TestDeletedPull: a Data Center may lose pull requests, also while they are
// listed; the next listing misses it and nothing else.
func TestDeletedPull(t *testing.T) {
	t.Parallel()

	w := newServer(t, withPulls)
	w.repo.Commit("main", gittest.Put("README.md", "hello"))
	for n := 1; n <= 12; n++ {
		w.api.Pull(n, "A change", "")
	}
	item := w.listed().items["@pulls/2.md"]
	l := newListing()
	err := w.conn.Snapshot(t.Context(), w.scope, domain.Cursor{}, onPage(func(p domain.Page) {
		if _ = l.Page(t.Context(), p); l.items["@pulls/2.md"].Path != nil {
			w.api.DeletePull(2)
		}
	}))
	if err != nil || !l.complete || len(l.items) != 1+12 {
		t.Errorf("got %v, %q of a list that moved under its reader, want all of it", err, l.paths())
	}
	if l := w.listed(); len(l.items) != 1+11 || l.items["@pulls/2.md"].Path != nil {
		t.Errorf("got %q", l.paths())
	}
	if _, err := w.conn.Fetch(t.Context(), w.scope, item.Ref()); !errors.Is(err, domain.ErrGone) {
		t.Errorf("got %v for a pull request that is deleted, want ErrGone", err)
	}
}

// TestPageFaults: whatever happens to a page, a listing that says it is complete
// has everything.
func TestPageFaults(t *testing.T) {
	t.Parallel()

	limited := new(domain.RateLimitedError)
	for name, tt := range map[string]struct {
		edition string
		fault   bitbuckettest.Fault
		err     error // nil: the listing comes to its end
	}{
		"429 without a time":           {"cloud", bitbuckettest.Fault{Match: "/pullrequests?", Status: 429}, limited},
		"429 with a date":              {"data center", bitbuckettest.Fault{Match: "/pull-requests?", Status: 429, Header: http.Header{"Retry-After": {"Sun, 01 Mar 2026 12:05:00 GMT"}}}, limited},
		"5xx once":                     {"cloud", bitbuckettest.Fault{Match: "id > 4", Status: 502, Times: 1}, nil},
		"5xx for good":                 {"data center", bitbuckettest.Fault{Match: "start=3", Status: 502}, domain.ErrTransient},
		"401 in the middle":            {"cloud", bitbuckettest.Fault{Match: "id > 4", Status: 401}, domain.ErrUnauthorized},
		"filter refused":               {"cloud", bitbuckettest.Fault{Match: "id > 4", Status: 400}, domain.ErrPartial},
		"another order":                {"cloud", bitbuckettest.Fault{Match: "id > ", Shuffle: true}, domain.ErrPartial},
		"pages that do not join":       {"data center", bitbuckettest.Fault{Match: "start=3", Shuffle: true}, domain.ErrTransient},
		"an empty page once":           {"cloud", bitbuckettest.Fault{Match: "id > 4", Empty: true, Times: 1}, nil},
		"an empty page once, by place": {"data center", bitbuckettest.Fault{Match: "start=3", Empty: true, Times: 1}, nil},
		"empty pages for good":         {"cloud", bitbuckettest.Fault{Match: "id > 4", Empty: true}, domain.ErrPartial},
		"half of a page once":          {"cloud", bitbuckettest.Fault{Match: "id > 4", Halve: true, Times: 1}, nil},
		"half of the last page":        {"cloud", bitbuckettest.Fault{Match: "id > 8", Halve: true}, domain.ErrPartial},
		"half of a page, by place":     {"data center", bitbuckettest.Fault{Match: "start=3", Halve: true}, domain.ErrPartial},
		"cut in the middle":            {"cloud", bitbuckettest.Fault{Match: "id > 4", Cut: true}, domain.ErrTransient},
		"cut, by place":                {"data center", bitbuckettest.Fault{Match: "start=3", Cut: true}, domain.ErrTransient},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			w := editions[tt.edition](t, withPulls)
			w.repo.Commit("main", gittest.Put("README.md", "hello"))
			for n := 1; n <= 10; n++ {
				w.api.Pull(n, "A change", "")
			}
			w.api.Fail(tt.fault)
			l, err := w.list()
			if errors.As(tt.err, &limited) {
				var got *domain.RateLimitedError
				if !errors.As(err, &got) {
					t.Errorf("got %v, want a limit", err)
				}
			} else if !errors.Is(err, tt.err) {
				t.Errorf("got %v, want %v", err, tt.err)
			}
			if l.complete && len(l.items) != 11 {
				t.Errorf("got a complete listing of %d items, want 11: %q", len(l.items), l.paths())
			}
			if err != nil && strings.Contains(err.Error(), token) {
				t.Errorf("got the token in %q", err)
			}
		})
	}
}

// An onPage is told of pages.
type onPage func(domain.Page)

func (f onPage) Page(_ context.Context, p domain.Page) error { f(p); return nil }

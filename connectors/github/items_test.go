package github_test

import (
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/confuse/data-connector/connectors/github/githubtest"
	"github.com/confuse/data-connector/connectors/gitrepo/gittest"
	"github.com/confuse/data-connector/domain"
)

// TestItems: what becomes of each kind of item, and that the feed tells exactly
// what changed.
func TestItems(t *testing.T) {
	t.Parallel()

	w := newWorld(t, everything())
	w.repo.Commit("main", gittest.Put("README.md", "hello"), gittest.Put("@issues/1.md", "not an issue"))
	w.fill(5)
	w.api.Set(101, githubtest.Object{"merged_at": "2026-01-06T10:00:00Z", "state": "closed"})
	from := w.start()
	l := w.listed()
	if got := l.failures["@issues/1.md"]; got != "reserved_path" || len(l.items) != 1+4*5+2 {
		t.Errorf("got failures %v and %d items: %q", l.failures, len(l.items), l.paths())
	}
	for path, kind := range map[string]domain.FileKind{
		"README.md": "", "@issues/1.md": domain.KindIssue, "@pulls/101.md": domain.KindPullRequest, "@releases/901.md": domain.KindDocument,
		"@discussions/201.md": domain.KindCommentThread, "@wiki/Home.md": domain.KindWikiPage,
	} {
		if item := l.items[path]; item.Kind != kind || item.WebURL == "" {
			t.Errorf("%s: got kind %q, address %q", path, item.Kind, item.WebURL)
		}
	}
	issue, pull := l.items["@issues/1.md"], l.items["@pulls/101.md"]
	contains(t, w.read(issue), "# Issue 1 (#1)", "It is broken.", "- Author: @Codertocat", "- Labels: bug", "## Comments", "Me too.")
	contains(t, w.read(pull), "# Change 1 (#101)", "- State: merged", "## Reviews", "Looks good.", "## Review comments", "Why this?", "Nice.")
	contains(t, w.read(l.items["@releases/901.md"]), "# Release v1.1", "News.")
	contains(t, w.read(l.items["@discussions/201.md"]), "# Idea 1 (#201)", "- Category: Ideas", "Yes.", "No.")
	contains(t, w.read(l.items["@wiki/Home.md"]), "Welcome.")
	if a := pull.Attributes; a["state"] != "merged" || a["base"] == "" || a["head"] == "" || a["title"] != "Change 1" || a["number"] != "101" {
		t.Errorf("got attributes %v", a)
	}
	if len(issue.People) == 0 || issue.People[0].Role != "author" || issue.People[0].ID == "" || strings.Contains(issue.Attributes["author"], "Codertocat") {
		t.Errorf("got people %+v", issue.People)
	}
	if w.changed(from) {
		t.Error("got a change where there was none")
	}
	w.api.Comment(2, "One more.")
	w.api.Reply(202, "One more.", "And one.")
	w.api.Release(906, "v2", "Big news.")
	if !w.changed(from) {
		t.Error("got no change after three")
	}
	f := w.follow(from)
	var news []string
	for path, item := range f.items {
		if item.Version != l.items[path].Version {
			news = append(news, path)
		}
	}
	if slices.Sort(news); !slices.Equal(news, []string{"@discussions/202.md", "@issues/2.md", "@releases/906.md"}) {
		t.Errorf("got %q changed", news)
	}
	if w.changed(f.cursor) {
		t.Error("got a change behind the end of the feed")
	}
	w.searchCache(token)
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

// TestPoll: an unchanged poll costs one call for each kind, which GitHub does not
// count, and none for files.
func TestPoll(t *testing.T) {
	t.Parallel()

	w := newWorld(t, map[string]any{"indexIssues": true, "indexPRs": true, "indexReleases": true})
	w.repo.Commit("main", gittest.Put("README.md", "hello"))
	w.api.Issue(1, "One", "")
	w.api.Pull(2, "Two", "")
	w.api.Release(3, "v3", "")
	from := w.start()
	w.api.Calls()
	if w.changed(from) {
		t.Error("got a change where there was none")
	}
	calls := w.api.Calls()
	if len(calls) != 3 {
		t.Errorf("got %d calls for three kinds: %v", len(calls), calls)
	}
	for _, c := range calls {
		if c.Status != http.StatusNotModified {
			t.Errorf("got %+v, want 304", c)
		}
	}
	files := newWorld(t, nil)
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
}

// TestDeletedItems: a deleted or transferred issue is gone from the next listing,
// a deleted release leads to one.
func TestDeletedItems(t *testing.T) {
	t.Parallel()

	w := newWorld(t, map[string]any{"indexIssues": true, "indexReleases": true})
	w.repo.Commit("main", gittest.Put("README.md", "hello"))
	for n := 1; n <= 9; n++ {
		w.api.Issue(n, "An issue", "")
	}
	w.api.Release(3, "v3", "")
	w.api.Release(4, "v4", "")
	item := w.listed().items["@issues/5.md"]
	from := w.start()
	w.api.DeleteIssue(5)
	if l := w.listed(); len(l.items) != 1+8+2 || l.items["@issues/5.md"].Path != nil {
		t.Errorf("got %q", l.paths())
	}
	if _, err := w.conn.Fetch(t.Context(), w.scope, item.Ref()); !errors.Is(err, domain.ErrGone) {
		t.Errorf("got %v for an issue that is deleted, want ErrGone", err)
	}
	w.api.DeleteRelease(3)
	if err := w.conn.Changes(t.Context(), w.scope, from, newListing()); !errors.Is(err, domain.ErrCursorReset) {
		t.Errorf("got %v after a release was deleted, want ErrCursorReset", err)
	}
}

// TestPageFaults: whatever happens to a page, a listing that says it is complete
// has everything.
func TestPageFaults(t *testing.T) {
	t.Parallel()

	for name, tt := range map[string]struct {
		fault githubtest.Fault
		err   error // nil: the listing comes to its end
	}{
		"429 without a time":       {githubtest.Fault{Match: "/pulls?", Status: 429}, new(domain.RateLimitedError)},
		"secondary limit":          {githubtest.Fault{Match: "/issues?", Status: 403, Header: http.Header{"Retry-After": {"60"}}}, new(domain.RateLimitedError)},
		"5xx once":                 {githubtest.Fault{Match: "&page=2", Status: 502, Times: 1}, nil},
		"5xx for good":             {githubtest.Fault{Match: "&page=2", Status: 502}, domain.ErrTransient},
		"401 in the middle":        {githubtest.Fault{Match: "&page=2", Status: 401}, domain.ErrUnauthorized},
		"paging refused":           {githubtest.Fault{Match: "&page=2", Status: 422}, domain.ErrPartial},
		"pulls in another order":   {githubtest.Fault{Match: "/pulls?", Shuffle: true}, domain.ErrPartial},
		"issues in another order":  {githubtest.Fault{Match: "/issues?", Shuffle: true}, domain.ErrPartial},
		"an empty page once":       {githubtest.Fault{Match: "/pulls?", Empty: true, Times: 1}, nil},
		"empty pages for good":     {githubtest.Fault{Match: "/issues?", Empty: true}, domain.ErrPartial},
		"half of a page once":      {githubtest.Fault{Match: "/pulls?", Halve: true, Times: 1}, nil},
		"cut in the middle":        {githubtest.Fault{Match: "/issues?", Cut: true}, domain.ErrTransient},
		"cut once, then answered":  {githubtest.Fault{Match: "/repos/octo/hello?", Status: 503, Times: 1}, nil},
		"secondary limit, no time": {githubtest.Fault{Match: "/issues?", Status: 429}, new(domain.RateLimitedError)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			w := newWorld(t, map[string]any{"indexIssues": true, "indexPRs": true})
			w.repo.Commit("main", gittest.Put("README.md", "hello"))
			for n := 1; n <= 10; n++ {
				w.api.Issue(n, "An issue", "")
				w.api.Pull(100+n, "A change", "")
			}
			w.api.Fail(tt.fault)
			l, err := w.list()
			var limited *domain.RateLimitedError
			if errors.As(tt.err, &limited) {
				if !errors.As(err, &limited) {
					t.Errorf("got %v, want a limit", err)
				}
			} else if !errors.Is(err, tt.err) {
				t.Errorf("got %v, want %v", err, tt.err)
			}
			if l.complete && len(l.items) != 21 {
				t.Errorf("got a complete listing of %d items, want 21: %q", len(l.items), l.paths())
			}
			if err != nil && strings.Contains(err.Error(), token) {
				t.Errorf("got the token in %q", err)
			}
		})
	}
}

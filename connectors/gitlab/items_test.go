package gitlab_test

import (
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/confuse/data-connector/connectors/gitlab/gitlabtest"
	"github.com/confuse/data-connector/connectors/gitrepo/forge/forgetest"
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
	w.api.Set(101, gitlabtest.Object{"merged_at": "2026-01-06T10:00:00.000Z", "state": "merged"})
	from := w.start()
	l := w.listed()
	if got := l.Failures["@issues/1.md"]; got != "reserved_path" || len(l.Items) != 1+4*5+2 {
		t.Errorf("got failures %v and %d items: %q", l.Failures, len(l.Items), l.Paths())
	}
	for path, kind := range map[string]domain.FileKind{
		"README.md": "", "@issues/1.md": domain.KindIssue, "@merge_requests/101.md": domain.KindPullRequest, "@releases/rel%2Fv1.1.md": domain.KindDocument,
		"@snippets/301.md": domain.KindDocument, "@wiki/home.md": domain.KindWikiPage,
	} {
		if item := l.Items[path]; item.Kind != kind || !strings.Contains(item.WebURL, "/group/sub/hello/-/") {
			t.Errorf("%s: got kind %q, address %q", path, item.Kind, item.WebURL)
		}
	}
	issue, merge := l.Items["@issues/1.md"], l.Items["@merge_requests/101.md"]
	contains(t, w.read(issue), "# Issue 1 (#1)", "It is broken.", "- Author: @solon.cremin", "- Labels: bug", "## Discussion", "Me too.")
	contains(t, w.read(merge), "# Change 1 (!101)", "- State: merged", "Nice.", "### `main.go`, line 12", "Why this?", "Because.", "- Reviewers: @tkuah")
	if strings.Contains(w.read(merge), "added 1 commit") {
		t.Error("got what GitLab says by itself among the comments")
	}
	contains(t, w.read(l.Items["@releases/rel%2Fv1.1.md"]), "# Release rel/v1.1", "News.", "- awesome-v0.2.msi")
	contains(t, w.read(l.Items["@snippets/301.md"]), "# Snippet 1 ($301)", "## a.rb\n\n```\nputs 1\n```\n", "## b.md\n\n````\n```go\nx\n```\n````\n")
	contains(t, w.read(l.Items["@wiki/home.md"]), "Welcome.")
	if a := merge.Attributes; a["state"] != "merged" || a["base"] == "" || a["head"] == "" || a["title"] != "Change 1" || a["number"] != "101" {
		t.Errorf("got attributes %v", a)
	}
	if len(issue.People) == 0 || issue.People[0].Role != "author" || issue.People[0].ID == "" {
		t.Errorf("got people %+v", issue.People)
	}
	if w.changed(from) {
		t.Error("got a change where there was none")
	}
	w.api.Comment(2, "One more.", nil)
	w.api.Snippet(302, "Snippet 2", map[string]string{"a.rb": "puts 2"})
	w.api.Release("v2", "Big news.")
	if !w.changed(from) {
		t.Error("got no change after three")
	}
	f := w.follow(from)
	var news []string
	for path, item := range f.Items {
		if item.Version != l.Items[path].Version {
			news = append(news, path)
		}
	}
	if slices.Sort(news); !slices.Equal(news, []string{"@issues/2.md", "@releases/v2.md", "@snippets/302.md"}) {
		t.Errorf("got %q changed", news)
	}
	if w.changed(f.Cursor) {
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

// TestPoll: an unchanged poll costs one call for each kind, answered by 304, and none for files.
func TestPoll(t *testing.T) {
	t.Parallel()

	w := newWorld(t, map[string]any{"indexIssues": true, "indexMRs": true, "indexReleases": true})
	w.repo.Commit("main", gittest.Put("README.md", "hello"))
	w.api.Issue(1, "One", "")
	w.api.MergeRequest(2, "Two", "")
	w.api.Release("v3", "")
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
	if got := files.read(f.Items["README.md"]); got != "changed" {
		t.Errorf("got %q", got)
	}
	if calls := files.api.Calls(); len(calls) != 1 || calls[0].Status != http.StatusNotModified {
		t.Errorf("got %v for a push, want one conditional call for the repository", calls)
	}
}

// TestDeletedItems: a deleted or moved issue is gone from the next listing,
// a deleted release leads to one.
func TestDeletedItems(t *testing.T) {
	t.Parallel()

	w := newWorld(t, map[string]any{"indexIssues": true, "indexReleases": true})
	w.repo.Commit("main", gittest.Put("README.md", "hello"))
	for n := 1; n <= 9; n++ {
		w.api.Issue(n, "An issue", "")
	}
	w.api.Release("v3", "")
	w.api.Release("v4", "")
	item := w.listed().Items["@issues/5.md"]
	from := w.start()
	w.api.Delete(5)
	if l := w.listed(); len(l.Items) != 1+8+2 || l.Items["@issues/5.md"].Path != nil {
		t.Errorf("got %q", l.Paths())
	}
	if _, err := w.conn.Fetch(t.Context(), w.scope, item.Ref()); !errors.Is(err, domain.ErrGone) {
		t.Errorf("got %v for an issue that is deleted, want ErrGone", err)
	}
	w.api.DeleteRelease("v3")
	if err := w.conn.Changes(t.Context(), w.scope, from, forgetest.NewListing()); !errors.Is(err, domain.ErrCursorReset) {
		t.Errorf("got %v after a release was deleted, want ErrCursorReset", err)
	}
}

// TestPageFaults: whatever happens to a page, a listing that says it is complete
// has everything.
func TestPageFaults(t *testing.T) {
	t.Parallel()

	for name, tt := range map[string]struct {
		fault gitlabtest.Fault
		err   error // nil: the listing comes to its end
	}{
		"429 without a time":              {gitlabtest.Fault{Match: "/merge_requests?", Status: 429}, new(domain.RateLimitedError)},
		"secondary limit":                 {gitlabtest.Fault{Match: "/issues?", Status: 403, Header: http.Header{"Retry-After": {"60"}}}, new(domain.RateLimitedError)},
		"5xx once":                        {gitlabtest.Fault{Match: "updated_after=", Status: 502, Times: 1}, nil},
		"5xx for good":                    {gitlabtest.Fault{Match: "updated_after=", Status: 502}, domain.ErrTransient},
		"401 in the middle":               {gitlabtest.Fault{Match: "updated_after=", Status: 401}, domain.ErrUnauthorized},
		"paging refused":                  {gitlabtest.Fault{Match: "updated_after=", Status: 400}, domain.ErrPartial},
		"merge requests in another order": {gitlabtest.Fault{Match: "/merge_requests?", Shuffle: true}, domain.ErrPartial},
		"issues in another order":         {gitlabtest.Fault{Match: "/issues?", Shuffle: true}, domain.ErrPartial},
		"an empty page once":              {gitlabtest.Fault{Match: "/merge_requests?", Empty: true, Times: 1}, nil},
		"empty pages for good":            {gitlabtest.Fault{Match: "/issues?", Empty: true}, domain.ErrPartial},
		"half of a page once":             {gitlabtest.Fault{Match: "/merge_requests?", Halve: true, Times: 1}, nil},
		"cut in the middle":               {gitlabtest.Fault{Match: "/issues?", Cut: true}, domain.ErrTransient},
		"cut once, then answered":         {gitlabtest.Fault{Match: "/projects/group", Status: 503, Times: 1}, nil},
		"secondary limit, no time":        {gitlabtest.Fault{Match: "/issues?", Status: 429}, new(domain.RateLimitedError)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			w := newWorld(t, map[string]any{"indexIssues": true, "indexMRs": true})
			w.repo.Commit("main", gittest.Put("README.md", "hello"))
			for n := 1; n <= 10; n++ {
				w.api.Issue(n, "An issue", "")
				w.api.MergeRequest(100+n, "A change", "")
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
			if l.Complete && len(l.Items) != 21 {
				t.Errorf("got a complete listing of %d items, want 21: %q", len(l.Items), l.Paths())
			}
			if err != nil && strings.Contains(err.Error(), token) {
				t.Errorf("got the token in %q", err)
			}
		})
	}
}

// TestConfidential: what is confidential is not read unless that is asked for, and
// goes when it becomes so.
func TestConfidential(t *testing.T) {
	t.Parallel()

	w := newWorld(t, map[string]any{"indexIssues": true})
	w.repo.Commit("main", gittest.Put("README.md", "hello"))
	w.api.Issue(1, "Open", "")
	w.api.Issue(2, "Secret", "")
	w.api.Set(2, gitlabtest.Object{"confidential": true})
	w.api.Comment(1, "For all.", nil)
	w.api.Comment(1, "For few.", gitlabtest.Object{"internal": true})
	from, l := w.start(), w.listed()
	if got := l.Paths(); !slices.Equal(got, []string{"@issues/1.md", "README.md"}) {
		t.Errorf("got %q", got)
	}
	if text := w.read(l.Items["@issues/1.md"]); strings.Contains(text, "For few.") || !strings.Contains(text, "For all.") {
		t.Errorf("got %s", text)
	}
	if _, err := w.conn.Fetch(t.Context(), w.scope, domain.ItemRef{Path: []byte("@issues/2.md")}); !errors.Is(err, domain.ErrGone) {
		t.Errorf("got %v for a confidential issue, want ErrGone", err)
	}
	w.api.Set(1, gitlabtest.Object{"confidential": true})
	if f := w.follow(from); !f.Deleted["@issues/1.md"] {
		t.Errorf("got %v told, want the issue that became confidential gone", f.Deleted)
	}
	all := newWorld(t, map[string]any{"indexIssues": true, "indexConfidential": true})
	all.repo.Commit("main", gittest.Put("README.md", "hello"))
	all.api.Issue(2, "Secret", "")
	all.api.Set(2, gitlabtest.Object{"confidential": true})
	all.api.Comment(2, "For few.", gitlabtest.Object{"internal": true})
	contains(t, all.read(all.listed().Items["@issues/2.md"]), "# Secret", "For few.")
}

// TestSwitchedOff: a project without a part has nothing there, and that is no
// trouble.
func TestSwitchedOff(t *testing.T) {
	t.Parallel()

	w := newWorld(t, everything())
	w.repo.Commit("main", gittest.Put("README.md", "hello"))
	off := gitlabtest.Object{}
	for _, part := range []string{"issues", "merge_requests", "releases", "snippets", "wiki"} {
		off[part+"_access_level"] = "disabled"
	}
	w.api.Project(off)
	from := w.start()
	if l := w.listed(); !slices.Equal(l.Paths(), []string{"README.md"}) || w.changed(from) {
		t.Errorf("got %q", l.Paths())
	}
}

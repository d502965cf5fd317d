package gitlab_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

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
	w.Repo.Commit("main", gittest.Put("README.md", "hello"), gittest.Put("@issues/1.md", "not an issue"))
	w.fill(5)
	w.api.Set(101, gitlabtest.Object{"merged_at": "2026-01-06T10:00:00.000Z", "state": "merged"})
	from := w.Start()
	l := w.Listed()
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
	forgetest.Contains(t, w.Read(issue), "# Issue 1 (#1)", "It is broken.", "- Author: @solon.cremin", "- Labels: bug", "## Discussion", "Me too.")
	forgetest.Contains(t, w.Read(merge), "# Change 1 (!101)", "- State: merged", "Nice.", "### `main.go`, line 12", "Why this?", "Because.", "- Reviewers: @tkuah", "- Milestone: v2.0")
	if strings.Contains(w.Read(merge), "added 1 commit") {
		t.Error("got what GitLab says by itself among the comments")
	}
	forgetest.Contains(t, w.Read(l.Items["@releases/rel%2Fv1.1.md"]), "# Release rel/v1.1", "News.", "- awesome-v0.2.msi")
	forgetest.Contains(t, w.Read(l.Items["@snippets/301.md"]), "# Snippet 1 ($301)", "## a.rb\n\n```\nputs 1\n```\n", "## b.md\n\n````\n```go\nx\n```\n````\n")
	forgetest.Contains(t, w.Read(l.Items["@wiki/home.md"]), "Welcome.")
	if a := merge.Attributes; a["state"] != "merged" || a["base"] == "" || a["head"] == "" || a["head_sha"] == "" || a["title"] != "Change 1" || a["number"] != "101" {
		t.Errorf("got attributes %v", a)
	}
	if len(issue.People) == 0 || issue.People[0].Role != "author" || issue.People[0].ID == "" {
		t.Errorf("got people %+v", issue.People)
	}
	if w.Changed(from) {
		t.Error("got a change where there was none")
	}
	w.api.Comment(2, "One more.", nil)
	w.api.Snippet(302, "Snippet 2", map[string]string{"a.rb": "puts 2"})
	w.api.Release("v2", "Big news.")
	if !w.Changed(from) {
		t.Error("got no change after three")
	}
	f := w.Follow(from)
	var news []string
	for path, item := range f.Items {
		if item.Version != l.Items[path].Version {
			news = append(news, path)
		}
	}
	if slices.Sort(news); !slices.Equal(news, []string{"@issues/2.md", "@releases/v2.md", "@snippets/302.md"}) {
		t.Errorf("got %q changed", news)
	}
	if w.Changed(f.Cursor) {
		t.Error("got a change behind the end of the feed")
	}
	w.SearchCache(token)
}

// TestPoll: an unchanged poll costs one call for each kind, answered by 304, and none
// for files; a push costs none for what it changed.
func TestPoll(t *testing.T) {
	t.Parallel()

	w := newWorld(t, map[string]any{"indexIssues": true, "indexMRs": true, "indexReleases": true})
	w.Put("README.md", "hello")
	w.api.Issue(1, "One", "")
	w.api.MergeRequest(2, "Two", "")
	w.api.Release("v3", "")
	w.Polled(&w.api.Desk, 3, func() { w.api.Issue(1, "Another one", "") }, func() { w.clock.Turn(7 * time.Hour) })
	files := newWorld(t, nil)
	files.Pushed(&files.api.Desk)
}

// TestOneSecond: changes of one second, more than a page of them, are all listed:
// GitLab can be asked for whole seconds alone.
func TestOneSecond(t *testing.T) {
	t.Parallel()

	w := newWorld(t, map[string]any{"indexIssues": true})
	w.Put("README.md", "hello")
	w.api.Every(30 * time.Millisecond)
	for n := 1; n <= 40; n++ {
		w.api.Issue(n, "An issue", "")
	}
	if l := w.Listed(); len(l.Items) != 41 {
		t.Errorf("got %d items, want 40 issues and a file", len(l.Items))
	}
}

// TestLFS: what lies behind pointers.
func TestLFS(t *testing.T) {
	t.Parallel()

	newWorld(t, nil).LFS(token)
}

// TestWiki: pages are told one by one as they change, behind the first listing.
func TestWiki(t *testing.T) {
	t.Parallel()

	w := newWorld(t, map[string]any{"indexWiki": true})
	w.Wiki("group/sub/hello.wiki")
}

// TestFields: labels, milestone, draft and who has a part in it are told with the item.
func TestFields(t *testing.T) {
	t.Parallel()

	w := newWorld(t, map[string]any{"indexIssues": true, "indexMRs": true})
	w.Put("README.md", "hello")
	w.api.Issue(1, "An issue", "")
	w.api.MergeRequest(2, "A change", "")
	w.api.MergeRequest(3, "Not ready", "")
	w.api.Set(3, gitlabtest.Object{"draft": true, "reviewers": []any{}})
	l := w.Listed()
	for path, want := range map[string]struct {
		labels, milestone, draft string
		people                   []domain.Participant
	}{
		"@issues/1.md": {"bug", "", "", []domain.Participant{
			{Role: "author", Person: domain.Person{ID: "10", Name: "Kris Steuber"}},
			{Role: "assignee", Person: domain.Person{ID: "12", Name: "Miss Monserrate Beier"}},
		}},
		"@merge_requests/2.md": {"backend, backstage, database, database::review pending, group::autodevops and kubernetes", "v2.0", "", []domain.Participant{
			{Role: "author", Person: domain.Person{ID: "4088036", Name: "Hordur Freyr Yngvason"}},
			{Role: "assignee", Person: domain.Person{ID: "4088036", Name: "Hordur Freyr Yngvason"}},
			{Role: "reviewer", Person: domain.Person{ID: "2535118", Name: "Thong Kuah"}},
		}},
		"@merge_requests/3.md": {"backend, backstage, database, database::review pending, group::autodevops and kubernetes", "v2.0", "true", []domain.Participant{
			{Role: "author", Person: domain.Person{ID: "4088036", Name: "Hordur Freyr Yngvason"}},
			{Role: "assignee", Person: domain.Person{ID: "4088036", Name: "Hordur Freyr Yngvason"}},
		}},
	} {
		item := l.Items[path]
		if a := item.Attributes; a["labels"] != want.labels || a["milestone"] != want.milestone || a["draft"] != want.draft {
			t.Errorf("%s: got attributes %v, want %+v", path, a, want)
		}
		if !slices.Equal(item.People, want.people) {
			t.Errorf("%s: got people %+v, want %+v", path, item.People, want.people)
		}
	}
}

// TestDeletedItems: a deleted issue is gone from the next listing,
// a deleted release leads to one.
func TestDeletedItems(t *testing.T) {
	t.Parallel()

	w := newWorld(t, map[string]any{"indexIssues": true, "indexReleases": true})
	w.Repo.Commit("main", gittest.Put("README.md", "hello"))
	for n := 1; n <= 9; n++ {
		w.api.Issue(n, "An issue", "")
	}
	w.api.Release("v3", "")
	w.api.Release("v4", "")
	item := w.Listed().Items["@issues/5.md"]
	from := w.Start()
	w.api.Delete(5)
	if l := w.Listed(); len(l.Items) != 1+8+2 || l.Items["@issues/5.md"].Path != nil {
		t.Errorf("got %q", l.Paths())
	}
	if _, err := w.Conn.Fetch(t.Context(), w.Scope, item.Ref()); !errors.Is(err, domain.ErrGone) {
		t.Errorf("got %v for an issue that is deleted, want ErrGone", err)
	}
	w.api.DeleteRelease("v3")
	if err := w.Conn.Changes(t.Context(), w.Scope, from, forgetest.NewListing()); !errors.Is(err, domain.ErrCursorReset) {
		t.Errorf("got %v after a release was deleted, want ErrCursorReset", err)
	}
}

// TestTrouble: whatever happens to a page.
func TestTrouble(t *testing.T) {
	t.Parallel()

	for name, match := range map[string]string{"issues": "/issues?", "merge requests": "/merge_requests?"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			forgetest.Trouble(t, func(t *testing.T) forgetest.Paged {
				w := newWorld(t, map[string]any{"indexIssues": true, "indexMRs": true})
				for n := 1; n <= 10; n++ {
					w.api.Issue(n, "An issue", "")
					w.api.MergeRequest(100+n, "A change", "")
				}
				return forgetest.Paged{World: w.World, Desk: &w.api.Desk, Match: match, Later: "updated_after=", Items: 20, Token: token, Hurry: w.hurry}
			}, nil)
		})
	}
}

// TestConfidential: what is confidential is not read unless that is asked for, and
// goes when it becomes so.
func TestConfidential(t *testing.T) {
	t.Parallel()

	w := newWorld(t, map[string]any{"indexIssues": true})
	w.Repo.Commit("main", gittest.Put("README.md", "hello"))
	w.api.Issue(1, "Open", "")
	w.api.Issue(2, "Secret", "")
	w.api.Set(2, gitlabtest.Object{"confidential": true})
	w.api.Comment(1, "For all.", nil)
	w.api.Comment(1, "For few.", gitlabtest.Object{"internal": true})
	from, l := w.Start(), w.Listed()
	if got := l.Paths(); !slices.Equal(got, []string{"@issues/1.md", "README.md"}) {
		t.Errorf("got %q", got)
	}
	if text := w.Read(l.Items["@issues/1.md"]); strings.Contains(text, "For few.") || !strings.Contains(text, "For all.") {
		t.Errorf("got %s", text)
	}
	if _, err := w.Conn.Fetch(t.Context(), w.Scope, domain.ItemRef{Path: []byte("@issues/2.md")}); !errors.Is(err, domain.ErrGone) {
		t.Errorf("got %v for a confidential issue, want ErrGone", err)
	}
	w.api.Set(1, gitlabtest.Object{"confidential": true})
	if f := w.Follow(from); !f.Deleted["@issues/1.md"] {
		t.Errorf("got %v told, want the issue that became confidential gone", f.Deleted)
	}
	all := newWorld(t, map[string]any{"indexIssues": true, "indexConfidential": true})
	all.Repo.Commit("main", gittest.Put("README.md", "hello"))
	all.api.Issue(2, "Secret", "")
	all.api.Set(2, gitlabtest.Object{"confidential": true})
	all.api.Comment(2, "For few.", gitlabtest.Object{"internal": true})
	forgetest.Contains(t, all.Read(all.Listed().Items["@issues/2.md"]), "# Secret", "For few.")
}

// TestSwitchedOff: a project without a part has nothing there, and that is no
// trouble.
func TestSwitchedOff(t *testing.T) {
	t.Parallel()

	w := newWorld(t, everything())
	w.Repo.Commit("main", gittest.Put("README.md", "hello"))
	off := gitlabtest.Object{}
	for _, part := range []string{"issues", "merge_requests", "releases", "snippets", "wiki"} {
		off[part+"_access_level"] = "disabled"
	}
	w.api.Project(off)
	from := w.Start()
	if l := w.Listed(); !slices.Equal(l.Paths(), []string{"README.md"}) || w.Changed(from) {
		t.Errorf("got %q", l.Paths())
	}
}

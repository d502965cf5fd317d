package github_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/confuse/data-connector/connectors/github/githubtest"
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
	w.api.Set(101, githubtest.Object{"merged_at": "2026-01-06T10:00:00Z", "state": "closed"})
	from := w.Start()
	l := w.Listed()
	if got := l.Failures["@issues/1.md"]; got != "reserved_path" || len(l.Items) != 1+4*5+2 {
		t.Errorf("got failures %v and %d items: %q", l.Failures, len(l.Items), l.Paths())
	}
	for path, kind := range map[string]domain.FileKind{
		"README.md": "", "@issues/1.md": domain.KindIssue, "@pulls/101.md": domain.KindPullRequest, "@releases/901.md": domain.KindDocument,
		"@discussions/201.md": domain.KindCommentThread, "@wiki/Home.md": domain.KindWikiPage,
	} {
		if item := l.Items[path]; item.Kind != kind || item.WebURL == "" {
			t.Errorf("%s: got kind %q, address %q", path, item.Kind, item.WebURL)
		}
	}
	issue, pull := l.Items["@issues/1.md"], l.Items["@pulls/101.md"]
	forgetest.Contains(t, w.Read(issue), "# Issue 1 (#1)", "It is broken.", "- Author: @Codertocat", "- Labels: bug", "## Comments", "Me too.")
	forgetest.Contains(t, w.Read(pull), "# Change 1 (#101)", "- State: merged", "## Reviews", "Looks good.", "## Review comments", "Why this?", "Nice.", "- Reviewers: @octocat", "- Labels: bug", "- Milestone: v1.0")
	forgetest.Contains(t, w.Read(l.Items["@releases/901.md"]), "# Release v1.1", "News.")
	forgetest.Contains(t, w.Read(l.Items["@discussions/201.md"]), "# Idea 1 (#201)", "- Category: Ideas", "Yes.", "No.")
	forgetest.Contains(t, w.Read(l.Items["@wiki/Home.md"]), "Welcome.")
	if a := pull.Attributes; a["state"] != "merged" || a["base"] == "" || a["head"] == "" || a["head_sha"] == "" || a["title"] != "Change 1" || a["number"] != "101" {
		t.Errorf("got attributes %v", a)
	}
	if len(issue.People) == 0 || issue.People[0].Role != "author" || issue.People[0].ID == "" || strings.Contains(issue.Attributes["author"], "Codertocat") {
		t.Errorf("got people %+v", issue.People)
	}
	if w.Changed(from) {
		t.Error("got a change where there was none")
	}
	w.api.Comment(2, "One more.")
	w.api.Reply(202, "One more.", "And one.")
	w.api.Release(906, "v2", "Big news.")
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
	if slices.Sort(news); !slices.Equal(news, []string{"@discussions/202.md", "@issues/2.md", "@releases/906.md"}) {
		t.Errorf("got %q changed", news)
	}
	if w.Changed(f.Cursor) {
		t.Error("got a change behind the end of the feed")
	}
	w.SearchCache(token)
}

// TestPoll: an unchanged poll costs one call for each kind, which GitHub does not
// count, and none for files; a push costs none for what it changed.
func TestPoll(t *testing.T) {
	t.Parallel()

	w := newWorld(t, map[string]any{"indexIssues": true, "indexPRs": true, "indexReleases": true})
	w.Put("README.md", "hello")
	w.api.Issue(1, "One", "")
	w.api.Pull(2, "Two", "")
	w.api.Release(3, "v3", "")
	w.Polled(&w.api.Desk, 3, func() { w.api.Issue(1, "Another one", "") }, func() { w.clock.Turn(7 * time.Hour) })
	files := newWorld(t, nil)
	files.Pushed(&files.api.Desk)
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
	w.api.HasWiki()
	w.Wiki("octo/hello.wiki")
}

// TestFields: labels, milestone, draft and who has a part in it are told with the item.
func TestFields(t *testing.T) {
	t.Parallel()

	w := newWorld(t, map[string]any{"indexIssues": true, "indexPRs": true})
	w.Put("README.md", "hello")
	w.api.Issue(1, "An issue", "")
	w.api.Pull(2, "A change", "")
	w.api.Pull(3, "Not ready", "")
	w.api.Set(3, githubtest.Object{"draft": true, "requested_reviewers": []any{}})
	l := w.Listed()
	for path, want := range map[string]struct {
		labels, milestone, draft string
		people                   []domain.Participant
	}{
		"@issues/1.md": {"bug", "v1.0", "", []domain.Participant{
			{Role: "author", Person: domain.Person{ID: "21031067", Name: "Codertocat"}},
			{Role: "assignee", Person: domain.Person{ID: "21031067", Name: "Codertocat"}},
		}},
		"@pulls/2.md": {"bug", "v1.0", "", []domain.Participant{
			{Role: "author", Person: domain.Person{ID: "21031067", Name: "Codertocat"}},
			{Role: "reviewer", Person: domain.Person{ID: "1", Name: "octocat"}},
		}},
		"@pulls/3.md": {"bug", "v1.0", "true", []domain.Participant{
			{Role: "author", Person: domain.Person{ID: "21031067", Name: "Codertocat"}},
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

// TestDeletedItems: a deleted or transferred issue is gone from the next listing,
// a deleted release leads to one.
func TestDeletedItems(t *testing.T) {
	t.Parallel()

	w := newWorld(t, map[string]any{"indexIssues": true, "indexReleases": true})
	w.Repo.Commit("main", gittest.Put("README.md", "hello"))
	for n := 1; n <= 9; n++ {
		w.api.Issue(n, "An issue", "")
	}
	w.api.Release(3, "v3", "")
	w.api.Release(4, "v4", "")
	before := w.Listed()
	item := before.Items["@issues/5.md"]
	from := w.Start()
	w.api.DeleteIssue(5)
	if l := w.Listed(); len(l.Items) != 1+8+2 || l.Items["@issues/5.md"].Path != nil {
		t.Errorf("got %q", l.Paths())
	}
	if _, err := w.Conn.Fetch(t.Context(), w.Scope, item.Ref()); !errors.Is(err, domain.ErrGone) {
		t.Errorf("got %v for an issue that is deleted, want ErrGone", err)
	}
	w.api.TransferIssue(6, 3)
	w.api.TransferIssue(7, 7) // to where it gets the same number
	for _, path := range []string{"@issues/6.md", "@issues/7.md"} {
		if _, err := w.Conn.Fetch(t.Context(), w.Scope, before.Items[path].Ref()); !errors.Is(err, domain.ErrGone) {
			t.Errorf("%s: got %v for an issue that was transferred, want ErrGone", path, err)
		}
	}
	if l := w.Listed(); len(l.Items) != 1+6+2 {
		t.Errorf("got %q behind a transfer", l.Paths())
	}
	w.api.Rename("Octo", "renamed") // the cache knows the old name alone
	if text := w.Read(before.Items["@issues/8.md"]); !strings.Contains(text, "An issue (#8)") {
		t.Errorf("got %q of a repository that was renamed", text)
	}
	w.api.Rename("octo", "hello")
	w.api.DeleteRelease(3)
	if err := w.Conn.Changes(t.Context(), w.Scope, from, forgetest.NewListing()); !errors.Is(err, domain.ErrCursorReset) {
		t.Errorf("got %v after a release was deleted, want ErrCursorReset", err)
	}
}

// TestTrouble: whatever happens to a page.
func TestTrouble(t *testing.T) {
	t.Parallel()

	for name, tt := range map[string]struct {
		match, later string
		unlike       map[string]error
	}{
		"issues": {match: "/issues?", later: "since=2026"},
		"pulls":  {match: "/pulls?", later: "page=2", unlike: map[string]error{"a page that comes twice": nil}}, // it is read again
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			forgetest.Trouble(t, func(t *testing.T) forgetest.Paged {
				w := newWorld(t, map[string]any{"indexIssues": true, "indexPRs": true})
				for n := 1; n <= 10; n++ {
					w.api.Issue(n, "An issue", "")
					w.api.Pull(100+n, "A change", "")
				}
				return forgetest.Paged{World: w.World, Desk: &w.api.Desk, Match: tt.match, Later: tt.later, Items: 20, Token: token, Hurry: w.hurry}
			}, tt.unlike)
		})
	}
}

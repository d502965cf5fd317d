package gitrepo_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/confuse/data-connector/connectors/gitrepo"
	"github.com/confuse/data-connector/connectors/gitrepo/gittest"
	"github.com/confuse/data-connector/domain"
)

func TestHead(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	one := w.repo.Commit("main", gittest.Put("a", "1"))
	two := w.repo.Commit("feature/x", gittest.Put("b", "2"))
	w.repo.Git("tag", "v1", one)
	w.repo.Git("tag", "-a", "-m", "a tag", "v2", two)
	w.repo.Git("update-ref", "refs/tags/main", two) // a tag named like a branch
	tests := map[string]struct {
		ref  string
		want gitrepo.Head
		err  error
	}{
		"default branch":  {"", gitrepo.Head{Ref: "refs/heads/main", Commit: one}, nil},
		"branch":          {"feature/x", gitrepo.Head{Ref: "refs/heads/feature/x", Commit: two}, nil},
		"branch, not tag": {"main", gitrepo.Head{Ref: "refs/heads/main", Commit: one}, nil},
		"tag":             {"v1", gitrepo.Head{Ref: "refs/tags/v1", Commit: one}, nil},
		"annotated tag":   {"v2", gitrepo.Head{Ref: "refs/tags/v2", Commit: two}, nil},
		"full name":       {"refs/tags/main", gitrepo.Head{Ref: "refs/tags/main", Commit: two}, nil},
		"commit":          {two, gitrepo.Head{Commit: two}, nil},
		"no such branch":  {"gone", gitrepo.Head{}, domain.ErrGone},
		"part of a name":  {"x", gitrepo.Head{}, domain.ErrGone},
	}
	for name, tt := range both(tests) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			client, remote := w.source.Client, w.source.Remote
			if strings.HasSuffix(name, byGit) {
				client = newClient(t, gitrepo.Options{})
			}
			remote.Ref = tt.ref
			got, err := client.Head(t.Context(), remote)
			if got != tt.want || !errors.Is(err, tt.err) {
				t.Errorf("got %+v, %v, want %+v, %v", got, err, tt.want, tt.err)
			}
		})
	}
}

func TestRefsThatAreNone(t *testing.T) {
	t.Parallel()

	for _, ref := range []string{"-x", "--upload-pack=touch /tmp/x", "a..b", "a b", "a~1", "a^", "a:b", "a*", "a?", "a[b]", "a\\b", "a\nb", "/a", "a/", "a//b", ".a", "a/.b", "a.", "a.lock", "a@{1}", strings.Repeat("a", 2000)} {
		var invalid *domain.InvalidError
		if err := gitrepo.CheckRef(ref); !errors.As(err, &invalid) {
			t.Errorf("%q: got %v, want an InvalidError", ref, err)
		}
	}
	for _, ref := range []string{"", "main", "feature/x-1", "v1.2.3", "refs/heads/a", "é", "a@b", "renovate/x_y"} {
		if err := gitrepo.CheckRef(ref); err != nil {
			t.Errorf("%q: got %v", ref, err)
		}
	}
}

// What is read is another ref than the default branch.
func TestRefsAreRead(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	one := w.repo.Commit("main", gittest.Put("a", "1"))
	w.repo.Commit("main", gittest.Put("b", "2"))
	w.repo.Git("tag", "-a", "-m", "a tag", "v1", one)
	for _, ref := range []string{"v1", one} {
		w.source.Remote.Ref, w.scope.Cache = ref, t.TempDir()
		from, l := w.start(), w.list()
		if got := slices.Sorted(maps.Keys(l.items)); !slices.Equal(got, []string{"a"}) {
			t.Errorf("%s: got %q", ref, got)
		}
		if f := w.follow(from); len(f.pages) > 0 {
			t.Errorf("%s: got pages %+v", ref, f.pages)
		}
	}
	w.source.Remote.Ref = other
	err := w.source.Snapshot(t.Context(), w.scope, domain.Cursor{}, newListing(t))
	if !errors.Is(err, domain.ErrGone) {
		t.Errorf("got %v of a commit that is not there", err)
	}
}

func TestEmptyRepository(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	from, l := w.start(), w.list()
	if len(l.items) > 0 || !l.complete {
		t.Errorf("got %d items", len(l.items))
	}
	w.repo.Commit("main", gittest.Put("a", "1"), gittest.Put("b", "2"))
	f := w.follow(from)
	w.check(f.items, "main")
	w.repo.Git("update-ref", "-d", "refs/heads/main")
	err := w.source.Changes(t.Context(), w.scope, f.cursor, newListing(t))
	if !errors.Is(err, domain.ErrCursorReset) { // a listing with the valve behind it decides
		t.Errorf("got %v of a repository that was emptied", err)
	}
}

// The default branch is renamed: for a moment HEAD leads nowhere. That is no
// empty repository.
func TestHeadThatLeadsNowhere(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.repo.Commit("main", gittest.Put("a", "1"))
	from := w.start()
	w.list()
	w.repo.Git("branch", "-m", "main", "trunk")
	w.repo.Default("main")
	l := newListing(t)
	if err := w.source.Snapshot(t.Context(), w.scope, domain.Cursor{}, l); !errors.Is(err, domain.ErrGone) || l.complete {
		t.Errorf("got %v, complete %v", err, l.complete)
	}
	if err := w.source.Changes(t.Context(), w.scope, from, l); !errors.Is(err, domain.ErrGone) {
		t.Errorf("got %v", err)
	}
	w.repo.Default("trunk")
	if f := w.follow(from); len(f.items) > 0 {
		t.Errorf("got %d changes of a branch that was renamed", len(f.items))
	}
}

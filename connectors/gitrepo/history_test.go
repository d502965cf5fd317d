package gitrepo_test

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/confuse/data-connector/connectors/gitrepo/gittest"
	"github.com/confuse/data-connector/domain"
)

// many are files that are alike enough to be known again.
func many(n int) []gittest.Edit {
	var edits []gittest.Edit
	for i := range n {
		edits = append(edits, gittest.Put(fmt.Sprintf("dir/%04d", i), fmt.Sprintf("file %d\n", i)+strings.Repeat(fmt.Sprintf("%d\n", i), 20)))
	}
	return edits
}

// changes counts what pages tell.
func (l *listing) changes() (upserts, deletes int) {
	for _, p := range l.pages {
		for _, c := range p.Changes {
			if c.Deleted {
				deletes++
			} else {
				upserts++
			}
		}
	}
	return upserts, deletes
}

// One file changed means one change, whatever became of the history.
func TestOneChangeInManyFiles(t *testing.T) {
	t.Parallel()

	edit := gittest.Put("dir/0007", "edited")
	tests := map[string]func(w *world){
		"push":           func(w *world) { w.repo.Commit("main", edit) },
		"force push":     func(w *world) { w.repo.CommitFrom("main", "main~1", nil, append(many(50), edit)...) },
		"new root":       func(w *world) { w.repo.CommitFrom("main", "", nil, append(many(50), edit)...) },
		"default branch": func(w *world) { w.repo.CommitFrom("next", "main", nil, edit); w.repo.Default("next") },
		"another branch": func(w *world) {
			w.repo.CommitFrom("next", "main", nil, edit)
			w.source.Remote.Ref = "next"
		},
		"a tag, and back in time": func(w *world) {
			w.repo.Git("tag", "v1", w.repo.CommitFrom("next", "main~2", nil, edit))
			w.source.Remote.Ref = "v1"
		},
		"merge": func(w *world) {
			side := w.repo.CommitFrom("side", "main~1", nil, append(many(50), edit)...)
			w.repo.CommitFrom("main", "main^0", []string{side}, edit)
		},
		"new root, the old one is gone": func(w *world) {
			w.repo.CommitFrom("main", "", nil, append(many(50), edit)...)
			w.repo.Forget()
		},
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			w := newWorld(t)
			w.repo.Commit("main", many(50)...)
			w.repo.Commit("main", gittest.Put("dir/0001", "second commit"))
			w.repo.Commit("main", many(50)...)
			from, l := w.start(), w.list()
			change(w)
			f := w.follow(from)
			if up, del := f.changes(); up != 1 || del != 0 {
				t.Errorf("got %d changes and %d deletes, want one change", up, del)
			}
			apply(l.items, f.pages)
			w.check(l.items, cmp.Or(w.source.Remote.Ref, "HEAD"))
		})
	}
}

// The cache is lost: what the server still has is fetched again, and what it has
// not is a reset.
func TestCacheIsLost(t *testing.T) {
	t.Parallel()

	for name, gone := range map[string]bool{"commit is there": false, "commit is gone": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			w := newWorld(t)
			w.repo.Commit("main", many(10)...)
			from, l := w.start(), w.list()
			if err := os.RemoveAll(w.scope.Cache); err != nil {
				t.Fatal(err)
			}
			w.repo.CommitFrom("main", "", nil, append(many(10), gittest.Put("new", "x"))...)
			if gone {
				w.repo.Forget()
			}
			got := newListing(t)
			err := w.source.Changes(t.Context(), w.scope, from, got)
			if gone != errors.Is(err, domain.ErrCursorReset) || !gone && err != nil {
				t.Fatalf("got %v", err)
			}
			if gone {
				got = w.list()
				l.items = got.items
			}
			apply(l.items, got.pages)
			w.check(l.items, "main")
		})
	}
}

// A run dies when some pages of a difference were taken, and before the next one
// the change is taken back. What was emitted is taken back too, on whatever
// machine the run goes on.
func TestTakenBackAfterACut(t *testing.T) {
	t.Parallel()

	for _, cut := range []int{2, 3} {
		w := newWorld(t)
		w.source.Client.SetPage(5)
		before := w.repo.Commit("main", many(20)...)
		from, l := w.start(), w.list()
		var edits []gittest.Edit
		for i := range 20 {
			edits = append(edits, gittest.Put(fmt.Sprintf("dir/%04d", i), "edited"))
		}
		w.repo.Commit("main", edits...)
		f := newListing(t)
		f.stop = cut
		if err := w.source.Changes(t.Context(), w.scope, from, f); err != errStop { //nolint:errorlint // as it is
			t.Fatalf("got %v, want the error of the sink as it is", err)
		}
		if up, _ := f.changes(); up != 5*(cut-2) {
			t.Errorf("got %d changes before the cut", up)
		}
		apply(l.items, f.pages)
		w.repo.Git("update-ref", "refs/heads/main", before)
		w.scope.Cache = t.TempDir()
		if changed, err := w.source.Changed(t.Context(), w.scope, f.cursor); err != nil || !changed {
			t.Errorf("got changed %v, %v of a difference that was cut", changed, err)
		}
		apply(l.items, w.follow(f.cursor).pages)
		w.check(l.items, before)
	}
}

// A listing that was cut goes on at the commit that it began with.
func TestListingGoesOn(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.source.Client.SetPage(5)
	commit := w.repo.Commit("main", many(20)...)
	l := newListing(t)
	l.stop = 3
	if err := w.source.Snapshot(t.Context(), w.scope, domain.Cursor{}, l); err != errStop { //nolint:errorlint // as it is
		t.Fatal(err)
	}
	w.repo.Commit("main", gittest.Remove("dir"))
	l.stop = 0
	if err := w.source.Snapshot(t.Context(), w.scope, l.cursor, l); err != nil {
		t.Fatal(err)
	}
	w.check(l.items, commit)
	if up, _ := l.changes(); up != 20 || !l.complete {
		t.Errorf("got %d items, complete %v", up, l.complete)
	}
	w.repo.CommitFrom("main", "", nil, gittest.Put("x", "x"))
	w.repo.Forget()
	w.scope.Cache = t.TempDir()
	if err := w.source.Snapshot(t.Context(), w.scope, l.pages[0].Next, newListing(t)); !errors.Is(err, domain.ErrCursorReset) {
		t.Errorf("got %v, want ErrCursorReset", err)
	}
}

func TestCursorsOfOthers(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.repo.Commit("main", gittest.Put("a", "1"))
	for _, c := range []domain.Cursor{{}, {V: 2, Kind: "commit", Opaque: []byte(`{}`)}, {V: 1, Kind: "path"}, {V: 1, Kind: "commit", Opaque: []byte(`{"commit":"--help"}`)}} {
		if err := w.source.Changes(t.Context(), w.scope, c, newListing(t)); !errors.Is(err, domain.ErrCursorReset) {
			t.Errorf("%+v: got %v", c, err)
		}
	}
}

// A rename and its delete come together, where pages are full.
func TestRenamesOfAFolder(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.repo.Commit("main", many(1500)...)
	from, l := w.start(), w.list()
	w.repo.Commit("main", gittest.Rename("dir", "moved/here"))
	f := w.follow(from)
	for path, item := range f.items {
		if want := strings.Replace(path, "moved/here", "dir", 1); string(item.MovedFrom) != want {
			t.Fatalf("%q: got moved from %q", path, item.MovedFrom)
		}
	}
	apply(l.items, f.pages)
	w.check(l.items, "main")
}

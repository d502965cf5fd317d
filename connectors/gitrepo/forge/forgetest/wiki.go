package forgetest

import (
	"maps"
	"slices"

	"github.com/confuse/data-connector/connectors/gitrepo/gittest"
)

// Wiki edits, adds, deletes and renames pages of the wiki, a git repository with a
// name of its own. The feed tells of these pages and of nothing else, and comes to
// what a listing finds. The source asks for the wiki.
func (w *World) Wiki(name string) {
	w.T.Helper()
	w.Put("README.md", "hello")
	wiki := w.Git.Create(name)
	wiki.Commit("main", gittest.Put("home.md", "Welcome."), gittest.Put("guide.md", "How to."), gittest.Put("old.md", "Once."), gittest.Put("stays.md", "Here."))
	at, before := w.Start(), w.Listed()
	for _, step := range wikiSteps() {
		if w.Changed(at) {
			w.T.Error("got a change of the wiki before there was one")
		}
		wiki.Commit("main", step.edit)
		if !w.Changed(at) {
			w.T.Errorf("%+v: a poll sees no change", step.edit)
		}
		f := w.Follow(at)
		if !slices.Equal(f.Paths(), sorted(step.changed)) || !slices.Equal(sorted(f.Deleted), step.deleted) {
			w.T.Errorf("%+v: got %q and without %v", step.edit, f.Paths(), f.Deleted)
		}
		for path, want := range step.changed {
			if item := f.Items[path]; item.Version == before.Items[path].Version || w.Read(item) != want {
				w.T.Errorf("got %+v, want %q in it", item, want)
			}
		}
		at = f.Cursor
	}
	if got := w.Listed().Paths(); !slices.Equal(got, []string{"@wiki/home.md", "@wiki/manual.md", "@wiki/stays.md", "@wiki/sub/new.md", "README.md"}) {
		w.T.Errorf("got %q", got)
	}
}

// A wikiStep is one change of a wiki, and what the feed says of it.
type wikiStep struct {
	edit    gittest.Edit
	changed map[string]string // content by path
	deleted []string
}

func wikiSteps() []wikiStep {
	return []wikiStep{
		{edit: gittest.Put("home.md", "Welcome back."), changed: map[string]string{"@wiki/home.md": "Welcome back."}},
		{edit: gittest.Put("sub/new.md", "New."), changed: map[string]string{"@wiki/sub/new.md": "New."}},
		{edit: gittest.Remove("old.md"), deleted: []string{"@wiki/old.md"}},
		{
			edit: gittest.Rename("guide.md", "manual.md"), deleted: []string{"@wiki/guide.md"},
			changed: map[string]string{"@wiki/manual.md": "How to."},
		},
	}
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

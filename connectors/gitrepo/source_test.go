package gitrepo_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/confuse/data-connector/connectors/gitrepo/gittest"
)

var errStop = errors.New("stop")

func TestListAndFollow(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	var edits []gittest.Edit
	for i := range 2500 {
		edits = append(edits, gittest.Put(fmt.Sprintf("dir-%d/file-%d.txt", i%7, i), fmt.Sprintf("content %d", i)))
	}
	one := w.repo.Commit("main", edits...)
	from := w.start()
	l := w.list()
	w.check(l.items, one)
	if got, err := w.read(l.items["dir-3/file-10.txt"]); err != nil || got != "content 10" {
		t.Errorf("got %q, %v", got, err)
	}
	two := w.repo.Commit("main",
		gittest.Put("dir-3/file-10.txt", "new content"), gittest.Remove("dir-0"), gittest.Rename("dir-1", "moved"),
		gittest.PutExecutable("dir-2/file-2.txt", "content 2"), gittest.Link("link", "dir-2/file-2.txt"))
	f := w.follow(from)
	for path, item := range f.items {
		l.items[path] = item
	}
	for _, p := range f.pages {
		for _, c := range p.Changes {
			if c.Deleted {
				delete(l.items, string(c.Item.Path))
			}
		}
	}
	w.check(l.items, two)
	if changed, err := w.source.Changed(t.Context(), w.scope, f.cursor); err != nil || changed {
		t.Errorf("got changed %v, %v behind the end", changed, err)
	}
}

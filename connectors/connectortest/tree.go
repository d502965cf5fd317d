package connectortest

import (
	"context"
	"io"

	"github.com/confuse/data-connector/domain"
)

// Tree is what a source holds: raw path to content, read from the packs. A file
// without content maps to its kind and revision: "symlink:...". Two live files
// at one path are reported, unless the provider has ids for them.
func (w *World) Tree(source domain.SourceID) map[string]string {
	w.t.Helper()
	tree := map[string]string{}
	for f, err := range w.Rows.Live(context.Background(), source, domain.ByPath) {
		if err != nil {
			w.t.Fatal(err)
		}
		path := string(f.RawPath())
		if _, twice := tree[path]; twice && f.ItemID == "" {
			w.t.Errorf("two live files at %q", path)
		}
		tree[path] = w.Content(f)
	}
	return tree
}

// Content reads the content of a file; see [World.Tree] for files without.
func (w *World) Content(f domain.File) string {
	w.t.Helper()
	if f.Content == nil {
		return string(f.Kind) + ":" + f.Revision
	}
	r, err := w.Packs.Open(context.Background(), *f.Content)
	if err != nil {
		w.t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		w.t.Fatal(err)
	}
	return string(b)
}

package localfs

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/confuse/data-connector/domain"
)

// maxPath is the longest path that is listed, in bytes: Linux's PATH_MAX. It
// bounds the depth, too.
const maxPath = 4096

// A walk goes through the folders of one root in the byte order of the raw paths
// and shows a visitor what the filters keep.
type walk struct {
	ctx   context.Context // of the one call that it serves
	scope domain.Scope
	path  string // of the root: real, absolute
	own   []string
	after string // everything up to here is passed by
	above []fileID
	to    visitor
}

// A visitor is shown what a walk meets. Any error ends the walk, which returns it
// as it is.
type visitor interface {
	// folder comes before the names in f are read.
	folder(f *frame) error
	// leaf is what is not a folder.
	leaf(f *frame, name string) error
	// fail is what cannot be looked into. key is its place in the order.
	fail(f failure, key string) error
}

// all walks the whole root, which dir is.
func (w *walk) all(dir *os.Root) error {
	top, err := dir.OpenRoot(".")
	if err != nil {
		return classify("list root", err)
	}
	f := &frame{dir: top}
	defer f.close()
	return w.folder(f)
}

// folder walks through everything below f.
func (w *walk) folder(f *frame) error {
	if err := w.to.folder(f); err != nil {
		return err
	}
	entries, err := f.entries()
	if err != nil {
		return w.unread(f.path, err)
	}
	if (f.id != fileID{}) && slices.Contains(w.above, f.id) {
		return w.to.fail(failure{strings.TrimSuffix(f.path, "/"), codeLoop, "a folder is mounted below itself", true}, f.path)
	}
	w.above = append(w.above, f.id)
	defer func() { w.above = w.above[:len(w.above)-1] }()
	for _, e := range entries {
		if err := w.ctx.Err(); err != nil {
			return err
		}
		if err := w.entry(f, e); err != nil {
			return err
		}
	}
	return nil
}

// unread reports a folder that cannot be listed. The root is no item: trouble
// with it ends the walk.
func (w *walk) unread(path string, err error) error {
	switch {
	case path == "" || scarce(err):
		return classify("list folder", err) // of the root: ErrGone when it vanished
	case gone(err):
		return nil // since its parent was listed
	}
	return w.to.fail(failed(strings.TrimSuffix(path, "/"), err), path)
}

func failed(path string, err error) failure {
	code := codeUnreadable
	if errors.Is(err, domain.ErrChanging) || notFolder(err) {
		code = codeChanging
	}
	return failure{path, code, reason(err), true}
}

func gone(err error) bool { return errors.Is(err, fs.ErrNotExist) }

func (w *walk) entry(f *frame, e entry) error {
	path, key := f.path+e.name, f.path+e.key()
	switch {
	case w.passed(key):
		return nil
	case w.scope.Skip != nil && w.scope.Skip([]byte(path), e.dir):
		return nil
	case len(path) > maxPath:
		return w.to.fail(failure{path, codeTooLong, "the path is longer than 4096 bytes", true}, key)
	case !e.dir:
		return w.to.leaf(f, e.name)
	case slices.Contains(w.own, filepath.Join(w.path, path)):
		return nil
	}
	child, err := f.child(e.name)
	if err != nil {
		return w.unread(key, err)
	}
	defer child.close()
	return w.folder(child)
}

// passed reports whether key lies wholly in a page before. A folder with the
// place to go on from in it does not.
func (w *walk) passed(key string) bool {
	within := key != w.after && strings.HasSuffix(key, "/") && strings.HasPrefix(w.after, key)
	return key <= w.after && !within
}

// split cuts a path into its folder, without the slash, and its name.
func split(path string) (folder, name string) {
	i := strings.LastIndexByte(path, '/')
	if i < 0 {
		return "", path
	}
	return path[:i], path[i+1:]
}

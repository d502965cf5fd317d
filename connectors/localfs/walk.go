package localfs

import (
	"context"
	"crypto/sha256"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/confuse/data-connector/domain"
)

// maxPath is the longest path that is listed, in bytes: Linux's PATH_MAX. It
// bounds the depth, too.
const maxPath = 4096

// A walk lists one root.
type walk struct {
	ctx   context.Context // of the one Snapshot that it serves
	scope domain.Scope
	root  *root
	own   []string
	after string // a page before ended here
	above []fileID
	cache *pass
	out   *pager
}

func (w *walk) all() error {
	dir, err := w.root.dir.OpenRoot(".")
	if err != nil {
		return classify("list root", err)
	}
	top := &frame{dir: dir}
	defer top.close()
	return w.folder(top)
}

// folder lists everything below f.
func (w *walk) folder(f *frame) error {
	entries, err := f.entries()
	if err != nil {
		return w.unread(f.path, err)
	}
	if (f.id != fileID{}) && slices.Contains(w.above, f.id) {
		return w.out.fail(failure{strings.TrimSuffix(f.path, "/"), codeLoop, "a folder is mounted below itself", true}, f.path)
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
	return w.out.fail(failed(strings.TrimSuffix(path, "/"), err), path)
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
		return w.out.fail(failure{path, codeTooLong, "the path is longer than 4096 bytes", true}, key)
	case !e.dir:
		return w.leaf(f, e.name)
	case slices.Contains(w.own, filepath.Join(w.root.path, path)):
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

// leaf lists what is not a folder.
func (w *walk) leaf(f *frame, name string) error {
	path := f.path + name
	is, err := f.stat(name)
	switch {
	case err != nil && scarce(err):
		return classify("look at a file", err)
	case err != nil && gone(err):
		return nil // since its folder was listed
	case err != nil:
		return w.out.fail(failed(path, err), path)
	case is.mode.IsRegular():
		return w.out.item(w.file(path, is))
	case is.mode&fs.ModeSymlink != 0:
		return w.link(f, name, is)
	case is.mode.IsDir(): // it would be out of order here
		return w.out.fail(failure{path, codeChanging, "a file became a folder", true}, path)
	}
	return w.out.fail(failure{path, codeNotRegular, "is " + typeName(is.mode) + ", not a file", false}, path)
}

func (w *walk) file(path string, is found) domain.Item {
	item := domain.Item{Path: []byte(path), Size: is.size, Modified: is.modifiedAt()}
	if is.mode&0o111 != 0 {
		item.Attributes = map[string]string{"executable": "true"}
	}
	var seen bool
	item.Digest, seen = w.cache.look(path, is.stamp)
	if !seen {
		item.MovedFrom = w.movedFrom(is.stamp)
	}
	return item
}

// movedFrom is where a file that the last walk did not see at its path was then,
// if it is there no more. nil: nowhere, as far as is known.
func (w *walk) movedFrom(is stamp) []byte {
	old, ok := w.cache.was(is)
	if !ok {
		return nil
	}
	folder, name := split(old)
	dir, err := openFolder(w.root.dir, folder)
	if err != nil {
		return []byte(old)
	}
	defer shut(dir)
	list, err := dir.Open(".")
	if err != nil {
		return []byte(old)
	}
	defer shut(list)
	if now, err := statAt(list, name); err == nil && now.id == is.id {
		return nil // a second name of the same file
	}
	return []byte(old)
}

// link lists a symlink, which is never followed: its content is where it leads.
func (w *walk) link(f *frame, name string, is found) error {
	path := f.path + name
	target, err := f.dir.Readlink(name)
	if err != nil && gone(err) {
		return nil
	}
	if err != nil {
		return w.out.fail(failed(path, err), path)
	}
	return w.out.item(domain.Item{
		Path: []byte(path), Kind: domain.KindSymlink, Bodiless: true, Size: int64(len(target)), Modified: is.modifiedAt(),
		Version: domain.Digest(sha256.Sum256([]byte(target))).String(), Attributes: map[string]string{"target": valid(target)},
	})
}

func typeName(mode fs.FileMode) string {
	switch {
	case mode&fs.ModeNamedPipe != 0:
		return "a FIFO"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	case mode&fs.ModeDevice != 0:
		return "a device"
	}
	return "something unknown"
}

// split cuts a path into its folder, without the slash, and its name.
func split(path string) (folder, name string) {
	i := strings.LastIndexByte(path, '/')
	if i < 0 {
		return "", path
	}
	return path[:i], path[i+1:]
}

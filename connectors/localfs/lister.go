package localfs

import (
	"crypto/sha256"
	"io/fs"

	"github.com/confuse/data-connector/domain"
)

// A lister hands on what a walk meets as the pages of a listing.
type lister struct {
	root  *root
	cache *pass
	out   *pager
}

// folder does nothing: folders are no items.
func (l *lister) folder(*frame) error { return nil }

func (l *lister) fail(f failure, key string) error { return l.out.fail(f, key) }

// leaf lists what is not a folder.
func (l *lister) leaf(f *frame, name string) error {
	path := f.path + name
	is, err := f.stat(name)
	switch {
	case err != nil && scarce(err):
		return classify("look at a file", err)
	case err != nil && gone(err):
		return nil // since its folder was listed
	case err != nil:
		return l.out.fail(failed(path, err), path)
	case is.mode.IsRegular():
		return l.out.item(path, l.file(path, is))
	case is.mode&fs.ModeSymlink != 0:
		return l.link(f, name, is)
	case is.mode.IsDir(): // it would be out of order here
		return l.out.fail(failure{path, codeChanging, "a file became a folder", true}, path)
	}
	return l.out.fail(failure{path, codeNotRegular, "is " + typeName(is.mode) + ", not a file", false}, path)
}

func (l *lister) file(path string, is found) domain.Item {
	item := domain.Item{Path: []byte(path), Size: is.size, Modified: is.modifiedAt()}
	if is.mode&0o111 != 0 {
		item.Attributes = map[string]string{"executable": "true"}
	}
	var seen bool
	item.Digest, seen = l.cache.look(path, is.stamp)
	if !seen {
		item.MovedFrom = l.movedFrom(is.stamp)
	}
	return item
}

// movedFrom is where a file that the last walk did not see at its path was then,
// if it is there no more. nil: nowhere, as far as is known.
func (l *lister) movedFrom(is stamp) []byte {
	old, ok := l.cache.was(is)
	if !ok {
		return nil
	}
	folder, name := split(old)
	dir, err := openFolder(l.root.dir, folder)
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
func (l *lister) link(f *frame, name string, is found) error {
	path := f.path + name
	_, _ = l.cache.look(path, is.stamp) // only to be written down: it has no digest
	target, err := f.dir.Readlink(name)
	if err != nil && gone(err) {
		return nil
	}
	if err != nil {
		return l.out.fail(failed(path, err), path)
	}
	return l.out.item(path, domain.Item{
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

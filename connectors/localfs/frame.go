package localfs

import (
	"errors"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/confuse/data-connector/domain"
)

// Of the folders on the way down the first keepOpen stay open, and of the deeper
// ones each keepEvery-th. The others are closed while a folder in them is walked
// and opened anew behind it, so that a deep tree does not eat up the process's
// file descriptors.
const (
	keepOpen  = 64
	keepEvery = 32
)

// namesAtOnce is how many names are read from a folder at a time.
const namesAtOnce = 4096

// A frame is one folder on the way down.
type frame struct {
	path  string // raw, relative to the source's root; empty, or with a slash behind it
	depth int    // 0: the root
	above *frame // nil: the root
	id    fileID

	dir  *os.Root // nil: closed for the time being; never for the root
	list *os.File // dir again, as statAt needs it; nil likewise
}

func (f *frame) close() {
	f.rest()
	if f.dir != nil {
		shut(f.dir)
		f.dir = nil
	}
}

// rest closes what is not needed while a folder inside is walked.
func (f *frame) rest() {
	if f.list != nil {
		shut(f.list)
		f.list = nil
	}
	if f.depth >= keepOpen && f.depth%keepEvery != 0 && f.dir != nil {
		shut(f.dir)
		f.dir = nil
	}
}

// wake opens again what rest has closed. ErrChanging: another folder is there.
func (f *frame) wake() error {
	if f.list != nil {
		return nil
	}
	var err error
	if f.dir == nil {
		open := f.above
		for open.dir == nil {
			open = open.above
		}
		if f.dir, err = openFolder(open.dir, f.path[len(open.path):]); err != nil {
			return err
		}
	}
	list, err := f.dir.Open(".")
	if err != nil {
		return err
	}
	if f.list, err = plain(list); err != nil {
		return err
	}
	is, err := statFile(f.list)
	switch {
	case err != nil:
		return err
	case f.id == fileID{}:
		f.id = is.id
	case f.id != is.id:
		return classify("folder was replaced", domain.ErrChanging)
	}
	return nil
}

// An entry is a name in a folder.
type entry struct {
	name string
	dir  bool
}

// entries are the names in f, in the order in which the paths below it sort: a
// folder sorts as its name and a slash, because only files below it are listed.
func (f *frame) entries() ([]entry, error) {
	if err := f.wake(); err != nil {
		return nil, err
	}
	var all []entry
	for {
		some, err := f.list.ReadDir(namesAtOnce)
		for _, e := range some {
			all = append(all, entry{name: e.Name(), dir: e.IsDir()})
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(all, func(a, b entry) int { return strings.Compare(a.key(), b.key()) })
	return all, nil
}

// key is the place of an entry in the order.
func (e entry) key() string {
	if e.dir {
		return e.name + "/"
	}
	return e.name
}

// stat looks at an entry.
func (f *frame) stat(name string) (found, error) {
	if err := f.wake(); err != nil {
		return found{}, err
	}
	return statAt(f.list, name)
}

// child opens the folder name in f, and lets f rest.
func (f *frame) child(name string) (*frame, error) {
	if err := f.wake(); err != nil {
		return nil, err
	}
	dir, err := enter(f.dir, name)
	if err != nil {
		return nil, err
	}
	f.rest()
	return &frame{path: f.path + name + "/", depth: f.depth + 1, above: f, dir: dir}, nil
}

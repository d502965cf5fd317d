package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// tempPrefix begins the names of all files that are not packs yet. No pack has
// such a name.
const tempPrefix = ".tmp-"

// A folder keeps packs in files.
type folder struct {
	root string
	disk disk

	mu    sync.Mutex
	known map[string]bool // folders of runs whose names are durable up to the root
}

func openFolder(root string, d disk) (*Store, error) {
	f := &folder{root: root, disk: d, known: make(map[string]bool)}
	for _, dir := range []string{filepath.Join(root, packsFolder), f.staging()} {
		if err := makeAll(d, dir); err != nil {
			return nil, fmt.Errorf("blob: %w", err)
		}
	}
	if err := d.SyncDir(root); err != nil { // who made the folders may have died before
		return nil, fmt.Errorf("blob: %w", err)
	}
	return &Store{driver: f, spool: spool{disk: d, dir: f.staging()}}, nil
}

func (f *folder) staging() string { return filepath.Join(f.root, "staging") }

// path is where the pack name lies.
func (f *folder) path(name string) string { return filepath.Join(f.root, filepath.FromSlash(name)) }

func (f *folder) close() error { return nil }

// check sees that the disk is there: an empty mount point has no packs folder.
func (f *folder) check(context.Context) error {
	info, err := os.Stat(filepath.Join(f.root, packsFolder))
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%q is no folder", info.Name())
	}
	return err
}

func (f *folder) open(_ context.Context, name string, offset, length int64) (io.ReadCloser, error) {
	file, err := os.Open(f.path(name))
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && (!info.Mode().IsRegular() || offset > info.Size()-length) {
		err = errShort
	}
	if err != nil {
		_ = file.Close() // only read
		return nil, err
	}
	return &section{Reader: io.NewSectionReader(file, offset, length), Closer: file}, nil
}

// A section is some bytes of a file.
type section struct {
	io.Reader
	io.Closer
}

// delete also removes the folder of the run behind its last pack. It comes back
// with the next one.
func (f *folder) delete(_ context.Context, name string) error {
	path := f.path(name)
	if err := f.disk.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	_ = f.disk.Remove(filepath.Dir(path)) // fails while there is something in it
	return nil
}

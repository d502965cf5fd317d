package blob

import (
	"context"
	"errors"
	"path/filepath"
)

// create makes a temporary file in the folder of the run.
func (f *folder) create(name string) (object, error) {
	dir := filepath.Dir(f.path(name))
	if err := f.makeRun(dir); err != nil {
		return nil, err
	}
	temp, err := f.disk.CreateTemp(dir, tempPrefix)
	if err != nil {
		return nil, err
	}
	return &draft{folder: f, path: f.path(name), file: temp}, nil
}

// maxKnown bounds the memory of known; forgetting costs a few syncs.
const maxKnown = 1000

// makeRun makes dir, the folder of a run, and the one of its source. Their names
// are durable when it returns. A folder that is there may be the work of another
// process that has not synced it, so the first use in each process syncs, too.
func (f *folder) makeRun(dir string) error {
	source := filepath.Dir(dir)
	made := false
	for _, d := range []string{source, dir} {
		fresh, err := makeOne(f.disk, d)
		if err != nil {
			return err
		}
		made = made || fresh
	}
	f.mu.Lock()
	known := f.known[dir]
	f.mu.Unlock()
	if known && !made {
		return nil
	}
	if err := errors.Join(f.disk.SyncDir(source), f.disk.SyncDir(filepath.Dir(source))); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.known) >= maxKnown {
		clear(f.known)
	}
	f.known[dir] = true
	return nil
}

// draft is a pack in a temporary file beside its place.
type draft struct {
	folder *folder
	path   string
	file   file // nil: it is renamed
}

func (d *draft) Write(p []byte) (int, error) { return d.file.Write(p) }

// commit keeps I1: bytes, then the name, both durable before it returns.
func (d *draft) commit(context.Context) error {
	if err := d.file.Sync(); err != nil {
		return err
	}
	if err := d.file.Close(); err != nil {
		return err
	}
	if err := d.folder.disk.Rename(d.file.Name(), d.path); err != nil {
		return err
	}
	d.file = nil // there is no temporary file any more
	return d.folder.disk.SyncDir(filepath.Dir(d.path))
}

func (d *draft) discard() error {
	if d.file == nil {
		return nil
	}
	_ = d.file.Close() // its bytes do not matter; commit may have closed it
	return d.folder.disk.Remove(d.file.Name())
}

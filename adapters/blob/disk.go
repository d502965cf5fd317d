package blob

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// A disk is what writing needs of the file system: a seam, so that a test sees
// the order of the calls (I1) and makes them fail.
type disk interface {
	CreateTemp(dir, pattern string) (file, error)
	Mkdir(dir string) error
	Rename(from, to string) error
	Remove(name string) error
	SyncDir(dir string) error
}

type file interface {
	io.ReadWriteSeeker
	io.Closer
	Name() string
	Sync() error
}

// system is the file system of this machine.
type system struct{}

func (system) CreateTemp(dir, pattern string) (file, error) {
	f, err := os.CreateTemp(dir, pattern)
	if err != nil {
		return nil, err // not a file that holds a nil
	}
	return f, nil
}

func (system) Mkdir(dir string) error       { return os.Mkdir(dir, 0o700) } // content is nobody else's
func (system) Rename(from, to string) error { return os.Rename(from, to) }
func (system) Remove(name string) error     { return os.Remove(name) }

// SyncDir makes the names in dir durable.
func (system) SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// makeOne makes dir and reports whether it was missing.
func makeOne(d disk, dir string) (bool, error) {
	err := d.Mkdir(dir)
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	}
	return err == nil, err
}

// makeAll makes dir and what is missing above it, all of them durable.
func makeAll(d disk, dir string) error {
	made, err := makeOne(d, dir)
	if errors.Is(err, fs.ErrNotExist) {
		if err := makeAll(d, filepath.Dir(dir)); err != nil {
			return err
		}
		made, err = makeOne(d, dir)
	}
	if err != nil || !made {
		return err
	}
	return d.SyncDir(filepath.Dir(dir))
}

// unlinked is a disk whose files have no names: they are gone with the process,
// however it ends.
type unlinked struct{ disk }

func (u unlinked) CreateTemp(dir, pattern string) (file, error) {
	f, err := u.disk.CreateTemp(dir, pattern)
	if err != nil {
		return nil, err
	}
	if err := u.disk.Remove(f.Name()); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func (unlinked) Remove(string) error { return nil }

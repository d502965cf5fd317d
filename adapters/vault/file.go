package vault

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// createFile makes path with raw in it, mode 0600. fs.ErrExist: it is there, and
// whole: the name comes last.
func createFile(path string, raw []byte) error {
	return place(path, raw, os.Link)
}

// replaceFile is createFile over what is there: after a crash it is the old one
// or the new one.
func replaceFile(path string, raw []byte) error {
	return place(path, raw, os.Rename)
}

// place writes a file beside path and gives it its name.
func place(path string, raw []byte, name func(from, to string) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".tmp-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(raw)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = name(f.Name(), path)
	}
	if gone := os.Remove(f.Name()); gone != nil && !errors.Is(gone, os.ErrNotExist) {
		err = errors.Join(err, gone)
	}
	if err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// lockBeside lets one process at a time change the file path: it waits for the lock
// on its folder, which needs no file of its own.
func lockBeside(path string) (unlock func(), err error) {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(dir.Fd()), syscall.LOCK_EX); err != nil {
		return nil, errors.Join(err, dir.Close())
	}
	return func() { _ = dir.Close() }, nil // which unlocks it
}

// hidden drops the address of a key management service from err: a key may be in
// it (I7).
func hidden(err error, address string) error {
	if text := err.Error(); strings.Contains(text, address) {
		return errors.New(strings.ReplaceAll(text, address, "its address"))
	}
	return err
}

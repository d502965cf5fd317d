//go:build !linux

package localfs

import (
	"os"
	"path/filepath"
)

// idOf knows no name for a folder here: roots are compared only within a walk.
func idOf(*os.Root) (fileID, error) { return fileID{}, nil }

// plain is f: nothing is won by another one here.
func plain(f *os.File) (*os.File, error) { return f, nil }

// statAt looks at name in the folder dir and follows no symlink. The stamp is
// not trusted: every file is read at every sync.
func statAt(dir *os.File, name string) (found, error) {
	return foundOf(os.Lstat(filepath.Join(dir.Name(), name)))
}

// statFile looks at an open file.
func statFile(f *os.File) (found, error) { return foundOf(f.Stat()) }

func foundOf(info os.FileInfo, err error) (found, error) {
	if err != nil {
		return found{}, err
	}
	return found{mode: info.Mode(), stamp: stamp{size: info.Size(), modified: info.ModTime().UnixNano()}}, nil
}

package blob

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/confuse/data-connector/domain"
)

// leftoverAge is how long nobody has written to a temporary file that the sweep
// takes for a leftover.
const leftoverAge = 24 * time.Hour

var _ tidier = (*folder)(nil)

// drop takes temporary files and folders along.
func (f *folder) drop(ctx context.Context, source domain.SourceID) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return os.RemoveAll(f.path(prefix(source)))
}

func (f *folder) list(ctx context.Context, prefix string) iter.Seq2[domain.PackInfo, error] {
	return func(yield func(domain.PackInfo, error) bool) {
		err := f.walk(ctx, f.path(prefix), func(path string, e fs.DirEntry) error {
			info, err := e.Info()
			if err != nil {
				return err
			}
			name, err := filepath.Rel(f.root, path)
			if err == nil && !yield(domain.PackInfo{Name: filepath.ToSlash(name), Size: info.Size(), ModTime: info.ModTime()}, nil) {
				err = fs.SkipAll
			}
			return err
		})
		if err != nil {
			yield(domain.PackInfo{}, err)
		}
	}
}

// walk visits the files below dir. What vanishes meanwhile is passed over.
func (f *folder) walk(ctx context.Context, dir string, visit func(path string, e fs.DirEntry) error) error {
	return filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		if err == nil && e.Type().IsRegular() {
			err = visit(path, e)
		}
		if errors.Is(err, fs.ErrNotExist) { // committed, deleted or dropped meanwhile
			return nil
		}
		return err
	})
}

func (f *folder) sweep(ctx context.Context) (int, error) {
	now, err := f.now()
	if err != nil {
		return 0, err
	}
	n := 0
	for _, dir := range []string{f.staging(), filepath.Join(f.root, packsFolder)} {
		err := f.walk(ctx, dir, func(path string, e fs.DirEntry) error {
			gone, err := f.sweepOne(path, e, now)
			if gone {
				n++
			}
			return err
		})
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

func (f *folder) sweepOne(path string, e fs.DirEntry, now time.Time) (bool, error) {
	if !strings.HasPrefix(e.Name(), tempPrefix) {
		return false, nil
	}
	info, err := e.Info()
	if err != nil || now.Sub(info.ModTime()) < leftoverAge {
		return false, err
	}
	err = f.disk.Remove(path)
	return err == nil, err
}

// now is the time by which the file system stamps its files, which on a network
// disk is not that of this machine.
func (f *folder) now() (time.Time, error) {
	file, err := os.CreateTemp(f.staging(), tempPrefix)
	if err != nil {
		return time.Time{}, err
	}
	info, err := file.Stat()
	if err := errors.Join(err, file.Close(), os.Remove(file.Name())); err != nil {
		return time.Time{}, err
	}
	return info.ModTime(), nil
}

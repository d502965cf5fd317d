package blob

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/confuse/data-connector/domain"
)

// leftoverAge is how long nobody has written to a temporary file that the sweep
// takes for a leftover.
const leftoverAge = 24 * time.Hour

// DropSource deletes every pack of source. Who reads one goes on to its end.
// After an error some are left; calling it again deletes them.
func (s *Store) DropSource(ctx context.Context, source domain.SourceID) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := os.RemoveAll(filepath.Join(s.root, packsFolder, source.String())); err != nil {
		return fmt.Errorf("blob: drop source %q: %w", source, err)
	}
	return nil
}

// Sweep removes the temporary files that killed processes have left and counts
// them. It is called at the start and looks at every folder, so not before the
// service answers.
//
// A file goes when it was not written to for a day, by the clock of the file
// system. That asks no process whether it lives, on this host or another. Should
// one have slept that long in the middle of a pack, its Commit fails: no event
// then names the pack.
func (s *Store) Sweep(ctx context.Context) (int, error) {
	now, err := s.now()
	if err != nil {
		return 0, fmt.Errorf("blob: sweep: %w", err)
	}
	n := 0
	for _, dir := range []string{s.staging(), filepath.Join(s.root, packsFolder)} {
		err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
			if err == nil {
				err = ctx.Err()
			}
			if err == nil && e.Type().IsRegular() && strings.HasPrefix(e.Name(), tempPrefix) {
				var gone bool
				gone, err = s.sweepOne(path, e, now)
				if gone {
					n++
				}
			}
			if errors.Is(err, fs.ErrNotExist) { // committed or dropped meanwhile
				return nil
			}
			return err
		})
		if err != nil {
			return n, fmt.Errorf("blob: sweep: %w", err)
		}
	}
	return n, nil
}

func (s *Store) sweepOne(path string, e fs.DirEntry, now time.Time) (bool, error) {
	info, err := e.Info()
	if err != nil || now.Sub(info.ModTime()) < leftoverAge {
		return false, err
	}
	err = s.disk.Remove(path)
	return err == nil, err
}

// now is the time by which the file system stamps its files, which on a network
// disk is not that of this machine.
func (s *Store) now() (time.Time, error) {
	f, err := os.CreateTemp(s.staging(), tempPrefix)
	if err != nil {
		return time.Time{}, err
	}
	info, err := f.Stat()
	if err := errors.Join(err, f.Close(), os.Remove(f.Name())); err != nil {
		return time.Time{}, err
	}
	return info.ModTime(), nil
}

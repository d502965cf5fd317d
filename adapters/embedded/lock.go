package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// ErrInUse says that another process holds the data folder; the text around it
// names both.
var ErrInUse = errors.New("in use")

const lockName = "lock"

// lockPatience outlasts a reader that only asks whether the folder is held.
const lockPatience = 500 * time.Millisecond

// lockFolder holds dir until unlock or the end of this process, however it ends.
// The file stays: removing it would let two processes hold two files.
func lockFolder(ctx context.Context, dir string) (unlock func() error, _ error) {
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the lock: %w", err)
	}
	if err = acquire(ctx, f); err == nil {
		err = writePID(f)
	}
	if errors.Is(err, unix.EWOULDBLOCK) {
		err = fmt.Errorf("data folder %q: %w by process %s: stop that one, or take another folder", dir, ErrInUse, holder(f))
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f.Close, nil
}

// acquire tries for lockPatience. unix.EWOULDBLOCK: someone else holds it.
func acquire(ctx context.Context, f *os.File) error {
	patience := time.After(lockPatience)
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			return err
		}
		select {
		case <-again.C:
		case <-patience:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func writePID(f *os.File) error {
	if err := f.Truncate(0); err != nil {
		return fmt.Errorf("write the lock: %w", err)
	}
	if _, err := f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0); err != nil {
		return fmt.Errorf("write the lock: %w", err)
	}
	return nil
}

// holder is the process that wrote itself into the lock; for people only.
func holder(f *os.File) string {
	raw, err := os.ReadFile(f.Name())
	if pid := strings.TrimSpace(string(raw)); err == nil && pid != "" {
		return pid
	}
	return "unknown"
}

// held says whether a process holds dir.
func held(dir string) (bool, error) {
	f, err := os.Open(filepath.Join(dir, lockName))
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer func() { _ = f.Close() }() // read only; frees the lock as well
	err = unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return true, nil
	}
	return false, err
}

package localfs

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/confuse/data-connector/domain"
)

// classify turns an error of the file system into one of ours:
//
//   - the item is gone: ErrGone
//   - it is no longer what was listed: ErrChanging; the next listing says what it
//     is then
//   - the machine is short of something: ErrTransient
//   - anything else, "permission denied" above all, stays what it is: trouble
//     with that one item
func classify(what string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist), notFolder(err):
		return fmt.Errorf("localfs: %s: %w: %w", what, domain.ErrGone, err)
	case errors.Is(err, syscall.ELOOP):
		return fmt.Errorf("localfs: %s: %w: %w", what, domain.ErrChanging, err)
	case scarce(err):
		return fmt.Errorf("localfs: %s: %w: %w", what, domain.ErrTransient, err)
	}
	return fmt.Errorf("localfs: %s: %w", what, err)
}

func scarce(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) || errors.Is(err, syscall.ENOMEM)
}

// reason says without paths what went wrong.
func reason(err error) string {
	var no syscall.Errno
	if errors.As(err, &no) {
		return no.Error()
	}
	return err.Error()
}

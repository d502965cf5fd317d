package gitrepo

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// confine bounds what a git that was just started, and all that it starts, may take:
// of memory, of one file, and of a core, which would hold its token. Git asks for
// memory as objects want it, whose sizes come from outside: one that cannot be
// confined does not run.
func confine(o Options, pid int) error {
	for resource, most := range map[int]int64{unix.RLIMIT_AS: o.MaxMemory, unix.RLIMIT_FSIZE: o.MaxDisk, unix.RLIMIT_CORE: 0} {
		var now unix.Rlimit
		err := unix.Prlimit(pid, resource, nil, &now)
		if bound := uint64(most); err == nil && bound < now.Max { //nolint:gosec // neither is negative
			err = unix.Prlimit(pid, resource, &unix.Rlimit{Cur: bound, Max: bound}, nil)
		}
		if err != nil && !errors.Is(err, unix.ESRCH) { // it has ended
			return fmt.Errorf("gitrepo: git cannot be given limits of memory and disk: prlimit: %w", err)
		}
	}
	return nil
}

package localfs

import (
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// openReal opens the regular file at a real, absolute path with one call. No part
// of the way may be a symlink, so a path that was found to lie in an allowed folder
// cannot lead out of it any more. nil: it cannot be opened like this, whatever
// the reason; the long way tells.
func openReal(path string) (*os.File, stamp) {
	if path != filepath.Clean(path) {
		return nil, stamp{}
	}
	fd, err := unix.Openat2(unix.AT_FDCWD, path, &unix.OpenHow{
		Flags:   unix.O_RDONLY | unix.O_CLOEXEC | unix.O_NOFOLLOW | unix.O_NOCTTY | unix.O_NONBLOCK, // a FIFO does not make it wait
		Resolve: unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS,
	})
	if err != nil { // also of a kernel before 5.6
		return nil, stamp{}
	}
	f := os.NewFile(uintptr(fd), path)
	is, err := statFile(f)
	if err != nil || !is.mode.IsRegular() {
		shut(f)
		return nil, stamp{}
	}
	return f, is.stamp
}

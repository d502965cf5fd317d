package localfs

import (
	"errors"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// openReal opens the regular file at a real, absolute path with one call. No part
// of the way may be a symlink, so a path that was found to lie in an allowed folder
// cannot lead out of it any more. nil: it cannot be opened like this, whatever
// the reason; the long way tells.
func openReal(path string) (opened, stamp) {
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
	f := &descriptor{fd}
	is, err := f.stat()
	if err != nil || !is.mode.IsRegular() {
		shut(f)
		return nil, stamp{}
	}
	return f, is.stamp
}

// A descriptor is a regular file without an os.File, which asks the system first
// whether it can wait for such a file. One goroutine uses it.
type descriptor struct{ fd int }

func (d *descriptor) Read(p []byte) (int, error) {
	for len(p) > 0 {
		n, err := unix.Read(d.fd, p[:min(len(p), maxRead)])
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return 0, os.NewSyscallError("read", err)
		case n == 0:
			return 0, io.EOF
		default:
			return n, nil
		}
	}
	return 0, nil
}

// maxRead is how much one call reads: the system takes no more than 2 GB.
const maxRead = 1 << 30

func (d *descriptor) stat() (found, error) { return statx(d.fd, "", unix.AT_EMPTY_PATH) }

// Close implements io.Closer.
func (d *descriptor) Close() error {
	fd := d.fd
	if d.fd = -1; fd < 0 {
		return os.ErrClosed
	}
	return os.NewSyscallError("close", unix.Close(fd))
}

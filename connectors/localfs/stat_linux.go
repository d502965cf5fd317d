package localfs

import (
	"fmt"
	"io/fs"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// idOf names an open folder.
func idOf(dir *os.Root) (fileID, error) {
	f, err := dir.Open(".")
	if err != nil {
		return fileID{}, err
	}
	defer shut(f)
	is, err := statFile(f)
	return is.id, err
}

// plain is the folder f without its os.Root, because of which ReadDir would look
// at every entry. It takes the place of f, which is closed.
func plain(f *os.File) (*os.File, error) {
	defer shut(f)
	conn, err := f.SyscallConn()
	if err != nil {
		return nil, err
	}
	var dup int
	var errDup error
	if err := conn.Control(func(fd uintptr) { dup, errDup = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0) }); err != nil {
		return nil, err
	}
	if errDup != nil {
		return nil, os.NewSyscallError("fcntl", errDup)
	}
	return os.NewFile(uintptr(dup), f.Name()), nil
}

// statAt looks at name in the open folder dir and follows no symlink.
func statAt(dir *os.File, name string) (found, error) {
	defer runtime.KeepAlive(dir)
	return statx(int(dir.Fd()), name, unix.AT_SYMLINK_NOFOLLOW)
}

// statFile looks at an open file.
func statFile(f *os.File) (found, error) {
	defer runtime.KeepAlive(f)
	return statx(int(f.Fd()), "", unix.AT_EMPTY_PATH)
}

func statx(fd int, name string, flags int) (found, error) {
	var st unix.Statx_t
	if err := unix.Statx(fd, name, flags, unix.STATX_BASIC_STATS|unix.STATX_BTIME, &st); err != nil {
		return found{}, fmt.Errorf("stat: %w", err)
	}
	is := found{mode: fileMode(st.Mode), stamp: stamp{
		id:       fileID{device: unix.Mkdev(st.Dev_major, st.Dev_minor), inode: st.Ino},
		size:     int64(st.Size),
		modified: nanos(st.Mtime.Sec, st.Mtime.Nsec),
		changed:  nanos(st.Ctime.Sec, st.Ctime.Nsec),
	}}
	if st.Mask&unix.STATX_BTIME != 0 {
		is.born = nanos(st.Btime.Sec, st.Btime.Nsec)
	}
	return is, nil
}

func fileMode(mode uint16) fs.FileMode {
	permissions := fs.FileMode(mode & 0o777)
	switch mode & unix.S_IFMT {
	case unix.S_IFREG:
		return permissions
	case unix.S_IFDIR:
		return permissions | fs.ModeDir
	case unix.S_IFLNK:
		return permissions | fs.ModeSymlink
	case unix.S_IFIFO:
		return permissions | fs.ModeNamedPipe
	case unix.S_IFSOCK:
		return permissions | fs.ModeSocket
	case unix.S_IFBLK:
		return permissions | fs.ModeDevice
	case unix.S_IFCHR:
		return permissions | fs.ModeDevice | fs.ModeCharDevice
	}
	return permissions | fs.ModeIrregular
}

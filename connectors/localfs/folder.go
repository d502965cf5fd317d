package localfs

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"

	"github.com/confuse/data-connector/domain"
)

// enter opens the folder name in dir and follows no symlink: os.Root follows
// those that stay inside. ErrChanging: something else took its place meanwhile.
func enter(dir *os.Root, name string) (*os.Root, error) {
	seen, err := dir.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !seen.IsDir() {
		return nil, &os.PathError{Op: "open", Path: name, Err: syscall.ENOTDIR}
	}
	sub, err := dir.OpenRoot(name + "/.") // the dot makes it fail on a FIFO, where it would hang
	if err != nil {
		return nil, err
	}
	if is, err := sub.Stat("."); err != nil || !os.SameFile(seen, is) {
		shut(sub)
		return nil, fmt.Errorf("folder %q was replaced: %w", name, domain.ErrChanging)
	}
	return sub, nil
}

// openFolder opens the folder at a slash-separated path below dir, "" and "."
// being dir itself.
func openFolder(dir *os.Root, path string) (*os.Root, error) {
	at, err := dir.OpenRoot(".")
	if err != nil {
		return nil, err
	}
	for name := range strings.SplitSeq(path, "/") {
		if name == "" || name == "." {
			continue
		}
		sub, err := enter(at, name)
		shut(at)
		if err != nil {
			return nil, err
		}
		at = sub
	}
	return at, nil
}

// shut closes what was only read from: nothing can get lost.
func shut(c io.Closer) { _ = c.Close() }

func notFolder(err error) bool { return errors.Is(err, syscall.ENOTDIR) }

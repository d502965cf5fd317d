package localfs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"github.com/confuse/data-connector/domain"
)

// Fetch implements domain.Connector. A local file has no versions: it opens the
// present one. ErrGone: there is none any more, or no root. ErrChanging: what is
// there is not a regular file. A file that may not be read is an error that
// matches fs.ErrPermission.
func (c *Connector) Fetch(ctx context.Context, s domain.Scope, ref domain.ItemRef) (domain.Content, error) {
	path, at := string(ref.Path), c.clock.Now()
	f, was, err := c.openRef(s, path)
	if err != nil {
		return domain.Content{}, err
	}
	b := &body{ctx: ctx, f: f, was: was}
	return domain.Content{Body: b, Read: func(d domain.Digest) {
		if b.whole && !d.IsZero() && was.trusted() && !was.racy(at) {
			c.notes.add(s.Cache, record{path: path, stamp: was, digest: d})
		}
	}}, nil
}

// openRef opens the file at a path below the root of s.
func (c *Connector) openRef(s domain.Scope, path string) (opened, stamp, error) {
	if root, err := c.realRoot(s); err == nil && filepath.IsLocal(path) {
		if f, is := openReal(root + "/" + path); f != nil {
			return f, is, nil
		}
	}
	r, err := c.open(s)
	if err != nil {
		return nil, stamp{}, err
	}
	defer r.close()
	f, was, err := openFile(r.dir, path)
	if err != nil {
		return nil, stamp{}, classify("open", err)
	}
	return file{f}, was, nil
}

// An opened is a regular file to read.
type opened interface {
	io.ReadCloser
	stat() (found, error)
}

// A file is one that os has opened.
type file struct{ *os.File }

func (f file) stat() (found, error) { return statFile(f.File) }

// openFile opens a regular file, following no symlink and never waiting, as the
// opening of a FIFO would.
func openFile(root *os.Root, path string) (*os.File, stamp, error) {
	folder, name := split(path)
	dir, err := openFolder(root, folder)
	if err != nil {
		return nil, stamp{}, err
	}
	defer shut(dir)
	seen, err := dir.Lstat(name)
	if err != nil {
		return nil, stamp{}, err
	}
	if !seen.Mode().IsRegular() {
		return nil, stamp{}, fmt.Errorf("not a regular file: %w", domain.ErrChanging)
	}
	f, err := dir.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, stamp{}, err
	}
	is, err := f.Stat()
	if err == nil && !os.SameFile(seen, is) {
		err = fmt.Errorf("replaced while it was opened: %w", domain.ErrChanging)
	}
	var was found
	if err == nil {
		was, err = statFile(f)
	}
	if err != nil {
		shut(f)
		return nil, stamp{}, err
	}
	return f, was.stamp, nil
}

// A body reads one file. What it gave is one version of it only if the file is
// the same before and behind the reading.
type body struct {
	ctx   context.Context // of the one Fetch that it serves
	f     opened
	was   stamp
	given int64
	whole bool // read to its end, unchanged
}

// Read ends with ErrChanging instead of io.EOF when the file has changed, and as
// soon as there is more than its size: one that grows all the time has no end. A
// read that comes back short at its size has met the end.
func (b *body) Read(p []byte) (int, error) {
	if err := b.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := b.f.Read(p)
	b.given += int64(n)
	switch {
	case b.given > b.was.size:
		return 0, fmt.Errorf("localfs: read: longer than its size: %w", domain.ErrChanging)
	case errors.Is(err, io.EOF):
		return n, b.end()
	case err != nil:
		return n, classify("read", err)
	case n < len(p) && b.given == b.was.size:
		return n, b.end()
	}
	return n, nil
}

func (b *body) end() error {
	is, err := b.f.stat()
	if err != nil {
		return classify("read", err)
	}
	if is.stamp != b.was || b.given != b.was.size {
		return fmt.Errorf("localfs: read: %w", domain.ErrChanging)
	}
	b.whole = true
	return io.EOF
}

// Close implements io.Closer.
func (b *body) Close() error { return b.f.Close() }

package blob

import (
	"bytes"
	"fmt"
	"io"
)

// inMemory is how much of one item is kept in memory, compressed. A page is at
// most 64 MiB, a bigger item is a page of its own.
const inMemory = 4 << 20

// A spool is where temporary files of a process lie.
type spool struct {
	disk disk
	dir  string
}

func (s spool) create() (file, error) { return s.disk.CreateTemp(s.dir, tempPrefix) }

// free closes a file of this spool and removes it. A leftover is for the sweep.
func (s spool) free(f file) { _, _ = f.Close(), s.disk.Remove(f.Name()) }

// A spill takes bytes into memory, and into a file when they become many.
type spill struct {
	spool spool
	mem   bytes.Buffer
	file  file // nil: all is in mem
	size  int64
}

func (s *spill) Write(p []byte) (int, error) {
	if s.file == nil && s.mem.Len()+len(p) > inMemory {
		if err := s.toFile(); err != nil {
			return 0, fmt.Errorf("spill: %w", err)
		}
	}
	to := io.Writer(&s.mem)
	if s.file != nil {
		to = s.file
	}
	n, err := to.Write(p)
	s.size += int64(n)
	return n, err
}

func (s *spill) toFile() (err error) {
	if s.file, err = s.spool.create(); err != nil {
		return err
	}
	_, err = s.file.Write(s.mem.Bytes())
	s.mem = bytes.Buffer{}
	return err
}

// copyTo writes all bytes to w.
func (s *spill) copyTo(w io.Writer) error {
	from := io.Reader(&s.mem)
	if s.file != nil {
		if _, err := s.file.Seek(0, io.SeekStart); err != nil {
			return err
		}
		from = s.file
	}
	n, err := io.Copy(w, from)
	if err == nil && n != s.size {
		err = fmt.Errorf("got %d bytes back of %d: %w", n, s.size, io.ErrUnexpectedEOF)
	}
	return err
}

func (s *spill) drop() {
	s.mem = bytes.Buffer{}
	if s.file != nil {
		s.spool.free(s.file)
	}
}

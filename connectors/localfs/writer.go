package localfs

import (
	"bufio"
	"os"
)

// A writer writes the records of a walk into a new file, that of the root first.
// A nil writer writes nothing. After an error it does not go on; keep tells.
type writer struct {
	f    *os.File
	b    *bufio.Writer
	root record
	n    int64  // records behind that of the root
	one  []byte // space for one record
	err  error
}

func newWriter(folder string, root record) (*writer, error) {
	f, err := create(folder, statsName)
	if err != nil {
		return nil, err
	}
	w := &writer{f: f, b: bufio.NewWriterSize(f, 64<<10), root: root}
	_, w.err = w.b.Write(root.appendTo(nil))
	return w, nil
}

func (w *writer) add(r record) {
	if w == nil || w.err != nil {
		return
	}
	w.n++
	w.one = r.appendTo(w.one[:0])
	_, w.err = w.b.Write(w.one)
}

// keep puts the file in its place, in one step. It is not synced: a file that is
// torn by a loss of power is good up to there, and the number of its records, which
// the root's has as its size, tells that it is torn.
func (w *writer) keep(path string) error {
	if w.err == nil {
		w.err = w.b.Flush()
	}
	if w.err == nil {
		w.root.stamp.size = w.n
		_, w.err = w.f.WriteAt(w.root.appendTo(nil), 0) // as long as before
	}
	if w.err == nil {
		w.err = os.Rename(w.f.Name(), path)
	}
	return w.err
}

// discard ends the writing. What was kept stays.
func (w *writer) discard() {
	if w == nil {
		return
	}
	_ = w.f.Close()           // flushed, or not wanted
	_ = os.Remove(w.f.Name()) // it is not there when it was kept
}

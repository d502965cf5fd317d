package ingest

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
)

// records is a file of values of one type, written once and then read: what a run
// must remember of a listing that may be larger than memory. It is lost with the
// run.
type records[T any] struct {
	f    *os.File
	w    *bufio.Writer
	size int64
	n    int
}

func newRecords[T any](dir, name string) (*records[T], error) {
	f, err := os.Create(filepath.Join(dir, name))
	if err != nil {
		return nil, fmt.Errorf("spool: %w", err)
	}
	return &records[T]{f: f, w: bufio.NewWriterSize(f, 64<<10)}, nil
}

// add writes v and returns where it stands.
func (r *records[T]) add(v T) (offset int64, err error) {
	b, err := json.Marshal(v)
	if err != nil {
		return 0, fmt.Errorf("spool: %w", err)
	}
	offset = r.size
	if _, err := r.w.Write(append(b, '\n')); err != nil {
		return 0, fmt.Errorf("spool: %w", err)
	}
	r.size += int64(len(b)) + 1
	r.n++
	return offset, nil
}

// seal ends the writing; only then may be read.
func (r *records[T]) seal() error {
	if err := r.w.Flush(); err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	return nil
}

// at reads the value at offset.
func (r *records[T]) at(offset int64) (v T, err error) {
	d := json.NewDecoder(bufio.NewReaderSize(io.NewSectionReader(r.f, offset, r.size-offset), 4<<10))
	if err := d.Decode(&v); err != nil {
		return v, fmt.Errorf("spool: %w", err)
	}
	return v, nil
}

// all reads the values in the order in which they were written.
func (r *records[T]) all() iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		d := json.NewDecoder(bufio.NewReaderSize(io.NewSectionReader(r.f, 0, r.size), 64<<10))
		for {
			var v T
			err := d.Decode(&v)
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				err = fmt.Errorf("spool: %w", err)
			}
			if !yield(v, err) || err != nil {
				return
			}
		}
	}
}

func (r *records[T]) close() { _ = r.f.Close() } // nothing in it is wanted any more

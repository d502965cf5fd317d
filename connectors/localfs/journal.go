package localfs

import (
	"bufio"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// runLength is how many records of the journal are sorted at once: 12 MB.
const runLength = 1 << 16

// A journal is what was read since the last walk, sorted: runs of records, each
// in the order of their paths, in a file that has no name any more.
type journal struct {
	path string
	size int64    // of the journal when it was opened
	runs *os.File // nil: none
	ends []int64  // of the runs
}

func (j *journal) open(folder string) error {
	j.path = filepath.Join(folder, journalName)
	f, err := openOld(folder, journalName)
	if f == nil {
		return err
	}
	defer shut(f)
	info, err := f.Stat()
	if err != nil {
		return err
	}
	j.size = info.Size()
	if j.runs, err = create(folder, "runs"); err != nil {
		return err
	}
	if err := os.Remove(j.runs.Name()); err != nil {
		return err
	}
	return j.sort(bufio.NewReader(io.LimitReader(f, j.size)))
}

func (j *journal) sort(r *bufio.Reader) error {
	out, end := bufio.NewWriter(j.runs), int64(0)
	for {
		run := readRun(r)
		if len(run) == 0 {
			return out.Flush()
		}
		slices.SortStableFunc(run, func(a, b record) int { return strings.Compare(a.path, b.path) })
		for _, rec := range run {
			n, err := out.Write(rec.appendTo(nil))
			if err != nil {
				return err
			}
			end += int64(n)
		}
		j.ends = append(j.ends, end)
	}
}

func readRun(r *bufio.Reader) []record {
	var run []record
	for len(run) < runLength {
		rec, err := readRecord(r)
		if err != nil {
			break
		}
		run = append(run, rec)
	}
	return run
}

func (j *journal) streams() []*stream {
	var all []*stream
	start := int64(0)
	for _, end := range j.ends {
		all = append(all, newStream(bufio.NewReader(io.NewSectionReader(j.runs, start, end-start))))
		start = end
	}
	return all
}

// drop takes out of the journal what was in it when it was opened. A record that
// is added at this very moment may get lost.
func (j *journal) drop() error {
	f, err := openOld(filepath.Dir(j.path), journalName)
	if f == nil || j.size == 0 {
		return err
	}
	defer shut(f)
	if _, err := f.Seek(j.size, io.SeekStart); err != nil {
		return err
	}
	rest, err := create(filepath.Dir(j.path), journalName)
	if err != nil {
		return err
	}
	_, err = io.Copy(rest, f)
	if err = errors.Join(err, rest.Close()); err != nil {
		return err
	}
	return os.Rename(rest.Name(), j.path)
}

func (j *journal) close() {
	if j.runs != nil {
		_ = j.runs.Close() // it has no name: nothing stays
	}
}

package gitrepo

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// The types of entries, by the mode that git gives them.
const (
	modeExecutable = "100755"
	modeSymlink    = "120000"
	modeSubmodule  = "160000"
	modeNone       = "000000"
)

// Sizes that are no sizes.
const (
	sizeUnknown int64 = -1
	sizeLeftOut int64 = -2 // the blob is not here: it is as large as the limit, or larger
)

// maxRecord is the longest record that is read; a path has no end in git.
const maxRecord = 1 << 20

// An entry is one file of a commit.
type entry struct {
	mode  string // six octal digits
	id    string // of the blob; of the commit of a submodule
	size  int64
	path  []byte // raw
	moved []byte // from where; nil: from nowhere
	gone  bool   // there is none any more; only path and was are set
	was   object // of a difference: what was there before
}

// An object is one that git knows.
type object struct{ mode, id string }

var errFormat = errors.New("git answers in another form than expected")

// record reads up to the next NUL, without it. io.EOF: there is no more.
func record(r *bufio.Reader) ([]byte, error) {
	var whole []byte
	for {
		part, err := r.ReadSlice(0)
		whole = append(whole, part...)
		switch {
		case err == nil:
			return whole[:len(whole)-1], nil
		case errors.Is(err, bufio.ErrBufferFull) && len(whole) < maxRecord:
		case errors.Is(err, io.EOF) && len(whole) == 0:
			return nil, io.EOF
		default:
			return nil, fmt.Errorf("%w: a record of %d bytes: %w", errFormat, len(whole), err)
		}
	}
}

// readTree reads one entry of "ls-tree -r -l -z": "mode type id size\tpath".
func readTree(r *bufio.Reader) (entry, error) {
	rec, err := record(r)
	if err != nil {
		return entry{}, err
	}
	head, path, ok := bytes.Cut(rec, []byte{'\t'})
	fields := bytes.Fields(head)
	if !ok || len(fields) != 4 || len(path) == 0 || !isID(string(fields[2])) {
		return entry{}, fmt.Errorf("%w: %.100q", errFormat, rec)
	}
	e := entry{mode: string(fields[0]), id: string(fields[2]), path: path}
	switch size := string(fields[3]); size {
	case "-":
		e.size = 0
	case "BAD":
		e.size = sizeLeftOut
	default:
		if e.size, err = strconv.ParseInt(size, 10, 64); err != nil {
			return entry{}, fmt.Errorf("%w: %w", errFormat, err)
		}
	}
	return e, nil
}

// readDiff reads one entry of "diff-tree -r -M -z --raw": ":mode mode id id
// status", a path, and for a rename the path that it leads to.
func readDiff(r *bufio.Reader) (entry, error) {
	head, err := record(r)
	if err != nil {
		return entry{}, err
	}
	fields := bytes.Fields(bytes.TrimPrefix(head, []byte{':'}))
	if len(fields) != 5 || len(fields[4]) == 0 || !isID(string(fields[3])) {
		return entry{}, fmt.Errorf("%w: %.100q", errFormat, head)
	}
	e := entry{mode: string(fields[1]), id: string(fields[3]), size: sizeUnknown, was: object{string(fields[0]), string(fields[2])}}
	if e.path, err = record(r); err == nil && fields[4][0] == 'R' {
		e.moved = e.path
		e.path, err = record(r)
	}
	if err != nil {
		return entry{}, fmt.Errorf("%w: %w", errFormat, err)
	}
	e.gone = e.mode == modeNone
	return e, nil
}

// A reader reads the next entry of a listing. io.EOF: there is none.
type reader func(*bufio.Reader) (entry, error)

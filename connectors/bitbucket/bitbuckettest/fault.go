package bitbuckettest

import (
	"net/http"
	"slices"
	"strings"
)

// A Fault is one way to fail. Where several match, the first one ordered is taken.
type Fault struct {
	Match   string // the path and the decoded query must contain it; empty: any call
	Not     string // and must not contain this one; empty: anything
	Times   int    // how many calls fail; 0: all, until Mend
	Status  int    // the answer, with Header; 0: the right one, changed as below
	Header  http.Header
	Cut     bool // the connection breaks in the middle
	Empty   bool // the page has no items, but leads to the next one
	Shuffle bool // the items are in reverse
	Halve   bool // half of the items are missing
}

// Fail orders a fault.
func (s *Server) Fail(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.Times == 0 {
		f.Times = -1
	}
	s.faults = append(s.faults, &f)
}

// Mend ends all faults.
func (s *Server) Mend() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

func (s *Server) fault(at string) *Fault {
	for _, f := range s.faults {
		if f.Times != 0 && strings.Contains(at, f.Match) && (f.Not == "" || !strings.Contains(at, f.Not)) {
			f.Times--
			return f
		}
	}
	return nil
}

// spoil changes the items of a page.
func (f *Fault) spoil(items []Object) []Object {
	switch {
	case f == nil:
	case f.Empty:
		return nil
	case f.Shuffle:
		slices.Reverse(items)
	case f.Halve:
		return items[:len(items)/2]
	}
	return items
}

func (f *Fault) serve(w http.ResponseWriter, rec *recorder) {
	for name, values := range f.Header {
		rec.header[name] = values
	}
	switch {
	case f.Status != 0:
		rec.refuse(f.Status, "a fault")
	case f.Cut:
		whole := rec.body
		rec.body = whole[:len(whole)/2]
		rec.send(w)
		_ = http.NewResponseController(w).Flush() // what is lost is lost
		panic(http.ErrAbortHandler)               // the documented way to cut a connection
	}
	rec.send(w)
}

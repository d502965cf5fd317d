package githubtest

import (
	"net/http"
	"strings"
)

// A Fault is one way to fail. Where several match, the first one ordered is taken.
type Fault struct {
	Match   string // the path and query must contain it: "/issues?"; empty: any call
	Not     string // and must not contain this one; empty: anything
	Times   int    // how many calls fail; 0: all, until Mend
	Status  int    // the answer, with Header; 0: the right one, changed as below
	Header  http.Header
	Cut     bool            // the connection breaks in the middle
	Empty   bool            // the page has no items, but leads to the next one
	Shuffle bool            // the items are in reverse
	Halve   bool            // half of the items are missing
	Hold    <-chan struct{} // waited for in the middle of the answer
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

func (s *Server) fault(r *http.Request) *Fault {
	at := r.URL.Path + "?" + r.URL.RawQuery
	for _, f := range s.faults {
		if f.Times != 0 && strings.Contains(at, f.Match) && (f.Not == "" || !strings.Contains(at, f.Not)) {
			f.Times--
			return f
		}
	}
	return nil
}

func (f *Fault) serve(w http.ResponseWriter, rec *recorder) {
	for name, values := range f.Header {
		rec.header[name] = values
	}
	switch {
	case f.Status != 0:
		rec.refuse(f.Status, "a fault")
	case f.Empty:
		rec.reply([]Object{})
		if rec.header.Get("Link") == "" {
			rec.header.Set("Link", `<http://example.org/?page=2>; rel="next"`)
		}
	case f.Shuffle, f.Halve:
		rec.change(*f)
	case f.Cut, f.Hold != nil:
		half := len(rec.body) / 2
		whole := rec.body
		rec.body = whole[:half]
		rec.send(w)
		_ = http.NewResponseController(w).Flush() // what is lost is lost
		if f.Hold != nil {
			<-f.Hold
		}
		panic(http.ErrAbortHandler) // the documented way to cut a connection
	}
	rec.send(w)
}

package gittest

import (
	"net/http"
	"strings"
)

// A Fault is one way to fail, of the next requests that it matches.
type Fault struct {
	Path   string // what the path must contain: "git-upload-pack" for a fetch; empty: any
	Times  int    // how many requests fail; 0: all until Mend
	Status int    // the answer, with Header; 0: it is git's own answer, cut
	Header http.Header
	// Cut ends the connection behind so many bytes of git's answer, when Status is
	// 0.
	Cut int
	// Hold, when Status is 0, is waited for before git is asked.
	Hold <-chan struct{}
}

// Fail orders a fault. Of several that match, the first one ordered is taken.
func (s *Server) Fail(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.Times == 0 {
		f.Times = -1
	}
	s.faults = append(s.faults, f)
}

// Mend ends all faults.
func (s *Server) Mend() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

func (s *Server) fault(r *http.Request) (Fault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, f := range s.faults {
		if f.Times != 0 && strings.Contains(r.URL.Path, f.Path) {
			s.faults[i].Times--
			return f, true
		}
	}
	return Fault{}, false
}

func (f Fault) serve(w http.ResponseWriter, r *http.Request, next http.Handler) {
	if f.Status != 0 {
		for name, values := range f.Header {
			w.Header()[name] = values
		}
		w.WriteHeader(f.Status)
		return
	}
	if f.Hold != nil {
		select {
		case <-f.Hold:
		case <-r.Context().Done():
		}
	}
	if f.Cut > 0 {
		next.ServeHTTP(&cutter{ResponseWriter: w, left: f.Cut}, r)
		return
	}
	next.ServeHTTP(w, r)
}

// A cutter breaks the connection in the middle of an answer.
type cutter struct {
	http.ResponseWriter
	left int
}

func (c *cutter) Write(b []byte) (int, error) {
	if len(b) < c.left {
		c.left -= len(b)
		return c.ResponseWriter.Write(b)
	}
	_, _ = c.ResponseWriter.Write(b[:c.left])
	if f, ok := c.ResponseWriter.(http.Flusher); ok {
		f.Flush()
	}
	panic(http.ErrAbortHandler) // the documented way to cut a connection
}

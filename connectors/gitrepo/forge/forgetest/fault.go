package forgetest

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

// Faults are those that were ordered, oldest first. The zero value has none; it is
// not safe for concurrent use.
type Faults struct{ all []*Fault }

// Add orders a fault.
func (f *Faults) Add(one Fault) {
	if one.Times == 0 {
		one.Times = -1
	}
	f.all = append(f.all, &one)
}

// Mend ends all faults.
func (f *Faults) Mend() { f.all = nil }

// Of is the fault that a call meets, and counts it; nil: none.
func (f *Faults) Of(r *http.Request) *Fault {
	at := r.URL.Path + "?" + r.URL.RawQuery
	for _, one := range f.all {
		if one.Times != 0 && strings.Contains(at, one.Match) && (one.Not == "" || !strings.Contains(at, one.Not)) {
			one.Times--
			return one
		}
	}
	return nil
}

// Serve sends what the fault makes of an answer. next is the Link header of an
// empty page that has none.
func (f *Fault) Serve(w http.ResponseWriter, rec *Recorder, next string) {
	for name, values := range f.Header {
		rec.Header[name] = values
	}
	switch {
	case f.Status != 0:
		rec.Reply(map[string]string{"message": "a fault"})
		rec.Status = f.Status
	case f.Empty:
		rec.Reply([]Object{})
		if rec.Header.Get("Link") == "" {
			rec.Header.Set("Link", next)
		}
	case f.Shuffle, f.Halve:
		rec.change(*f)
	case f.Cut, f.Hold != nil:
		half := len(rec.Body) / 2
		whole := rec.Body
		rec.Body = whole[:half]
		rec.Send(w)
		_ = http.NewResponseController(w).Flush() // what is lost is lost
		if f.Hold != nil {
			<-f.Hold
		}
		panic(http.ErrAbortHandler) // the documented way to cut a connection
	}
	rec.Send(w)
}

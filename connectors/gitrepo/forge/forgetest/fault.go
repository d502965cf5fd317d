package forgetest

import (
	"encoding/json"
	"net/http"
	"slices"
)

// A Fault is one way to fail. Where several match, the first one ordered is taken.
type Fault struct {
	Match   string // the path and the decoded query must contain it: "/issues?"; empty: any call
	Not     string // and must not contain this one; empty: anything
	Times   int    // how many calls fail; 0: all, until Mend
	Status  int    // the answer, with Header; 0: the right one, changed as below
	Header  http.Header
	Cut     bool            // the connection breaks in the middle
	Empty   bool            // the page has no items, but leads to the next one
	Shuffle bool            // the items are in reverse
	Halve   bool            // half of the items are missing
	Repeat  bool            // the items are those of the page before
	Stale   bool            // whatever is asked for has not changed
	Hold    <-chan struct{} // waited for in the middle of the answer
}

// Spoil is what the fault makes of the items of a page, of which last were those of
// the page before.
func (f *Fault) Spoil(items, last []Object) []Object {
	switch {
	case f == nil:
	case f.Empty:
		return []Object{}
	case f.Repeat && last != nil:
		return last
	case f.Shuffle:
		items = slices.Clone(items)
		slices.Reverse(items)
	case f.Halve:
		return items[:len(items)/2]
	}
	return items
}

// spoil changes a page that is a list and nothing else.
func (f *Fault) spoil(rec *Recorder, r *http.Request, last []byte) {
	var items, before []Object
	if f == nil || json.Unmarshal(rec.Body, &items) != nil {
		return // it is no list
	}
	if json.Unmarshal(last, &before) != nil {
		before = nil
	}
	rec.Reply(f.Spoil(items, before))
	if f.Empty && rec.Header.Get("Link") == "" {
		rec.Header.Set("Link", `<http://`+r.Host+r.URL.EscapedPath()+`?page=2>; rel="next"`)
	}
}

// serve sends what the fault makes of an answer.
func (f *Fault) serve(w http.ResponseWriter, rec *Recorder) {
	for name, values := range f.Header {
		rec.Header[name] = values
	}
	switch {
	case f.Status != 0:
		rec.Refuse(f.Status, map[string]string{"message": "a fault"})
	case f.Cut, f.Hold != nil:
		whole := rec.Body
		rec.Body = whole[:len(whole)/2]
		rec.send(w)
		_ = http.NewResponseController(w).Flush() // what is lost is lost
		if f.Hold != nil {
			<-f.Hold
		}
		panic(http.ErrAbortHandler) // the documented way to cut a connection
	}
	rec.send(w)
}

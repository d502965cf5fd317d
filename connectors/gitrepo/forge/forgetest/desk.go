package forgetest

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
)

// A Call is one that an API was asked.
type Call struct {
	Method, Path, Query string
	Status              int
	Sent, Answer        []byte // bodies, if they are kept
}

// A Desk takes the calls of an emulator's API. It may be used concurrently.
type Desk struct {
	Keep bool // the bodies of calls

	mu     sync.Mutex
	calls  []Call
	faults []*Fault
	lists  map[string]*answered // by path
}

// answered is the last answer at a path, and the one before it to another question.
type answered struct {
	query        string
	body, before []byte
}

// Calls are the calls since the last time.
func (d *Desk) Calls() []Call {
	d.mu.Lock()
	defer d.mu.Unlock()
	seen := d.calls
	d.calls = nil
	return seen
}

// Fail orders a fault.
func (d *Desk) Fail(f Fault) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if f.Times == 0 {
		f.Times = -1
	}
	d.faults = append(d.faults, &f)
}

// Mend ends all faults.
func (d *Desk) Mend() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.faults = nil
}

// fault is the one that a call meets, and counts it; nil: none.
func (d *Desk) fault(r *http.Request) *Fault {
	query, err := url.QueryUnescape(r.URL.RawQuery)
	if err != nil {
		query = r.URL.RawQuery
	}
	at := r.URL.Path + "?" + query
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, f := range d.faults {
		if f.Times != 0 && strings.Contains(at, f.Match) && (f.Not == "" || !strings.Contains(at, f.Not)) {
			f.Times--
			return f
		}
	}
	return nil
}

// Serve answers a call by route, as far as no fault is in the way.
func (d *Desk) Serve(w http.ResponseWriter, r *http.Request, route func(*Recorder)) {
	f := d.fault(r)
	rec := &Recorder{Header: http.Header{}, Status: http.StatusOK, Fault: f}
	c := Call{Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery}
	if d.Keep {
		c.Sent, _ = io.ReadAll(r.Body) // one that breaks is not what it should be, which is seen
		r.Body = io.NopCloser(bytes.NewReader(c.Sent))
	}
	route(rec)
	last := d.remember(r, rec.Body)
	f.spoil(rec, r, last)
	rec.conditional(r, f != nil && f.Stale)
	if c.Status = rec.Status; d.Keep {
		c.Answer = rec.Body
	}
	if f != nil && f.Status != 0 {
		c.Status = f.Status
	}
	d.mu.Lock()
	d.calls = append(d.calls, c)
	d.mu.Unlock()
	if f != nil {
		f.serve(w, rec)
		return
	}
	rec.send(w)
}

// remember keeps an answer and gives the one before it at the same path, to another
// question.
func (d *Desk) remember(r *http.Request, body []byte) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.lists == nil {
		d.lists = map[string]*answered{}
	}
	last := d.lists[r.URL.Path]
	if last == nil {
		last = &answered{}
		d.lists[r.URL.Path] = last
	}
	if last.query != r.URL.RawQuery {
		last.query, last.before = r.URL.RawQuery, last.body
	}
	last.body = body
	return last.before
}

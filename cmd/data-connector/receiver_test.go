package main

import (
	"encoding/json"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/confuse/data-connector/adapters/pipeline/webhook"
	"github.com/confuse/data-connector/domain"
)

const receiverSecret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

// A delivery is one change that a receiver took.
type delivery struct {
	ID     string // webhook-id
	Type   string
	File   domain.FileChanged
	Source domain.SourceChanged
}

// A receiver takes signed webhooks and refuses what is not as the standard has it.
type receiver struct {
	t    *testing.T
	key  []byte
	addr string

	mu       sync.Mutex
	server   *http.Server
	trouble  float64            // how often it misbehaves, 0 to 1
	refuse   func(delivery) int // a status to answer with; 0: as always
	taken    []delivery         // in the order of arrival, repeats too
	lost     int                // taken, and the answer was lost
	asked    int
	changed  chan struct{}
	contract []string // what was wrong with a request
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	key, err := webhook.Key(receiverSecret)
	if err != nil {
		t.Fatal(err)
	}
	r := &receiver{t: t, key: key, addr: "127.0.0.1:0", changed: make(chan struct{})}
	r.start()
	t.Cleanup(r.stop)
	return r
}

// start listens, after a stop on the same port.
func (r *receiver) start() {
	r.t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(r.t.Context(), "tcp", r.addr)
	if err != nil {
		r.t.Fatal(err)
	}
	r.addr = listener.Addr().String()
	server := &http.Server{Handler: r, ReadHeaderTimeout: time.Minute}
	r.mu.Lock()
	r.server = server
	r.mu.Unlock()
	go func() { _ = server.Serve(listener) }() // until it is closed
}

// stop cuts all connections.
func (r *receiver) stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	_ = r.server.Close() // nothing is left of it anyway
}

func (r *receiver) env() []string {
	return []string{
		"WEBHOOK_STAGE_URL=http://" + r.addr, "WEBHOOK_STAGE_SECRET=" + receiverSecret,
		"DISPATCH_BACKOFF=20ms", "DISPATCH_MAX_BACKOFF=200ms", "DISPATCH_BREAKER_OPEN=100ms", "DISPATCH_TIMEOUT=500ms",
	}
}

// ServeHTTP takes a delivery, or misbehaves.
func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return // the other side is gone
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked++
	d, wrong := r.check(req, body)
	if wrong != "" {
		r.contract = append(r.contract, wrong)
		http.Error(w, wrong, http.StatusUnauthorized)
		return
	}
	if r.refuse != nil {
		if status := r.refuse(d); status != 0 {
			http.Error(w, "not this one", status)
			return
		}
	}
	if rand.Float64() >= r.trouble {
		r.take(d)
		w.WriteHeader(http.StatusNoContent)
		return
	}
	r.misbehave(w, d)
}

func (r *receiver) check(req *http.Request, body []byte) (delivery, string) {
	id, at := req.Header.Get(webhook.HeaderID), req.Header.Get(webhook.HeaderTimestamp)
	switch {
	case req.Method != http.MethodPost || req.Header.Get("Content-Type") != "application/json":
		return delivery{}, "no POST of JSON"
	case webhook.Sign(r.key, id, at, body) != req.Header.Get(webhook.HeaderSignature):
		return delivery{}, "wrong signature"
	case req.Header.Get("Idempotency-Key") != id:
		return delivery{}, "no idempotency key"
	}
	var p struct {
		Type string
		Data json.RawMessage
	}
	d := delivery{ID: id}
	err := json.Unmarshal(body, &p)
	d.Type = p.Type
	if err == nil && p.Type == webhook.TypeFile {
		err = json.Unmarshal(p.Data, &d.File)
	} else if err == nil {
		err = json.Unmarshal(p.Data, &d.Source)
	}
	if err != nil {
		return delivery{}, err.Error()
	}
	return d, ""
}

func (r *receiver) take(d delivery) {
	r.taken = append(r.taken, d)
	close(r.changed)
	r.changed = make(chan struct{})
}

func (r *receiver) misbehave(w http.ResponseWriter, d delivery) {
	switch rand.IntN(5) {
	case 0:
		http.Error(w, "oh no", http.StatusInternalServerError)
	case 1:
		w.Header().Set("Retry-After", "0")
		http.Error(w, "slow down", http.StatusTooManyRequests)
	case 2: // cut before
		panic(http.ErrAbortHandler)
	case 3: // cut behind
		r.take(d)
		r.lost++
		panic(http.ErrAbortHandler)
	default:
		http.Error(w, "restarting", http.StatusBadGateway)
	}
}

// await returns when ok holds for what was taken.
func (r *receiver) await(what string, ok func(taken []delivery) bool) {
	r.t.Helper()
	late := time.After(time.Minute)
	for {
		r.mu.Lock()
		done, changed, n := ok(r.taken), r.changed, len(r.taken)
		r.mu.Unlock()
		if done {
			return
		}
		select {
		case <-changed:
		case <-late:
			r.t.Fatalf("%s: not after a minute; %d deliveries were taken", what, n)
		}
	}
}

// states are the changes of files that were taken, each once, by event id.
func states(taken []delivery) map[string]domain.FileChanged {
	all := map[string]domain.FileChanged{}
	for _, d := range taken {
		if d.Type == webhook.TypeFile {
			all[d.ID] = d.File
		}
	}
	return all
}

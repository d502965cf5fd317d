package httpapi_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/confuse/data-connector/adapters/httpapi"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/ingest"
)

// desk takes deliveries.
type desk struct {
	mu    sync.Mutex
	taken []ingest.Arrival
	reply ingest.Taken
	err   error
	block chan struct{} // Take waits for it; nil: it does not
	peak  uint64        // bytes of the heap, as a delivery was taken
}

func (d *desk) Takes(provider string) bool { return provider == "github" }

func (d *desk) Take(_ context.Context, a ingest.Arrival) (ingest.Taken, error) {
	var m runtime.MemStats
	if len(a.Body) > 1<<20 {
		runtime.ReadMemStats(&m)
		a.Body = a.Body[:1]
	}
	if d.block != nil {
		<-d.block
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	a.Body = bytes.Clone(a.Body)
	d.taken, d.peak = append(d.taken, a), max(d.peak, m.HeapInuse)
	return d.reply, d.err
}

func webhookAPI(d httpapi.Deliveries) http.Handler {
	p := parts(newWorld())
	p.Deliveries = d
	return httpapi.New(p)
}

// deliver sends a body as a provider does.
func deliver(h http.Handler, path, body string, change func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(context.Background(), http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Correlation-Id", "c-1")
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestWebhooks(t *testing.T) {
	t.Parallel()

	tests := map[string]struct {
		reply ingest.Taken
		want  string
	}{
		"a hint":   {ingest.Taken{Hints: 1, Job: openJob}, `{"received":true,"jobId":"` + openJob.String() + `"}`},
		"ignored":  {ingest.Taken{Ignored: "a ping"}, `{"received":true,"ignored":"a ping"}`},
		"repeated": {ingest.Taken{Repeated: 1, Job: openJob}, `{"received":true,"jobId":"` + openJob.String() + `","repeated":true}`},
		"several":  {ingest.Taken{Hints: 2, Repeated: 1}, `{"received":true}`},
	}
	for name, tt := range tests {
		for _, path := range []string{"/webhooks/github", "/webhooks/github/0123"} {
			d := &desk{reply: tt.reply}
			const body = "{\"a\" : 1,\"a\":2}\r\n \xff"
			w := deliver(webhookAPI(httpapi.Deliveries{Webhooks: d}), path, body, func(r *http.Request) { r.Header.Set("X-Hub-Signature-256", "s") })
			if w.Code != http.StatusOK || strings.TrimSpace(w.Body.String()) != tt.want {
				t.Errorf("%s: got %d %s, want %s", name, w.Code, w.Body, tt.want)
			}
			got := d.taken[0]
			if string(got.Body) != body || got.Header.Get("X-Hub-Signature-256") != "s" || got.Provider != "github" || "/webhooks/github/"+got.Key != path && got.Key != "" || got.Relayed {
				t.Errorf("%s: got %+v, want the raw bytes", name, got)
			}
		}
	}
}

func TestWebhooksRefused(t *testing.T) {
	t.Parallel()

	encoded := func(r *http.Request) { r.Header.Set("Content-Encoding", "gzip") }
	form := func(r *http.Request) { r.Header.Set("Content-Type", "application/x-www-form-urlencoded") }
	declared := func(r *http.Request) { r.ContentLength = 25<<20 + 1 }
	endless := func(r *http.Request) {
		r.ContentLength, r.Body = -1, io.NopCloser(io.LimitReader(zeros{}, 25<<20+1))
	}
	tests := map[string]struct {
		path   string
		change func(*http.Request)
		err    error
		status int
	}{
		"another provider":   {path: "/webhooks/gdrive", status: 404},
		"compressed":         {change: encoded, status: 415},
		"a form":             {change: form, status: 415},
		"too large":          {change: declared, status: 413},
		"too large, untold":  {change: endless, status: 413},
		"cut off":            {change: func(r *http.Request) { r.ContentLength = 99 }, status: 400},
		"not signed":         {err: domain.ErrUnauthorized, status: 401},
		"signed nonsense":    {err: &domain.InvalidError{Problem: "is no delivery"}, status: 400},
		"durable nowhere":    {err: fmt.Errorf("log and inbox: %w", domain.ErrUnavailable), status: 503},
		"GET is not allowed": {change: func(r *http.Request) { r.Method = http.MethodGet }, status: 405},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			d := &desk{err: tt.err}
			path := "/webhooks/github"
			if tt.path != "" {
				path = tt.path
			}
			w := deliver(webhookAPI(httpapi.Deliveries{Webhooks: d}), path, `{}`, tt.change)
			if w.Code != tt.status {
				t.Errorf("got %d %s, want %d", w.Code, w.Body, tt.status)
			}
			if tt.err == nil && len(d.taken) > 0 {
				t.Error("it was taken")
			}
			if w.Code == 503 && w.Header().Get("Retry-After") == "" {
				t.Error("got no Retry-After")
			}
		})
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// Who is refused learns nothing of why: body and headers are the same.
func TestWebhooksRefusedAlike(t *testing.T) {
	t.Parallel()

	var first *httptest.ResponseRecorder
	for _, path := range []string{"/webhooks/github", "/webhooks/github/0123", "/webhooks/github/4567"} {
		for _, cause := range []string{"wrong", "unknown"} {
			d := &desk{err: fmt.Errorf("%s: %w", cause, domain.ErrUnauthorized)}
			w := deliver(webhookAPI(httpapi.Deliveries{Webhooks: d}), path, `{}`, nil)
			if first == nil {
				first = w
			}
			if w.Code != 401 || w.Body.String() != first.Body.String() || fmt.Sprint(w.Header()) != fmt.Sprint(first.Header()) {
				t.Errorf("%s, %s: got %d %s %v, want %s %v", path, cause, w.Code, w.Body, w.Header(), first.Body, first.Header())
			}
		}
	}
}

func TestWebhooksLimit(t *testing.T) {
	t.Parallel()

	d := &desk{}
	api := webhookAPI(httpapi.Deliveries{Webhooks: d, Limit: 2})
	for _, want := range []struct {
		path, peer string
		status     int
	}{{"/1", "192.0.2.1:1", 200}, {"/1", "192.0.2.1:2", 200}, {"/1", "192.0.2.1:3", 429}, {"/2", "192.0.2.1:4", 200}, {"/1", "192.0.2.2:1", 200}} {
		w := deliver(api, "/webhooks/github"+want.path, `{}`, func(r *http.Request) { r.RemoteAddr = want.peer })
		if w.Code != want.status {
			t.Errorf("%+v: got %d", want, w.Code)
		}
		if w.Code == 429 && w.Header().Get("Retry-After") == "" {
			t.Error("got no Retry-After")
		}
	}
}

// Only a trusted gateway's deliveries are relayed ones, and only where that was
// asked for.
func TestWebhooksOfAGateway(t *testing.T) {
	t.Parallel()

	auth := httpapi.TrustedHeader(httpapi.Gateway{Token: "t", Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
	gate, ok := auth.(httpapi.Gatekeeper)
	if !ok {
		t.Fatal("TrustedHeader is no Gatekeeper")
	}
	tests := map[string]struct {
		gate        httpapi.Gatekeeper
		peer, token string
		want        bool
	}{
		"a proxy":         {gate, "10.1.2.3:4", "", true},
		"a token":         {gate, "192.0.2.1:4", "t", true},
		"a wrong token":   {gate, "10.1.2.3:4", "wrong", false},
		"somebody":        {gate, "192.0.2.1:4", "", false},
		"not asked for":   {nil, "10.1.2.3:4", "t", false},
		"a peer unknown ": {gate, "@", "", false},
	}
	for name, tt := range tests {
		d := &desk{}
		deliver(webhookAPI(httpapi.Deliveries{Webhooks: d, Gateway: tt.gate}), "/webhooks/github", `{}`, func(r *http.Request) {
			r.RemoteAddr = tt.peer
			if tt.token != "" {
				r.Header.Set("X-Service-Token", tt.token)
			}
		})
		if got := d.taken[0].Relayed; got != tt.want {
			t.Errorf("%s: got %v, want %v", name, got, tt.want)
		}
	}
}

// The largest bodies are held one at a time, whatever their senders tell of their
// size, while usual ones pass beside them.
func TestWebhooksMemory(t *testing.T) { //nolint:paralleltest // it looks at the heap of the process
	d := &desk{block: make(chan struct{})}
	api := webhookAPI(httpapi.Deliveries{Webhooks: d})
	var before runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var senders sync.WaitGroup
	for i := range 4 {
		senders.Go(func() {
			w := deliver(api, "/webhooks/github", "", func(r *http.Request) {
				r.ContentLength, r.Body = 25<<20, io.NopCloser(io.LimitReader(zeros{}, 25<<20))
				if i%2 == 1 {
					r.ContentLength = -1
				}
			})
			if w.Code != http.StatusOK {
				t.Errorf("got %d %s", w.Code, w.Body)
			}
		})
	}
	done := make(chan int, 1)
	go func() { done <- deliver(api, "/webhooks/github", `{}`, nil).Code }()
	for range 5 {
		d.block <- struct{}{} // lets one of them go at a time
	}
	senders.Wait()
	select {
	case code := <-done:
		if code != http.StatusOK {
			t.Errorf("a usual one: got %d", code)
		}
	case <-time.After(10 * time.Second):
		t.Error("a usual delivery waits for the large ones")
	}
	if extra := int64(d.peak) - int64(before.HeapInuse); extra > 64<<20 {
		t.Errorf("got %d MiB more than before, want at most 64", extra>>20)
	} else {
		t.Logf("%d MiB more than before", extra>>20)
	}
}

// A peer that begins many bodies and does not end them keeps nobody else out.
func TestWebhooksOfASlowPeer(t *testing.T) {
	t.Parallel()

	api := webhookAPI(httpapi.Deliveries{Webhooks: &desk{}})
	var slow sync.WaitGroup
	hold, begun := make(chan struct{}), make(chan struct{}, 40)
	for range cap(begun) {
		slow.Go(func() {
			deliver(api, "/webhooks/github", "", func(r *http.Request) {
				r.RemoteAddr, r.ContentLength = "192.0.2.1:1", 1<<20
				r.Body = io.NopCloser(&held{begun, hold})
			})
		})
	}
	for range 4 { // as many of them as there is room for
		<-begun
	}
	for range 10 {
		w := deliver(api, "/webhooks/github", strings.Repeat(" ", 1<<20), func(r *http.Request) { r.RemoteAddr = "192.0.2.2:1" })
		if w.Code != http.StatusOK {
			t.Errorf("somebody else: got %d %s", w.Code, w.Body)
		}
	}
	close(hold)
	slow.Wait()
}

// held is a body that comes once it may.
type held struct{ begun, may chan struct{} }

func (h *held) Read([]byte) (int, error) {
	h.begun <- struct{}{}
	<-h.may
	return 0, io.EOF
}

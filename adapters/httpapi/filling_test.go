package httpapi_test

import (
	"errors"
	"testing"

	"github.com/confuse/data-connector/adapters/httpapi"
)

// Nothing is said not to be there before the tables can know it.
func TestFilling(t *testing.T) {
	t.Parallel()

	p, filling := parts(newWorld()), true
	p.Filling = func() bool { return filling }
	api := httpapi.New(p)
	unknown := "/sources/01920000-0000-7000-8000-00000000000f"
	for path, status := range map[string]int{unknown: 503, "/sources": 503, "/webhooks/memory": 503, "/livez": 200, "/openapi.json": 200} {
		r := call(t, api, "GET", path, "")
		if r.StatusCode != status {
			t.Errorf("%s while the tables are filled: got %d, want %d", path, r.StatusCode, status)
		}
		if status == 503 && r.Header.Get("Retry-After") == "" {
			t.Errorf("%s: got no Retry-After", path)
		}
	}
	filling = false
	if r := call(t, api, "GET", unknown, ""); r.StatusCode != 404 {
		t.Errorf("got %d for an unknown source, want 404", r.StatusCode)
	}
}

// Trouble of the database that passes is no fault of ours.
func TestOutage(t *testing.T) {
	t.Parallel()

	for gone, status := range map[bool]int{true: 503, false: 500} {
		w := newWorld()
		w.err = errors.New("FATAL: terminating connection due to administrator command")
		p := parts(w)
		p.Outage = func(err error) bool { return gone && errors.Is(err, w.err) }
		if r := call(t, httpapi.New(p), "POST", "/sources", `{"type":"localfs","config":{}}`); r.StatusCode != status {
			t.Errorf("outage %v: got %d, want %d", gone, r.StatusCode, status)
		}
	}
}

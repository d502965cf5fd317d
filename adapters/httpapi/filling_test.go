package httpapi_test

import (
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

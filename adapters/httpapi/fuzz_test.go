package httpapi_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/confuse/data-connector/adapters/httpapi"
)

// Whatever a body is, the answer is no 5xx, and a refusal is the documented
// envelope.
func FuzzBodies(f *testing.F) {
	targets := bodyTargets()
	for _, tt := range badBodies() {
		f.Add(uint8(0), []byte(tt.body))
		f.Add(uint8(1), []byte(tt.body))
	}
	for i := range targets {
		f.Add(uint8(i), []byte(`{"type":"full","source_id":"01950000-0000-7000-8000-00000000000a","config":{},"name":"x"}`))
	}
	w := newWorld()
	h := httpapi.New(parts(w))
	f.Fuzz(func(t *testing.T, target uint8, body []byte) {
		to := targets[int(target)%len(targets)]
		neverBroken(t, h, to.method, to.path, string(body))
		w.connects, w.syncs, w.changes = nil, nil, nil
	})
}

type bodyTarget struct{ method, path string }

func bodyTargets() []bodyTarget {
	return []bodyTarget{
		{"POST", "/sources"}, {"PATCH", "/sources/" + annSource.String()}, {"POST", "/sources/" + annSource.String() + "/sync"}, {"POST", "/ingest"},
	}
}

// A cursor is a stranger's text, too.
func FuzzCursors(f *testing.F) {
	for _, seed := range []string{
		"", "AQ", "AREREREREREREREREREREREREREREXg", "gQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "%00", "AQ==", strings.Repeat("A", 9000), "\xff",
		"gf__________ERERERERERERERERERERERER",
	} {
		f.Add(seed)
	}
	paths := []string{"/sources/" + annSource.String() + "/files", "/webhook-events", "/sources/" + annSource.String() + "/events", "/poison"}
	w := newWorld()
	h := httpapi.New(parts(w))
	f.Fuzz(func(t *testing.T, cursor string) {
		w.fileAsks, w.hintAsks, w.poisonAsks = nil, nil, nil
		for _, path := range paths {
			neverBroken(t, h, "GET", path+"?cursor="+url.QueryEscape(cursor), "")
			neverBroken(t, h, "GET", path+"?limit=1&from="+url.QueryEscape(cursor), "")
		}
	})
}

// A key that is none of the ring lets nobody in, however it is written.
func FuzzKeys(f *testing.F) {
	for _, seed := range [][2]string{
		{"Bearer dck_all", ""}, {"", "dck_all"}, {"Bearer  dck_all", ""}, {"bearer", "dck_all"}, {"Basic YTpi", ""}, {"Bearer dck_all, Bearer x", "dck_all"}, {"\x00", "\xff"},
	} {
		f.Add(seed[0], seed[1])
	}
	var asked []string
	p := parts(newWorld())
	p.Auth = httpapi.APIKeys(keyring{&asked})
	h := httpapi.New(p)
	f.Fuzz(func(t *testing.T, authorization, own string) {
		asked = nil
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/sources", http.NoBody)
		r.Header["Authorization"], r.Header["X-Api-Key"] = []string{authorization}, []string{own}
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		knows := strings.Contains(authorization+own, "dck_")
		if rec.Code >= http.StatusInternalServerError && !knows || rec.Code == http.StatusOK && !knows {
			t.Errorf("%q and %q: got status %d", authorization, own, rec.Code)
		}
	})
}

func neverBroken(t *testing.T, h http.Handler, method, target, body string) {
	t.Helper()
	r := call(t, h, method, target, body)
	if r.StatusCode >= http.StatusInternalServerError {
		t.Fatalf("%s %s with %q: got status %d: %s", method, target, body, r.StatusCode, r.Body)
	}
	var said refusal
	if r.StatusCode >= http.StatusBadRequest && (json.Unmarshal(r.Body, &said) != nil || said.Error.Code == "") {
		t.Fatalf("%s %s with %q: got status %d and %s, want the error envelope", method, target, body, r.StatusCode, r.Body)
	}
}

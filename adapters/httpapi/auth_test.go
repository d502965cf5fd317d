package httpapi_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/confuse/data-connector/adapters/httpapi"
	"github.com/confuse/data-connector/domain"
)

// keyring knows a few keys and whether it was asked for another one.
type keyring struct{ asked *[]string }

func (k keyring) Caller(_ context.Context, key string) (domain.Caller, error) {
	*k.asked = append(*k.asked, key)
	switch key {
	case "dck_all":
		return domain.Caller{Owner: "ann"}, nil
	case "dck_id":
		return domain.Caller{Owner: "ann", KeyID: "key-1"}, nil
	case "dck_read":
		return domain.Caller{Owner: "ann", Rights: []domain.Right{domain.MayRead}}, nil
	case "dck_write":
		return domain.Caller{Owner: "ann", Rights: []domain.Right{domain.MayWrite}}, nil
	case "dck_down":
		return domain.Caller{}, fmt.Errorf("database: %w", domain.ErrUnavailable)
	}
	return domain.Caller{}, domain.ErrUnauthorized
}

func TestAPIKeys(t *testing.T) {
	t.Parallel()

	tests := map[string]struct {
		method string
		header []string
		status int
		code   string // "" for a status below 400
		asked  int    // look-ups
	}{
		"bearer":               {"GET", []string{"Authorization", "Bearer dck_all"}, 200, "", 1},
		"scheme in any case":   {"GET", []string{"Authorization", "bearer dck_all"}, 200, "", 1},
		"own header":           {"GET", []string{"X-API-Key", "dck_all"}, 200, "", 1},
		"the same in both":     {"GET", []string{"X-API-Key", "dck_all", "Authorization", "Bearer dck_all"}, 200, "", 1},
		"two keys":             {"GET", []string{"X-API-Key", "dck_all", "Authorization", "Bearer dck_read"}, 401, "UNAUTHORIZED", 0},
		"none":                 {"GET", nil, 401, "UNAUTHORIZED", 0},
		"not one of ours":      {"GET", []string{"X-API-Key", "hunter2"}, 401, "UNAUTHORIZED", 0},
		"far too long":         {"GET", []string{"X-API-Key", "dck_" + strings.Repeat("x", 1000)}, 401, "UNAUTHORIZED", 0},
		"basic":                {"GET", []string{"Authorization", "Basic ZGNrX2FsbA=="}, 401, "UNAUTHORIZED", 0},
		"expired or unknown":   {"GET", []string{"X-API-Key", "dck_old"}, 401, "UNAUTHORIZED", 1},
		"store is down":        {"GET", []string{"X-API-Key", "dck_down"}, 503, "UNAVAILABLE", 1},
		"reader reads":         {"GET", []string{"X-API-Key", "dck_read"}, 200, "", 1},
		"reader asks for HEAD": {"HEAD", []string{"X-API-Key", "dck_read"}, 200, "", 1},
		"reader writes":        {"POST", []string{"X-API-Key", "dck_read"}, 403, "FORBIDDEN", 1},
		"writer writes":        {"POST", []string{"X-API-Key", "dck_write"}, 201, "", 1},
		"writer reads":         {"GET", []string{"X-API-Key", "dck_write"}, 403, "FORBIDDEN", 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			var asked []string
			w := newWorld()
			p := parts(w)
			p.Auth = httpapi.APIKeys(keyring{&asked})
			body := ""
			if tt.method == http.MethodPost {
				body = `{"type":"localfs","config":{}}`
			}
			r := call(t, httpapi.New(p), tt.method, "/sources", body, tt.header...)
			if tt.code != "" {
				wantRefusal(t, r, tt.status, tt.code)
				if n := len(w.connects) + w.reads; n > 0 {
					t.Errorf("refused, but %d things were done", n)
				}
			} else if r.StatusCode != tt.status {
				t.Errorf("got status %d, want %d", r.StatusCode, tt.status)
			}
			if len(asked) != tt.asked {
				t.Errorf("got %d look-ups, want %d", len(asked), tt.asked)
			}
			if (tt.status == http.StatusUnauthorized) != (r.Header.Get("WWW-Authenticate") != "") {
				t.Errorf("got WWW-Authenticate %q", r.Header.Get("WWW-Authenticate"))
			}
		})
	}
}

func TestOpenEndpointsNeedNoKey(t *testing.T) {
	t.Parallel()

	p := parts(newWorld())
	p.Auth = httpapi.APIKeys(keyring{new([]string)})
	p.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	api := httpapi.New(p)
	for _, path := range []string{"/health", "/livez", "/readyz", "/metrics", "/openapi.json", "/asyncapi.json", "/docs"} {
		if r := call(t, api, "GET", path, ""); r.StatusCode != http.StatusOK {
			t.Errorf("%s: got %d, want 200", path, r.StatusCode)
		}
	}
	for name, e := range examples() {
		if name == "health" || name == "livez" || name == "readyz" || e.signed() {
			continue
		}
		if r := call(t, api, e.method, e.path, e.body); r.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: got %d, want 401", name, r.StatusCode)
		}
	}
}

func TestLoopback(t *testing.T) {
	t.Parallel()

	tests := map[string]struct {
		peer, host string
		header     []string
		forbidden  bool
	}{
		"this machine":                  {peer: "127.0.0.1:5000", host: "localhost:8000"},
		"by address":                    {peer: "127.0.0.1:5000", host: "127.0.0.1:8000"},
		"IPv6":                          {peer: "[::1]:5000", host: "[::1]:8000"},
		"IPv6 without a port":           {peer: "[::1]:5000", host: "[::1]"},
		"mapped":                        {peer: "[::ffff:127.0.0.1]:5000", host: "localhost"},
		"another machine":               {peer: "10.0.0.9:5000", host: "localhost:8000", forbidden: true},
		"rebound name":                  {peer: "127.0.0.1:5000", host: "evil.example:8000", forbidden: true},
		"name that starts right":        {peer: "127.0.0.1:5000", host: "localhost.evil.example", forbidden: true},
		"page of another origin":        {peer: "127.0.0.1:5000", host: "localhost:8000", header: []string{"Sec-Fetch-Site", "cross-site"}, forbidden: true},
		"origin without fetch metadata": {peer: "127.0.0.1:5000", host: "localhost:8000", header: []string{"Origin", "http://evil.example"}, forbidden: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			w := newWorld()
			p := parts(w)
			p.Auth = httpapi.Loopback("local")
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/sources/"+annSource.String()+"/sync", nil)
			r.RemoteAddr, r.Host = tt.peer, tt.host
			for i := 0; i+1 < len(tt.header); i += 2 {
				r.Header.Set(tt.header[i], tt.header[i+1])
			}
			rec := httptest.NewRecorder()
			httpapi.New(p).ServeHTTP(rec, r)
			if tt.forbidden {
				wantRefusal(t, answer{rec.Code, rec.Header(), rec.Body.Bytes()}, http.StatusForbidden, "FORBIDDEN")
				return
			}
			if rec.Code != http.StatusAccepted || w.syncs[0].Owner != "local" {
				t.Errorf("got %d %+v, want 202 for owner local", rec.Code, w.syncs)
			}
		})
	}
}

package httpapi_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/confuse/data-connector/adapters/httpapi"
)

const page = "https://app.example.com"

func TestCrossOrigin(t *testing.T) {
	t.Parallel()

	p := parts(newWorld())
	p.Origins = []string{page}
	api := httpapi.New(p)
	r := call(t, api, "OPTIONS", "/sources/"+annSource.String(), "", "Origin", page, "Access-Control-Request-Method", "PATCH", "Access-Control-Request-Headers", "authorization, content-type")
	if r.StatusCode != 200 || r.Header.Get("Access-Control-Allow-Origin") != page || r.Header.Get("Access-Control-Allow-Methods") != "PATCH" {
		t.Errorf("preflight: got %d %v", r.StatusCode, r.Header)
	}
	if r.Header.Get("Access-Control-Allow-Credentials") != "" {
		t.Error("credentials are shared")
	}
	r = call(t, api, "GET", "/sources", "", "Origin", page)
	if r.StatusCode != 200 || r.Header.Get("Access-Control-Allow-Origin") != page || !strings.Contains(strings.Join(r.Header.Values("Access-Control-Expose-Headers"), ","), "Log-Position") {
		t.Errorf("call: got %d %v", r.StatusCode, r.Header)
	}
	if wrong := call(t, api, "GET", "/sources?limit=0", "", "Origin", page); wrong.Header.Get("Access-Control-Allow-Origin") != page {
		t.Errorf("a page cannot read why it was refused: %v", wrong.Header)
	}
	for _, header := range []string{"X-User-Id", "X-Service-Token"} {
		r := call(t, api, "OPTIONS", "/sources", "", "Origin", page, "Access-Control-Request-Method", "GET", "Access-Control-Request-Headers", header)
		if r.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("a page may send %s", header)
		}
	}
	for name, tt := range map[string]struct {
		origins []string
		origin  string
	}{"another origin": {[]string{page}, "https://evil.example"}, "off": {nil, page}, "longer": {[]string{page}, page + ".evil.example"}} {
		p := parts(newWorld())
		p.Origins = tt.origins
		r := call(t, httpapi.New(p), "GET", "/sources", "", "Origin", tt.origin)
		if got := r.Header.Get("Access-Control-Allow-Origin"); got != "" {
			t.Errorf("%s: got %q allowed", name, got)
		}
	}
}

// Pages that may read a local service may write to it, too; the others may not.
func TestLoopbackTrustsItsOrigins(t *testing.T) {
	t.Parallel()

	p := parts(newWorld())
	p.Auth = httpapi.Loopback("ann", page, "*", "no origin")
	api := httpapi.New(p)
	write := func(origin string) answer {
		return local(t, api, "POST", "/sources/"+annSource.String()+"/sync", "Origin", origin, "Sec-Fetch-Site", "cross-site")
	}
	if r := write(page); r.StatusCode != http.StatusAccepted {
		t.Errorf("got %d %s", r.StatusCode, r.Body)
	}
	wantRefusal(t, write("https://evil.example"), 403, "FORBIDDEN")
}

func TestSecurityHeaders(t *testing.T) {
	t.Parallel()

	api := httpapi.New(parts(newWorld()))
	for _, path := range []string{"/sources", "/sources?limit=0", "/nothing", "/livez", contentPath(readme), "/docs", "/openapi.json"} {
		h := call(t, api, "GET", path, "").Header
		for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer"} {
			if h.Get(name) != want {
				t.Errorf("%s: got %s %q, want %q", path, name, h.Get(name), want)
			}
		}
		policy := strings.Split(h.Get("Content-Security-Policy"), "; ")
		if !slices.Contains(policy, "default-src 'none'") {
			t.Errorf("%s: got policy %q", path, policy)
		}
	}
}

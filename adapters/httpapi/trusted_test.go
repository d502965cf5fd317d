package httpapi_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/confuse/data-connector/adapters/httpapi"
)

// gateways trusts a token, and one network of each kind.
func gateways() httpapi.Gateway {
	return httpapi.Gateway{
		Token: "s3cret", Proxies: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("fd00::/8")},
		Keys: httpapi.APIKeys(keyring{new([]string)}),
	}
}

func TestTrustedHeader(t *testing.T) {
	t.Parallel()

	const near, far = "10.1.2.3:5000", "192.0.2.7:5000"
	tests := map[string]struct {
		peer   string
		header []string
		status int
	}{
		"by token":                       {far, []string{"X-Service-Token", "s3cret", "X-User-Id", "ann"}, 200},
		"by network":                     {near, []string{"X-User-Id", "ann"}, 200},
		"by network, mapped":             {"[::ffff:10.1.2.3]:5000", []string{"X-User-Id", "ann"}, 200},
		"by network, IPv6":               {"[fd00::1%eth0]:5000", []string{"X-User-Id", "ann"}, 200},
		"nobody trusted":                 {far, []string{"X-User-Id", "ann"}, 401},
		"forwarded for is not looked at": {far, []string{"X-User-Id", "ann", "X-Forwarded-For", "10.1.2.3", "Forwarded", "for=10.1.2.3", "X-Real-Ip", "10.1.2.3"}, 401},
		"wrong token":                    {far, []string{"X-Service-Token", "s3cre", "X-User-Id", "ann"}, 401},
		"longer token":                   {far, []string{"X-Service-Token", "s3cret2", "X-User-Id", "ann"}, 401},
		"empty token":                    {far, []string{"X-Service-Token", "", "X-User-Id", "ann"}, 401},
		"wrong token in the network":     {near, []string{"X-Service-Token", "wrong", "X-User-Id", "ann"}, 401},
		"two tokens":                     {far, []string{"X-Service-Token", "s3cret", "X-Service-Token", "wrong", "X-User-Id", "ann"}, 401},
		"no user":                        {near, nil, 401},
		"empty user":                     {near, []string{"X-User-Id", ""}, 401},
		"two users":                      {near, []string{"X-User-Id", "ann", "X-User-Id", "bob"}, 401},
		"user with a space":              {near, []string{"X-User-Id", "ann bob"}, 401},
		"user that is no text":           {near, []string{"X-User-Id", "ann\xff"}, 401},
		"long user":                      {near, []string{"X-User-Id", strings.Repeat("a", 257)}, 401},
		"peer without an address":        {"@", []string{"X-User-Id", "ann"}, 401},
		"a key from afar":                {far, []string{"X-API-Key", "dck_all"}, 200},
		"a key, and a user nobody asked": {far, []string{"X-API-Key", "dck_all", "X-User-Id", "bob"}, 200},
		"a key in the network":           {near, []string{"X-API-Key", "dck_all"}, 200},
		"a wrong key in the network":     {near, []string{"X-API-Key", "dck_old"}, 401},
		"the gateway's word goes first":  {near, []string{"X-API-Key", "dck_old", "X-User-Id", "ann"}, 200},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			p := parts(newWorld())
			p.Auth = httpapi.TrustedHeader(gateways())
			r := from(t, httpapi.New(p), tt.peer, "GET", "/sources/"+annSource.String(), "", tt.header...)
			if r.StatusCode != tt.status { // bob would get a 404
				t.Errorf("got %d %s, want %d", r.StatusCode, r.Body, tt.status)
			}
		})
	}
}

// What is not set trusts nobody: an empty token is not a right one.
func TestTrustedHeaderTrustsNobodyByItself(t *testing.T) {
	t.Parallel()

	p := parts(newWorld())
	p.Auth = httpapi.TrustedHeader(httpapi.Gateway{})
	api := httpapi.New(p)
	for _, header := range [][]string{{"X-User-Id", "ann"}, {"X-User-Id", "ann", "X-Service-Token", ""}, {"X-API-Key", "dck_all"}} {
		wantRefusal(t, from(t, api, "127.0.0.1:5000", "GET", "/sources", "", header...), 401, "UNAUTHORIZED")
	}
}

// I10: without a user the gateway may ask two things, and only a trusted one.
func TestTrustedGatewayWithoutUser(t *testing.T) {
	t.Parallel()

	w := newWorld()
	p := parts(w)
	p.Auth = httpapi.TrustedHeader(gateways())
	api := httpapi.New(p)
	body := `{"source_id":"` + bobSource.String() + `"}`
	token := []string{"X-Service-Token", "s3cret"}
	if r := from(t, api, "192.0.2.7:1", "POST", "/ingest", body, token...); r.StatusCode != 202 || !w.syncs[0].AnyOwner {
		t.Errorf("ingest: got %d %+v", r.StatusCode, w.syncs)
	}
	if r := from(t, api, "192.0.2.7:1", "GET", "/jobs/"+bobJob.String(), "", token...); r.StatusCode != 200 {
		t.Errorf("job: got %d", r.StatusCode)
	}
	wantRefusal(t, from(t, api, "192.0.2.7:1", "GET", "/jobs", "", token...), 401, "UNAUTHORIZED")
	wantRefusal(t, from(t, api, "192.0.2.7:1", "POST", "/ingest", body), 401, "UNAUTHORIZED")
	wantRefusal(t, from(t, api, "192.0.2.7:1", "GET", "/jobs/"+bobJob.String(), ""), 401, "UNAUTHORIZED")
	named := append(token, "X-User-Id", "ann")
	wantRefusal(t, from(t, api, "192.0.2.7:1", "GET", "/jobs/"+bobJob.String(), "", named...), 404, "JOB_NOT_FOUND")
	if from(t, api, "192.0.2.7:1", "POST", "/ingest", body, named...); w.syncs[1].AnyOwner || w.syncs[1].Owner != "ann" {
		t.Errorf("with a user: got %+v, want it scoped to ann", w.syncs[1])
	}
}

// Only a gateway's strange options are left out; others are told of them by the
// use case, which gets them as they came.
func TestForeignOptionsOfAGateway(t *testing.T) {
	t.Parallel()

	const body = `{"type":"local","config":{"rootPath":"/srv","name":"docs","theme":"dark","nested":{"a":1}}}`
	const given, kept = `{"nested":{"a":1},"rootPath":"/srv","theme":"dark"}`, `{"rootPath":"/srv"}`
	options := func(provider string) ([]string, bool) { return []string{"rootPath"}, provider == "local" }
	for name, tt := range map[string]struct {
		options httpapi.Options
		header  []string
		body    string
		want    string
	}{
		"gateway":           {options, []string{"X-Service-Token", "s3cret", "X-User-Id", "ann"}, body, kept},
		"key":               {options, []string{"X-API-Key", "dck_all"}, body, given},
		"unknown connector": {options, []string{"X-Service-Token", "s3cret", "X-User-Id", "ann"}, strings.Replace(body, "local", "x", 1), given},
		"nobody knows them": {nil, []string{"X-Service-Token", "s3cret", "X-User-Id", "ann"}, body, given},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			w := newWorld()
			p := parts(w)
			p.Auth, p.Options = httpapi.TrustedHeader(gateways()), tt.options
			from(t, httpapi.New(p), "192.0.2.7:1", "POST", "/sources", tt.body, tt.header...)
			if len(w.connects) != 1 || string(w.connects[0].Config) != tt.want || w.connects[0].Name != "docs" {
				t.Errorf("got %+v, want config %s", w.connects, tt.want)
			}
		})
	}
}

// local sends a request from this machine.
func local(t *testing.T, h http.Handler, method, target string, header ...string) answer {
	t.Helper()
	return from(t, h, "127.0.0.1:5000", method, "http://localhost:8000"+target, "", header...)
}

// from sends a request of a peer. A header that stands twice in header is sent
// twice.
func from(t *testing.T, h http.Handler, peer, method, target, body string, header ...string) answer {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	r.RemoteAddr = peer
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	return answer{rec.Code, rec.Header(), rec.Body.Bytes()}
}

package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// A gateway that shows its token names the owner; nobody else does, keys go on
// working, and one request too many waits its turn.
func TestServeBehindAGateway(t *testing.T) {
	t.Parallel()

	dir := folder(t, map[string]string{"a": "a"})
	env := with(serveEnv(t, dir), "AUTH_MODE=trusted-header", "SERVICE_TOKEN=sesame", "API_RATE_LIMIT=6", "CORS_ORIGINS=https://app.example")
	server := startChild(t, env, "serve")
	key := strings.TrimSpace(must(t, env, "apikey", "create", "--owner", "alice", "--scopes", "read,write,operate"))
	cli := with(env, "DATA_CONNECTOR_URL="+server.URL, "DATA_CONNECTOR_API_KEY="+key)
	var source struct{ ID string }
	if err := json.Unmarshal([]byte(must(t, cli, "source", "add", "localfs", "rootPath="+dir, "--json")), &source); err != nil {
		t.Fatal(err)
	}
	if out := must(t, cli, "projections"); !strings.Contains(out, ".events.v1") {
		t.Errorf("a key that may operate: got %s, want the partitions", out)
	}
	ask := func(path string, header ...string) int {
		h := http.Header{}
		for i := 0; i < len(header); i += 2 {
			h.Set(header[i], header[i+1])
		}
		resp := request(t, http.MethodGet, server.URL+path, h)
		_ = resp.Body.Close() // only its status counts
		return resp.StatusCode
	}
	const user, token = "X-User-Id", "X-Service-Token"
	one := "/sources/" + source.ID
	for _, tt := range []struct {
		what string
		got  int
		want int
	}{
		{"its user", ask(one, user, "alice", token, "sesame"), http.StatusOK},
		{"another user", ask(one, user, "bob", token, "sesame"), http.StatusNotFound},
		{"no token", ask(one, user, "alice"), http.StatusUnauthorized},
		{"a wrong token", ask(one, user, "alice", token, "open"), http.StatusUnauthorized},
		{"no user", ask(one, token, "sesame"), http.StatusUnauthorized},
		{"what is no owner's", ask("/projections", user, "alice", token, "sesame"), http.StatusForbidden},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: got %d, want %d", tt.what, tt.got, tt.want)
		}
	}
	last := 0
	for range 7 {
		last = ask("/sources", user, "cem", token, "sesame")
	}
	if last != http.StatusTooManyRequests {
		t.Errorf("the seventh request of a minute: got %d, want 429", last)
	}
	if got := ask("/sources", user, "dan", token, "sesame"); got != http.StatusOK {
		t.Errorf("another owner meanwhile: got %d, want 200", got)
	}
	server.stop(t)
}

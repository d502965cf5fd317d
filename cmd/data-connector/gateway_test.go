package main

import (
	"encoding/json"
	"maps"
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
	checkMetadata(t, server.URL, dir)
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

// checkMetadata: what a gateway sends beside the options is shown again.
func checkMetadata(t *testing.T, url, dir string) {
	t.Helper()
	body, err := json.Marshal(map[string]any{"type": "localfs", "config": map[string]any{"rootPath": dir, "team": "search", "depth": 3, "api_key": "hush"}})
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/sources", strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = http.Header{"X-User-Id": {"eve"}, "X-Service-Token": {"sesame"}, "Content-Type": {"application/json"}}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }() // read to its end
	var source struct {
		Config   map[string]any
		Metadata map[string]string
	}
	if err := json.NewDecoder(resp.Body).Decode(&source); err != nil || resp.StatusCode >= 300 {
		t.Fatalf("got %d, %v", resp.StatusCode, err)
	}
	want := map[string]string{"team": "search", "depth": "3", "url": "file://" + dir}
	if !maps.Equal(source.Metadata, want) || len(source.Config) != 1 {
		t.Errorf("got metadata %v, config %v, want %v beside the options", source.Metadata, source.Config, want)
	}
}

package main

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/confuse/data-connector/adapters/postgres"
)

// fetch reads a path of a service into reply and gives its status.
func fetch(t *testing.T, url string, reply any) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }() // read to its end
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if text, ok := reply.(*string); ok {
		*text = string(raw)
	} else if err := json.Unmarshal(raw, reply); err != nil {
		t.Fatalf("%s: %v: %s", url, err, raw)
	}
	return resp.StatusCode
}

// folder makes a folder with files.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// connect connects a folder through the CLI, waits for its first sync and gives
// the id of the source.
func connect(t *testing.T, env []string, dir string, args ...string) string {
	t.Helper()
	out := must(t, env, append([]string{"source", "add", "localfs", "rootPath=" + dir, "--wait", "--json"}, args...)...)
	var source struct{ ID string }
	if err := json.Unmarshal([]byte(out), &source); err != nil {
		t.Fatal(err)
	}
	return source.ID
}

// The roles in processes of their own are one service.
func TestServe(t *testing.T) {
	t.Parallel()

	dir := folder(t, map[string]string{"a.md": "# a", "b/c.go": "package c"})
	env := serveEnv(t, dir)
	front := startChild(t, env, "serve", "--roles", "api,projector")
	back := startChild(t, env, "serve", "--roles=scheduler,syncer")
	cli := with(env, "DATA_CONNECTOR_URL="+front.URL)

	id := connect(t, cli, dir)
	var files struct{ Files []struct{ ID, Path string } }
	if status := fetch(t, front.URL+"/sources/"+id+"/files", &files); status != http.StatusOK || len(files.Files) != 2 || files.Files[1].Path != "b/c.go" {
		t.Fatalf("got %d, %v, want two files", status, files)
	}
	var content string
	if fetch(t, front.URL+"/files/"+files.Files[1].ID+"/content", &content); content != "package c" {
		t.Errorf("got content %q", content)
	}
	var text string
	if status := fetch(t, back.URL+"/sources", &text); status != http.StatusNotFound {
		t.Errorf("without the role api: got %d %s, want 404", status, text)
	}
	if status := fetch(t, back.URL+"/readyz", &text); status != http.StatusOK {
		t.Errorf("readyz without the role api: got %d %s, want 200", status, text)
	}
	if fetch(t, front.URL+"/metrics", &text); !strings.Contains(text, `dataconnector_projection_lag{partition="1"} 0`) {
		t.Errorf("got metrics\n%s\nwant the lag of each partition", text)
	}
	checkVerbsOnServers(t, env, id)
	back.stop(t)
	front.stop(t)
}

// checkVerbsOnServers looks at a service that holds the source id alone, with the
// verbs that ask its servers.
func checkVerbsOnServers(t *testing.T, env []string, id string) {
	t.Helper()
	var lags []partitionLag
	if err := json.Unmarshal([]byte(must(t, env, "lag", "--json")), &lags); err != nil {
		t.Fatal(err)
	}
	var events int64
	for _, l := range lags {
		events += l.End
		if l.Behind != 0 {
			t.Errorf("partition %d: got lag %d, want 0", l.Partition, l.Behind)
		}
	}
	tail := must(t, env, "events", "tail", "--from", "beginning", "--follow=false", "--source", id)
	if got := int64(strings.Count(tail, "\n")); got != events || !strings.Contains(tail, "file added b/c.go") {
		t.Errorf("got %d events, want %d and b/c.go among them:\n%s", got, events, tail)
	}
	if out := must(t, env, "doctor"); strings.Contains(out, "fail ") || strings.Count(out, "\nok ") < 8 {
		t.Errorf("got %s, want it to be well", out)
	}
	if out := must(t, env, "migrate"); !strings.Contains(out, "up to date") {
		t.Errorf("got %q", out)
	}
}

// A key opens the sources of its owner until it is revoked.
func TestServeWithKeys(t *testing.T) {
	t.Parallel()

	dir := folder(t, map[string]string{"a": "a"})
	env := with(serveEnv(t, dir), "AUTH_MODE=apikey", "SYNC_RATE_LIMIT=0", "CONNECT_RATE_LIMIT=0", "API_RATE_LIMIT=0",
		"VAULT_KEYSET_FILE="+filepath.Join(t.TempDir(), "keys.json"), "PUBLIC_BASE_URL=https://connector.example", "GITHUB_WEBHOOK_SECRET=0123456789abcdef0123456789abcdef")
	must(t, env, "vault", "init")
	server := startChild(t, env, "serve")
	cli := with(env, "DATA_CONNECTOR_URL="+server.URL)
	if r := call(t, cli, "source", "list"); r.code != exitFailed || !strings.Contains(r.err, "401 UNAUTHORIZED") {
		t.Errorf("without a key: got %d, %q", r.code, r.err)
	}
	key := func(owner string, args ...string) []string {
		secret := must(t, cli, append([]string{"apikey", "create", "--owner", owner, "--name", "test"}, args...)...)
		return with(cli, "DATA_CONNECTOR_API_KEY="+strings.TrimSpace(secret))
	}
	alice, bob, reader := key("alice"), key("bob"), key("alice", "--scopes", "read")
	id := connect(t, alice, dir)
	if r := call(t, bob, "source", "show", id); r.code != exitFailed || !strings.Contains(r.err, "404") {
		t.Errorf("another owner: got %d, %q, want 404", r.code, r.err)
	}
	before := must(t, env, "events", "tail", "--from", "beginning", "--follow=false")
	checkOwners(t, server.URL, idsOf(t, alice, server.URL, id), http.Header{"X-Api-Key": {mapOf(bob)["DATA_CONNECTOR_API_KEY"]}})
	if after := must(t, env, "events", "tail", "--from", "beginning", "--follow=false"); after != before {
		t.Errorf("what a stranger tried has changed something:\n%s", strings.TrimPrefix(after, before))
	}
	must(t, reader, "source", "show", id)
	if r := call(t, reader, "source", "remove", id); !strings.Contains(r.err, "403") {
		t.Errorf("a key that only reads: got %d, %q, want 403", r.code, r.err)
	}
	list := must(t, cli, "apikey", "list", "--owner", "alice")
	rows := strings.Split(strings.TrimSpace(list), "\n")
	if len(rows) != 3 {
		t.Fatalf("got %s, want two keys", list)
	}
	must(t, cli, "apikey", "revoke", "--owner", "alice", strings.Fields(rows[1])[0])
	if r := call(t, alice, "source", "list"); !strings.Contains(r.err, "401") {
		t.Errorf("a revoked key: got %d, %q, want 401", r.code, r.err)
	}
	server.stop(t)
}

// idsOf are the source, its first file and its first job.
func idsOf(t *testing.T, cli []string, url, source string) ownersIDs {
	t.Helper()
	get := func(path string, reply any) {
		t.Helper()
		resp := request(t, http.MethodGet, url+path, http.Header{"X-Api-Key": {mapOf(cli)["DATA_CONNECTOR_API_KEY"]}})
		defer func() { _ = resp.Body.Close() }() // read to its end
		if err := json.NewDecoder(resp.Body).Decode(reply); err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: got %d, %v", path, resp.StatusCode, err)
		}
	}
	var files struct{ Files []struct{ ID string } }
	var jobs struct{ Jobs []struct{ ID string } }
	get("/sources/"+source+"/files", &files)
	get("/jobs?sourceId="+source, &jobs)
	return ownersIDs{source, files.Files[0].ID, jobs.Jobs[0].ID, startReplay(t, with(cli, "DATA_CONNECTOR_URL="+url), "--dry-run").ID}
}

// A log that lost what the tables have seen stops the service, which says what to
// do, also when it comes back behind the start.
func TestLogLost(t *testing.T) {
	t.Parallel()

	dir := folder(t, map[string]string{"a": "a"})
	env := serveEnv(t, dir)
	server := startChild(t, env, "serve")
	connect(t, with(env, "DATA_CONNECTOR_URL="+server.URL), dir)
	server.stop(t)

	environ := mapOf(env)
	admin, err := kadm.NewOptClient(kgo.SeedBrokers(strings.Split(environ["KAFKA_BOOTSTRAP_SERVERS"], ",")...))
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	if _, err := admin.DeleteTopic(t.Context(), environ["KAFKA_TOPIC_PREFIX"]+".events.v1"); err != nil {
		t.Fatal(err)
	}
	later, _, way := startAway(t, env, false, "serve")
	again, _ := launchChild(t, env, "serve")
	checkLost(t, again)
	way.bridge()
	checkLost(t, later)
	db, err := postgres.Open(t.Context(), environ["DATABASE_URL"])
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(t.Context(), "DROP SCHEMA read CASCADE"); err != nil {
		t.Fatal(err)
	}
	startChild(t, env, "serve").stop(t) // the remedy
}

// checkLost: the service ends by itself and says what to do.
func checkLost(t *testing.T, c *child) {
	t.Helper()
	if code := c.exit(t); code != exitFailed {
		t.Errorf("got exit code %d, want %d", code, exitFailed)
	}
	for _, want := range []string{"the log lost records", "KAFKA_TOPIC_PREFIX", "DROP SCHEMA read CASCADE"} {
		if !strings.Contains(c.log(), want) {
			t.Errorf("got\n%s\nwant it to name %q", c.log(), want)
		}
	}
}

// Servers that are not there are waited for, and then named.
func TestServeWithoutServers(t *testing.T) {
	t.Parallel()

	env := serveEnv(t)
	for _, missing := range []struct{ variable, server string }{
		{"DATABASE_URL=postgres://u:sesame@127.0.0.1:1/d", "postgres"}, {"KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:1", "kafka"}, {"REDIS_URL=redis://:sesame@127.0.0.1:1", "redis"},
	} {
		t.Run(missing.server, func(t *testing.T) {
			t.Parallel()

			here := with(env, missing.variable, "STARTUP_TIMEOUT=1500ms")
			start := time.Now()
			r := call(t, here, "serve")
			if want := missing.server + " did not answer within STARTUP_TIMEOUT=1.5s"; r.code != exitFailed || !strings.Contains(r.err, want) {
				t.Errorf("got exit code %d and %q, want %q", r.code, r.err, want)
			}
			if took := time.Since(start); took < time.Second {
				t.Errorf("gave up after %s", took)
			}
			if strings.Contains(r.err, "sesame") {
				t.Errorf("shows a password: %s", r.err)
			}
		})
	}
}

// What waiting does not cure is told at once.
func TestServeIsRefused(t *testing.T) {
	t.Parallel()

	env := serveEnv(t)
	server := startChild(t, env, "serve")
	_, port, _ := strings.Cut(strings.TrimPrefix(server.URL, "http://"), ":")
	if r := call(t, with(env, "PORT="+port), "serve"); r.code != exitFailed || !strings.Contains(r.err, "listen on HOST and PORT") {
		t.Errorf("a taken port: got %d, %q", r.code, r.err)
	}
	nowhere := with(env, "DATABASE_URL="+mapOf(env)["DATABASE_URL"]+"&dbname=nowhere", "STARTUP_TIMEOUT=1h")
	if r := call(t, nowhere, "serve"); r.code != exitFailed || !strings.Contains(r.err, `"nowhere" does not exist`) {
		t.Errorf("another database: got %d, %q", r.code, r.err)
	}
	server.stop(t)
}

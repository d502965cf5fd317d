package main

import (
	"encoding/json"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/confuse/data-connector/adapters/testenv"
)

// What docs/operations.md says about backups: schema app, the log and the content
// store are all that a service needs; the tables come back from the log.
func TestBackupAndRestore(t *testing.T) {
	t.Parallel()

	dir := folder(t, map[string]string{"a.md": "# a", "b/c.go": "package c"})
	env := with(serveEnv(t, dir), "AUTH_MODE=apikey")
	server := startChild(t, env, "serve")
	key := strings.TrimSpace(must(t, env, "apikey", "create", "--owner", "alice"))
	id := connect(t, with(env, "DATA_CONNECTOR_URL="+server.URL, "DATA_CONNECTOR_API_KEY="+key), dir)
	events := strings.Split(strings.TrimSpace(must(t, env, "events", "tail", "--from", "beginning", "--follow=false", "--source", id, "--json")), "\n")
	var last followed
	if err := json.Unmarshal([]byte(events[len(events)-1]), &last); err != nil {
		t.Fatal(err)
	}
	server.stop(t)

	dump, fresh := filepath.Join(t.TempDir(), "app.dump"), testenv.Database(t)
	tool(t, "pg_dump", "--dbname="+mapOf(env)["DATABASE_URL"], "--schema=app", "--format=custom", "--no-owner", "--file="+dump)
	tool(t, "psql", "--dbname="+fresh, "--command=DROP SCHEMA IF EXISTS app CASCADE")
	tool(t, "pg_restore", "--dbname="+fresh, "--no-owner", "--exit-on-error", "--single-transaction", dump)

	restored := startChild(t, with(env, "DATABASE_URL="+fresh), "serve")
	cli := with(env, "DATA_CONNECTOR_URL="+restored.URL, "DATA_CONNECTOR_API_KEY="+key)
	if r := call(t, cli, "source", "add", "localfs", "rootPath="+dir); r.code != exitConflict || !strings.Contains(r.err, id) {
		t.Errorf("connecting it again: got exit code %d, %q, want a conflict with %s", r.code, r.err, id)
	}
	resp := request(t, http.MethodGet, restored.URL+"/sources/"+id, http.Header{"Authorization": {"Bearer " + key}, "Min-Log-Position": {last.Position}})
	defer func() { _ = resp.Body.Close() }() // read to its end
	var source struct {
		Stats struct{ Files, TotalSize int64 }
	} // a look at the folder may have begun
	if err := json.NewDecoder(resp.Body).Decode(&source); err != nil || source.Stats.Files != 2 || source.Stats.TotalSize != 12 {
		t.Errorf("got %d, %+v, %v, want both files", resp.StatusCode, source, err)
	}
	if out := must(t, cli, "source", "sync", id, "--wait", "--json"); !strings.Contains(out, id) {
		t.Errorf("sync: got %s", out)
	}
	restored.stop(t)
}

// tool runs one of PostgreSQL's.
func tool(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v; it is in the package postgresql-client\n%s", name, err, out)
	}
}

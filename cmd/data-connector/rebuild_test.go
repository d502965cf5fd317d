package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The tables of a running service are compared, exchanged, and found wrong once
// somebody has changed them behind its back.
func TestRebuildVerb(t *testing.T) {
	t.Parallel()

	dir := folder(t, map[string]string{"a": "a", "b/c": "c"})
	env := serveEnv(t, dir)
	server := startChild(t, env, "serve")
	cli := with(env, "DATA_CONNECTOR_URL="+server.URL)
	source := connect(t, cli, dir)
	before := checkTruth(t, env, source, dir)

	if out := must(t, env, "rebuild", "--verify"); !strings.Contains(out, "files") {
		t.Errorf("got %q, want the tables that were compared", out)
	}
	if out := must(t, env, "rebuild"); !strings.Contains(out, "exchanged") {
		t.Errorf("got %q, want that the tables are exchanged", out)
	}
	if diff := cmp.Diff(before, rows(t, env, source), cmp.AllowUnexported(row{})); diff != "" {
		t.Errorf("rows (-live +rebuilt):\n%s", diff)
	}
	must(t, cli, "source", "sync", source, "--full", "--wait") // the service goes on
	if out := must(t, env, "rebuild", "--cancel"); !strings.Contains(out, "no rebuild") {
		t.Errorf("got %q, want that there is none", out)
	}

	if _, err := database(t, env).Exec(t.Context(), `UPDATE read.files SET size = 99 WHERE path = 'a'`); err != nil {
		t.Fatal(err)
	}
	r := call(t, env, "rebuild", "--verify", "--json")
	var found verifiedReply
	if err := json.Unmarshal([]byte(r.out), &found); err != nil || r.code != exitFailed {
		t.Fatalf("got exit code %d, error %v: %s%s", r.code, err, r.out, r.err)
	}
	if len(found.First) != 1 || found.First[0].Table != "files" || found.First[0].Live["size"] != float64(99) || found.First[0].Rebuilt["size"] != float64(1) {
		t.Errorf("got %+v, want the row that was changed", found)
	}
	if r := call(t, env, "rebuild", "--verify", "--cancel"); r.code != exitUsage {
		t.Errorf("got exit code %d for two orders, want %d", r.code, exitUsage)
	}
	server.stop(t)
}

// A start with other tables keeps those that serve, and exchanges them.
func TestStartWithOlderTables(t *testing.T) {
	t.Parallel()

	dir := folder(t, map[string]string{"a": "a"})
	env := serveEnv(t, dir)
	server := startChild(t, env, "serve")
	source := connect(t, with(env, "DATA_CONNECTOR_URL="+server.URL), dir)
	before := rows(t, env, source)
	server.stop(t)
	if _, err := database(t, env).Exec(t.Context(), `UPDATE read.meta SET ddl_sha256 = '\x00'; ALTER TABLE read.file_stages DROP COLUMN replay`); err != nil {
		t.Fatal(err)
	}
	server = startChild(t, env, "serve")
	must(t, with(env, "DATA_CONNECTOR_URL="+server.URL), "source", "sync", source, "--wait") // ends once the tables are folded again
	if diff := cmp.Diff(before, rows(t, env, source), cmp.AllowUnexported(row{})); diff != "" {
		t.Errorf("rows (-before +rebuilt):\n%s", diff)
	}
	if found := must(t, env, "rebuild", "--verify"); strings.Contains(found, "no such row") {
		t.Errorf("got %s", found)
	}
	server.stop(t)
}

package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// A newcomer's whole way: one command, a folder, its files and events; a restart
// keeps everything.
func TestStandalone(t *testing.T) {
	t.Parallel()

	dir := folder(t, map[string]string{"readme.md": "# hello", "src/main.go": "package main\n", "node_modules/x.js": "left out"})
	data := filepath.Join(t.TempDir(), "data")
	env := []string{"FS_ALLOWED_PATHS=" + dir, "DATABASE_URL=postgres://not/used"}
	solo := startChild(t, env, "standalone", "--data", data, "--port", "0")

	id := connect(t, nil, dir, "--data", data)
	checkStandalone(t, solo.URL, id)
	if out := must(t, nil, "doctor", "--data", data); strings.Contains(out, "fail ") || strings.Contains(out, "not/used") {
		t.Errorf("got\n%s\nwant it to be well", out)
	}
	if out := must(t, nil, "lag", "--data", data); strings.Count(out, "\n") != ownPartitions+1 {
		t.Errorf("got\n%s\nwant %d partitions", out, ownPartitions)
	}
	again := call(t, env, "standalone", "--data", data, "--port", "0")
	if again.code != exitFailed || !strings.Contains(again.err, "in use by process") {
		t.Errorf("a second start: got exit code %d and %q, want it refused", again.code, again.err)
	}
	if r := call(t, nil, "source", "add", "local", "rootPath="+dir, "--data", data); r.code != exitConflict || !strings.Contains(r.err, id) {
		t.Errorf("connected twice: got exit code %d and %q, want %d and the source", r.code, r.err, exitConflict)
	}
	begun := len(solo.log())
	solo.stop(t)
	wantQuiet(t, solo.log()[begun:])
	if _, err := os.Stat(filepath.Join(data, "run.json")); !os.IsNotExist(err) {
		t.Errorf("run.json is left behind: %v", err)
	}

	solo = startChild(t, env, "standalone", "--data", data, "--port", "0")
	checkStandalone(t, solo.URL, id)
	r := call(t, nil, "source", "sync", id, "--wait", "--data", data)
	if r.code != exitOK || !strings.Contains(r.err, "completed: 2 files\n") {
		t.Errorf("got exit code %d and %q, want nothing to have changed", r.code, r.err)
	}
	solo.stop(t)
}

// checkStandalone looks at the source as a user would.
func checkStandalone(t *testing.T, url, id string) {
	t.Helper()
	var files struct {
		Files []struct{ ID, Path, Language string }
		Total int
	}
	if fetch(t, url+"/sources/"+id+"/files", &files); files.Total != 2 || files.Files[0].Path != "readme.md" || files.Files[1].Language != "Go" {
		t.Fatalf("got %v, want the two files", files)
	}
	var content string
	if status := fetch(t, url+"/files/"+files.Files[1].ID+"/content", &content); status != http.StatusOK || content != "package main\n" {
		t.Errorf("got content %d %q", status, content)
	}
	var events struct{ Events []struct{ Change string } }
	fetch(t, url+"/sources/"+id+"/events?limit=6", &events)
	var changes []string
	for _, e := range events.Events {
		changes = append(changes, e.Change)
	}
	if got, want := strings.Join(changes, " "), "registered sync_requested sync_started added added sync_progressed"; got != want {
		t.Errorf("got events %q, want %q", got, want)
	}
}

// Ctrl-C while it works, and longer than it may: the servers end behind the service
// all the same, so that nothing is said of servers that have gone.
func TestStandaloneStopsInOrder(t *testing.T) {
	t.Parallel()

	files := map[string]string{}
	for i := range 3000 {
		files["f"+strconv.Itoa(i)] = strconv.Itoa(i)
	}
	dir, data := folder(t, files), filepath.Join(t.TempDir(), "data")
	solo := startChild(t, []string{"FS_ALLOWED_PATHS=" + dir, "SHUTDOWN_TIMEOUT=1ms"}, "standalone", "--data", data, "--port", "0", "--no-fsync")
	must(t, nil, "source", "add", "localfs", "rootPath="+dir, "--data", data)
	begun := len(solo.log())
	if err := solo.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if code := solo.exit(t); code != exitFailed {
		t.Errorf("got exit code %d, want %d", code, exitFailed)
	}
	wantQuiet(t, solo.log()[begun:])
}

// wantQuiet fails the test when a stop was not in order.
func wantQuiet(t *testing.T, said string) {
	t.Helper()
	if strings.Contains(said, `"level":"WARN"`) || strings.Contains(said, `"level":"ERROR"`) {
		t.Errorf("a stop says\n%s", said)
	}
}

// With keys the verbs of this machine's user find one in the data folder, and
// nobody else has it.
func TestStandaloneWithKeys(t *testing.T) {
	t.Parallel()

	data := filepath.Join(t.TempDir(), "data")
	env := []string{"AUTH_MODE=apikey"}
	for range 2 { // the second time with the same key
		solo := startChild(t, env, "standalone", "--data", data, "--port", "0", "--no-fsync")
		must(t, nil, "source", "list", "--data", data)
		if r := call(t, nil, "source", "list", "--url", solo.URL); !strings.Contains(r.err, "401") {
			t.Errorf("without a key: got %d, %q, want 401", r.code, r.err)
		}
		if keys := must(t, nil, "apikey", "list", "--data", data); strings.Count(keys, "\n") != 2 {
			t.Errorf("got\n%s\nwant one key", keys)
		}
		info, err := os.Stat(filepath.Join(data, "run.json"))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("run.json: got %v, %v, want mode 0600", info.Mode(), err)
		}
		solo.stop(t)
	}
}

// A database that ends by itself ends the service, with an error.
func TestStandaloneLosesItsDatabase(t *testing.T) {
	t.Parallel()

	data := filepath.Join(t.TempDir(), "data")
	solo := startChild(t, nil, "standalone", "--data", data, "--port", "0", "--no-fsync")
	killPostgres(t, data)
	if code := solo.exit(t); code != exitFailed || !strings.Contains(solo.log(), errServersLost.Error()) {
		t.Errorf("got exit code %d, want %d:\n%s", code, exitFailed, solo.log())
	}
}

// killPostgres kills the database under a data folder.
func killPostgres(t *testing.T, data string) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(data, "postgres", "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(raw), "\n")
	pid, err := strconv.Atoi(first)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

// A standalone is for this machine, unless it asks for keys.
func TestStandaloneStaysAtHome(t *testing.T) {
	t.Parallel()

	r := call(t, []string{"HOST=0.0.0.0"}, "standalone", "--data", t.TempDir())
	if r.code != exitFailed || !strings.Contains(r.err, "AUTH_MODE: none is not allowed with HOST=0.0.0.0") {
		t.Errorf("got exit code %d and %q", r.code, r.err)
	}
}

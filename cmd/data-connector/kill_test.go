package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/confuse/data-connector/adapters/kafka"
	"github.com/confuse/data-connector/cmd/faults"
	"github.com/confuse/data-connector/domain"
)

// A process killed in the middle of a sync loses nothing and repeats nothing.
func TestKilledInTheMiddle(t *testing.T) {
	t.Parallel()

	dir := goroot(t)
	env := serveEnv(t, dir)
	server := startChild(t, env, "serve")
	source := begin(t, with(env, "DATA_CONNECTOR_URL="+server.URL), dir)
	waitForFiles(t, env, source, 4000)
	server.kill(t)
	finishAfterKill(t, env, source, dir)
}

// A process that dies between a page and its sync_progressed has put the page on
// the log, but no cursor: the page is listed again and nothing of it emitted.
func TestKilledBetweenPageAndProgress(t *testing.T) {
	t.Parallel()

	dir := goroot(t)
	env := serveEnv(t, dir)
	server := startChild(t, with(env, faults.Planned+"="+string(faults.BeforeProgress)+"@2=kill"), "serve")
	source := begin(t, with(env, "DATA_CONNECTOR_URL="+server.URL), dir)
	<-server.ended
	tail := must(t, env, "events", "tail", "--from", "beginning", "--follow=false", "--source", source)
	if last := tail[strings.LastIndex(strings.TrimSpace(tail), "\n")+1:]; strings.Count(tail, "sync_progressed") != 1 || !strings.Contains(last, "file added") {
		t.Errorf("got %q as the last event when it died, want a page without its sync_progressed", last)
	}
	finishAfterKill(t, env, source, dir)
}

// begin connects a folder and does not wait for its sync.
func begin(t *testing.T, cli []string, dir string) string {
	t.Helper()
	out := must(t, cli, "source", "add", "localfs", "rootPath="+dir, "--json")
	_, id, _ := strings.Cut(out, `"id":`)
	return strings.Split(id, `"`)[1]
}

// waitForFiles returns once n FileChanged of a source are on the log.
func waitForFiles(t *testing.T, env []string, source string, n int) {
	t.Helper()
	cfg, err := loadConfig(mapOf(env))
	if err != nil {
		t.Fatal(err)
	}
	options, err := cfg.kafkaOptions(cfg.newLogger(t.Output()))
	if err != nil {
		t.Fatal(err)
	}
	for rec, err := range kafka.NewReader(options).Read(t.Context(), partitionOf(t, env, source), 0, kafka.Follow) {
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := rec.Event.(domain.FileChanged); ok {
			n--
		}
		if n == 0 {
			return
		}
	}
}

// partitionOf is the one that the events of a source are in.
func partitionOf(t *testing.T, env []string, source string) int32 {
	t.Helper()
	var partition int32
	if err := database(t, env).QueryRow(t.Context(), `SELECT partition FROM read.sources WHERE source_id = $1`, source).Scan(&partition); err != nil {
		t.Fatal(err)
	}
	return partition
}

// finishAfterKill starts the service again, lets it finish, and compares tables
// and log with the truth.
func finishAfterKill(t *testing.T, env []string, source, dir string) {
	t.Helper()
	server := startChild(t, env, "serve")
	must(t, with(env, "DATA_CONNECTOR_URL="+server.URL), "source", "sync", source, "--wait")
	checkAddedOnce(t, env, source, checkTruth(t, env, source, dir))
	server.stop(t)
}

// checkAddedOnce looks whether each file of the table was added once on the log,
// and nothing else came of it.
func checkAddedOnce(t *testing.T, env []string, source string, table map[string]row) {
	t.Helper()
	added := map[string]bool{}
	for _, e := range changes(t, env, source) {
		key := fmt.Sprint(e.FileID, e.Change)
		if e.Change != domain.FileAdded || added[key] {
			t.Errorf("got %s %q, want every file added once", e.Change, e.Path)
		}
		added[key] = true
	}
	if len(added) != len(table) {
		t.Errorf("got %d files added on the log, want %d", len(added), len(table))
	}
}

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/confuse/data-connector/connectors/gitrepo/gittest"
	"github.com/confuse/data-connector/domain"
)

// A replay hands out again what is selected of the log, and nothing else.
func TestReplay(t *testing.T) {
	t.Parallel()

	dir := folder(t, map[string]string{"a.md": "1", "b.go": "package b", "docs/c.md": "1", "gone.md": "1"})
	r := newReceiver(t)
	env := with(serveEnv(t, dir), r.env()...)
	server := startChild(t, env, "serve")
	cli := with(env, "DATA_CONNECTOR_URL="+server.URL)
	source := connect(t, cli, dir)
	put(t, dir, "a.md", "2")
	if err := os.Remove(dir + "/gone.md"); err != nil {
		t.Fatal(err)
	}
	must(t, cli, "source", "sync", source, "--wait")
	all := map[string]domain.FileChanged{}
	for i, e := range changes(t, env, source) {
		all[fmt.Sprint(i)] = e
	}
	r.await("what is new", func(taken []delivery) bool { return len(states(taken)) == len(all) })
	waitForReports(t, env, 4) // the removal too

	r.forget()
	dry := startReplay(t, cli, "--dry-run")
	if dry.Status != "completed" || dry.Matched != 3 || dry.Bytes != 1+9+1 || dry.Sent != 0 || len(dry.Samples) != 3 || len(dry.Sources) != 1 {
		t.Errorf("dry run: got %+v, want the 3 live files", dry)
	}
	if got := r.paths(); len(got) != 0 {
		t.Errorf("a dry run handed out %v", got)
	}
	for _, tt := range []struct {
		name string
		args []string
		want string
	}{
		{"latest", nil, "a.md b.go docs/c.md"},
		{"glob", []string{"--glob", "**/*.md"}, "a.md docs/c.md"},
		{"language", []string{"--language", "Go"}, "b.go"},
		{"source and stage", []string{"--source", source, "--stage", "webhook"}, "a.md b.go docs/c.md"},
		{"since", []string{"--changed-since", "2999-01-01T00:00:00Z"}, ""},
		// States that are older than what the stage has had are left out (run, seq).
		{"history", []string{"--mode", "history", "--rate", "1000"}, "a.md b.go docs/c.md gone.md"},
	} {
		r.forget()
		got := startReplay(t, cli, append(tt.args, "--wait")...)
		if paths := strings.Join(r.paths(), " "); got.Status != "completed" || paths != tt.want {
			t.Errorf("%s: got %+v and %q, want %q", tt.name, got, paths, tt.want)
		}
	}
	server.stop(t)
}

func startReplay(t *testing.T, cli []string, args ...string) replayReply {
	t.Helper()
	var r replayReply
	if err := json.Unmarshal([]byte(must(t, cli, append([]string{"replay", "start", "--json"}, args...)...)), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

func showReplay(t *testing.T, cli []string, id string) replayReply {
	t.Helper()
	var r replayReply
	if err := json.Unmarshal([]byte(must(t, cli, "replay", "show", id, "--json")), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// forget forgets what was taken.
func (r *receiver) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.taken = nil
}

// paths are those of the files that were taken, each once.
func (r *receiver) paths() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var paths []string
	for _, d := range states(r.taken) {
		paths = append(paths, d.Path)
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

// A replay hands out a provider's files without asking the provider.
func TestReplayAsksNoProvider(t *testing.T) {
	t.Parallel()

	r := newReceiver(t)
	f := newForge(t, r.env()...)
	f.repo.Commit("main", gittest.Put("a.md", "1"), gittest.Put("b.md", "2"), gittest.Put("c/d.md", "3"))
	f.serve()
	source := f.connect(nil)
	r.await("what is new", func(taken []delivery) bool { return len(states(taken)) >= 3 })
	api, git := len(f.api.Calls()), len(f.git.Requests())
	if api == 0 || git == 0 {
		t.Fatalf("the first sync made %d calls and %d requests: they are not counted", api, git)
	}
	r.forget()
	got := startReplay(t, f.cli(), "--source", source, "--wait")
	if paths := r.paths(); got.Status != "completed" || int64(len(paths)) != got.Matched || len(paths) < 3 {
		t.Errorf("got %+v and %v", got, paths)
	}
	if calls, requests := f.api.Calls(), len(f.git.Requests()); len(calls) > 0 || requests > 0 {
		t.Errorf("the provider was asked for %v, and %d times for git", calls, requests)
	}
	f.server.stop(t)
}

// A replay goes on after kill -9, pause and resume: everything is handed out, and
// no more than a chunk is repeated for each kill besides what stages repeat.
func TestReplayThroughTrouble(t *testing.T) {
	t.Parallel()

	const files, kills, window = 400, 3, 100
	contents := map[string]string{}
	for n := range files {
		contents[fmt.Sprintf("%d.md", n)] = "x"
	}
	dir := folder(t, contents)
	r := newReceiver(t)
	env := with(serveEnv(t, dir), append(r.env(), fmt.Sprintf("DISPATCH_WINDOW=%d", window))...)
	server := startChild(t, env, "serve", "--roles", "api,projector,scheduler,syncer")
	dispatcher := startChild(t, env, "serve", "--roles", "dispatcher")
	cli := with(env, "DATA_CONNECTOR_URL="+server.URL)
	connect(t, cli, dir)
	r.await("what is new", func(taken []delivery) bool { return len(states(taken)) == files })
	waitForReports(t, env, files)
	r.forget()
	started := startReplay(t, cli, "--rate", "150")
	for k := range kills {
		r.await("some more", func(taken []delivery) bool { return len(states(taken)) >= (k+1)*files/(kills+2) })
		dispatcher.kill(t)
		dispatcher = startChild(t, env, "serve", "--roles", "dispatcher")
	}
	must(t, cli, "replay", "pause", started.ID)
	quiet := r.quiet(t, env, started.ID)
	if quiet == files || showReplay(t, cli, started.ID).Status != "paused" {
		t.Fatalf("got %d of %d files, and %+v: paused too late to see", quiet, files, showReplay(t, cli, started.ID))
	}
	must(t, cli, "replay", "resume", started.ID)
	must(t, cli, "replay", "show", "--wait", started.ID)
	r.mu.Lock()
	taken, distinct := len(r.taken), len(states(r.taken))
	r.mu.Unlock()
	t.Logf("%d deliveries of %d files after %d kills", taken, distinct, kills)
	if distinct != files || taken > files+kills*(15+window) { // a chunk at this rate is 15 events
		t.Errorf("got %d deliveries of %d files, want all of %d, and few repeats", taken, distinct, files)
	}
	r.forget()
	again := startReplay(t, cli, "--rate", "100")
	r.await("some", func(taken []delivery) bool { return len(taken) > 10 })
	must(t, cli, "replay", "cancel", again.ID)
	if n := r.quiet(t, env, again.ID); n >= files || showReplay(t, cli, again.ID).Status != "cancelled" {
		t.Errorf("got %d deliveries of a replay that was cancelled", n)
	}
	if got := call(t, cli, "replay", "resume", again.ID); got.code != exitConflict || !strings.Contains(got.err, "409") {
		t.Errorf("resume of a cancelled one: got %d %s", got.code, got.err)
	}
	dispatcher.stop(t)
	server.stop(t)
}

// quiet counts what came once nothing more can come of a replay that is paused or
// cancelled: nobody carries it out, and the stage has done with all that was put
// on the topic of replays.
func (r *receiver) quiet(t *testing.T, env []string, replay string) int {
	t.Helper()
	awaitRow(t, database(t, env), `SELECT count(*) FROM app.replays WHERE replay_id = '`+replay+`' AND status <> 'running' AND lease_until < now()`, 1)
	of := mapOf(env)
	admin, err := kadm.NewOptClient(kgo.SeedBrokers(strings.Split(of["KAFKA_BOOTSTRAP_SERVERS"], ",")...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(admin.Close)
	group, topic := of["KAFKA_TOPIC_PREFIX"]+"-webhook-again", of["KAFKA_TOPIC_PREFIX"]+".replay.v1"
	late, look := time.After(time.Minute), time.NewTicker(50*time.Millisecond)
	defer look.Stop()
	for behind := int64(-1); behind != 0; {
		ends, err := admin.ListEndOffsets(t.Context(), topic)
		done, failed := admin.FetchOffsets(t.Context(), group)
		if err = errors.Join(err, failed); err != nil {
			t.Fatal(err)
		}
		behind = 0
		ends.Each(func(end kadm.ListedOffset) {
			at, _ := done.Lookup(topic, end.Partition)
			behind += end.Offset - max(0, at.At)
		})
		select {
		case <-look.C:
		case <-late:
			t.Fatalf("the stage has %d records before it after a minute", behind)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.taken)
}

// A replay that one process runs is not completed until the stage in another one has
// done with it.
func TestReplayWaitsForOtherProcesses(t *testing.T) {
	t.Parallel()

	dir := folder(t, map[string]string{"a.md": "1", "b.md": "1", "c.md": "1"})
	r := newReceiver(t)
	env := with(serveEnv(t, dir), r.env()...)
	stage := startChild(t, with(env, "WORKER_NAME=stage"), "serve", "--roles", "dispatcher")
	server := startChild(t, with(env, "STAGES=none"), "serve")
	cli := with(env, "DATA_CONNECTOR_URL="+server.URL)
	connect(t, cli, dir)
	r.await("what is new", func(taken []delivery) bool { return len(states(taken)) == 3 })
	waitForReports(t, env, 3)
	r.forget()
	if err := stage.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	started := startReplay(t, cli)
	awaitThat(t, func() (bool, string) {
		now := showReplay(t, cli, started.ID)
		return now.Sent == 3 && now.Progress == 1, fmt.Sprintf("got %+v, want all handed out", now)
	})
	db := database(t, env)
	awaitThat(t, func() (bool, string) { // it has looked at the stages
		var noted int
		err := db.QueryRow(t.Context(), `SELECT count(*) FROM app.replays WHERE replay_id = $1 AND progress->'stages' ? 'webhook'`, started.ID).Scan(&noted)
		return noted == 1, fmt.Sprint("the stage is not waited for: ", err)
	})
	if now := showReplay(t, cli, started.ID); now.Status != "running" || len(r.paths()) > 0 {
		t.Errorf("got %+v and %v while the stage stands still", now, r.paths())
	}
	if err := stage.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	must(t, cli, "replay", "show", "--wait", started.ID)
	if now := showReplay(t, cli, started.ID); now.Status != "completed" || len(r.paths()) != 3 {
		t.Errorf("got %+v and %v once it is completed", now, r.paths())
	}
	stage.stop(t)
	server.stop(t)
}

// What a stage refuses in a replay is retried alone.
func TestReplayFailuresAlone(t *testing.T) {
	t.Parallel()

	dir := folder(t, map[string]string{"bad.md": "1", "good.md": "1", "worse.md": "1"})
	r := newReceiver(t)
	env := with(serveEnv(t, dir), r.env()...)
	server := startChild(t, env, "serve")
	cli := with(env, "DATA_CONNECTOR_URL="+server.URL)
	connect(t, cli, dir)
	r.await("what is new", func(taken []delivery) bool { return len(states(taken)) == 3 })
	waitForReports(t, env, 3)
	r.mu.Lock()
	r.refuse = func(d delivery) int {
		if d.File.Path == "bad.md" {
			return http.StatusUnprocessableEntity
		}
		return 0
	}
	r.mu.Unlock()
	done := startReplay(t, cli, "--wait")
	awaitRow(t, database(t, env), `SELECT count(*) FROM read.file_stages WHERE state = 'failed' AND replay = '`+done.ID+`'`, 1)
	shown := showReplay(t, cli, done.ID)
	if len(shown.Outcomes) != 2 || shown.Outcomes[0].State != "done" || shown.Outcomes[0].Files != 2 || shown.Outcomes[1].Files != 1 {
		t.Errorf("got %+v, want 2 done and 1 failed", shown.Outcomes)
	}
	r.mu.Lock()
	r.refuse, r.taken = nil, nil
	r.mu.Unlock()
	must(t, cli, "dead-letters", "retry", "--replay", done.ID)
	r.await("what was refused", func(taken []delivery) bool { return len(taken) > 0 })
	if got := r.paths(); len(got) != 1 || got[0] != "bad.md" {
		t.Errorf("retried %v, want bad.md alone", got)
	}
	server.stop(t)
}

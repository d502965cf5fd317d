package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/confuse/data-connector/adapters/kafka"
	"github.com/confuse/data-connector/domain"
)

// consumersVariable is the folder in which docs/consumers/run has installed what
// the consumers in Python and Node need.
const consumersVariable = "CONSUMERS_HOME"

// The consumers of docs/consumers see what GET /sources/{id}/files says: those of
// the topic of last states also while it changes.
func TestConsumers(t *testing.T) {
	t.Parallel()

	home := os.Getenv(consumersVariable)
	if home == "" {
		t.Skip("it needs Python and Node packages: run make consumers")
	}
	dir := folder(t, map[string]string{"a.md": "1", "b/c.go": "package c", "d.txt": "1"})
	env := with(serveEnv(t, dir), "FILES_STATE=true", "STAGES=none")
	server := startChild(t, env, "serve")
	cli := with(env, "DATA_CONNECTOR_URL="+server.URL)
	source := connect(t, cli, dir)
	put(t, dir, "a.md", "2")
	put(t, dir, "e.md", "1")
	if err := os.Rename(filepath.Join(dir, "d.txt"), filepath.Join(dir, "moved.txt")); err != nil {
		t.Fatal(err)
	}
	must(t, cli, "source", "sync", source, "--wait")
	server.stop(t)
	end := tellTricks(t, env, source)
	server = startChild(t, env, "serve", "--roles", "api,projector,dispatcher")
	awaitRow(t, database(t, env), fmt.Sprintf(`SELECT count(*) FROM read.checkpoints WHERE topic LIKE '%%.events.v1' AND partition = %d AND position > %d`, end.Partition, end.Offset), 1)
	want := filesOf(t, server.URL, source)
	for _, path := range []string{"a.md", "moved.txt", "by-a.md", "behind-cancel.md", "by-b.md"} {
		if want[path] == "" {
			t.Errorf("GET /files lacks %s: %v", path, want)
		}
	}
	if strings.Contains(textOf(want), "void") {
		t.Errorf("GET /files shows what is void: %v", want)
	}
	readToEnd(t, home, env, source, want)

	listeners := listenToAll(t, home, env, source)
	for _, f := range listeners {
		f.await(t, want)
	}
	server.stop(t)
	server = startChild(t, env, "serve")
	cli = with(env, "DATA_CONNECTOR_URL="+server.URL)
	must(t, cli, "source", "resume", source)
	put(t, dir, "a.md", "3")
	if err := os.Remove(filepath.Join(dir, "e.md")); err != nil {
		t.Fatal(err)
	}
	must(t, cli, "source", "sync", source, "--full", "--wait")
	later := filesOf(t, server.URL, source)
	if maps.Equal(want, later) || later["e.md"] != "" {
		t.Errorf("GET /files is %v once files have changed and gone", later)
	}
	for _, f := range listeners {
		f.await(t, later)
	}
	readToEnd(t, home, env, source, later)
	server.stop(t)
}

// listenToAll starts the consumers of the topic of last states.
func listenToAll(t *testing.T, home string, env []string, source string) []*listener {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "consumer") // go run does not pass on that it is killed
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "../../docs/consumers/go").CombinedOutput(); err != nil {
		t.Fatalf("%v:\n%s", err, out)
	}
	of := mapOf(env)
	args := []string{of["KAFKA_BOOTSTRAP_SERVERS"], of["KAFKA_TOPIC_PREFIX"] + ".files.state.v1", source}
	return []*listener{
		listenTo(t, "go", append([]string{binary}, args...)...),
		listenTo(t, "python", append([]string{filepath.Join(home, "python/bin/python"), "../../docs/consumers/python/consumer.py"}, args...)...),
		listenTo(t, "node", append([]string{"node", filepath.Join(home, "node/consumer.js")}, args...)...),
	}
}

// readToEnd runs the readers of the events topic.
func readToEnd(t *testing.T, home string, env []string, source string, want map[string]string) {
	t.Helper()
	of := mapOf(env)
	args := []string{of["KAFKA_BOOTSTRAP_SERVERS"], of["KAFKA_TOPIC_PREFIX"] + ".events.v1", source}
	for name, command := range map[string][]string{
		"go":     {"go", "run", "../../docs/consumers/go/events"},
		"python": {filepath.Join(home, "python/bin/python"), "../../docs/consumers/python/events.py"},
		"node":   {"node", filepath.Join(home, "node/events.js")},
	} {
		t.Run(name+" events", func(t *testing.T) {
			run := exec.CommandContext(t.Context(), command[0], append(command[1:], args...)...)
			run.Stderr = os.Stderr
			out, err := run.Output()
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for line := range strings.Lines(string(out)) {
				var f struct{ Path, Revision string }
				if err := json.Unmarshal([]byte(line), &f); err != nil || got[f.Path] != "" {
					t.Fatalf("%q: %v", line, err)
				}
				got[f.Path] = f.Revision
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("files (-GET /files +%s):\n%s", name, diff)
			}
		})
	}
}

// filesOf are the revisions of a source's files, by path.
func filesOf(t *testing.T, url, source string) map[string]string {
	t.Helper()
	var reply struct {
		Files []struct{ Path, Revision string }
	}
	fetch(t, url+"/sources/"+source+"/files", &reply)
	files := map[string]string{}
	for _, f := range reply.Files {
		files[f.Path] = f.Revision
	}
	return files
}

// toldAt is when what a teller tells happened.
var toldAt = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

// A teller puts events of one source on the log, also void ones.
type teller struct {
	t   *testing.T
	log *kafka.Log
	src domain.Source
	at  domain.Position // of the last one
	seq int64
}

// tell appends an event, and folds it.
func (l *teller) tell(e domain.Event, err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
	id, err := domain.NewEventID()
	if err != nil {
		l.t.Fatal(err)
	}
	at, err := l.log.Append(l.t.Context(), domain.Message{ID: id, Time: toldAt, Partition: l.src.Partition, Event: e})
	if err != nil {
		l.t.Fatal(err)
	}
	l.at = at[0]
	if change, ok := e.(domain.SourceChanged); ok {
		l.src, _ = l.src.Apply(change, l.at.Offset)
	}
}

func (l *teller) file(claim domain.SourceChanged, path string) {
	l.t.Helper()
	l.seq++
	l.tell(domain.FileChanged{
		SourceID: l.src.ID, OwnerID: l.src.Owner, FileID: domain.NewPathFileID(l.src.ID, []byte(path), 0), JobID: claim.JobID, Run: claim.Run,
		RunID: claim.RunID, Seq: l.seq, Change: domain.FileAdded,
		FileState: domain.FileState{Path: path, Kind: domain.KindFile, Revision: path, Attributes: map[string]string{}},
	}, nil)
}

func (l *teller) request() domain.SourceChanged {
	l.t.Helper()
	e, err := l.src.RequestSync(domain.SyncIncremental, domain.TriggerManual, toldAt)
	l.tell(e, err)
	return e
}

// claim makes a claim for the oldest open job.
func (l *teller) claim() domain.SourceChanged {
	l.t.Helper()
	run, err := domain.NewRunID()
	if err != nil {
		l.t.Fatal(err)
	}
	e, err := l.src.Claim(run, toldAt)
	l.tell(e, err)
	return e
}

// void is a claim that does not count, and a file of its run.
func (l *teller) void(claim domain.SourceChanged, path string) {
	l.t.Helper()
	run, err := domain.NewRunID()
	claim.Run, claim.RunID = l.src.Run+1, run
	l.tell(claim, err)
	l.file(claim, path)
}

// tellTricks goes on with the log of a source by all that a reader may get wrong:
// runs that end by a cancellation and not by that of another job, claims for a job
// that has ended and of a paused source.
func tellTricks(t *testing.T, env []string, source string) domain.Position {
	t.Helper()
	of := mapOf(env)
	o := kafka.Options{Brokers: strings.Split(of["KAFKA_BOOTSTRAP_SERVERS"], ","), Layout: kafka.Layout{Prefix: of["KAFKA_TOPIC_PREFIX"]}, Compression: kafka.Zstd, Log: slog.New(slog.DiscardHandler)}
	log, err := kafka.NewLog(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(log.Close)
	id, err := domain.ParseSourceID(source)
	if err != nil {
		t.Fatal(err)
	}
	l := &teller{t: t, log: log, src: sourceOnLog(t, o, id)}
	l.request()
	first := l.claim()
	l.file(first, "by-a.md")
	waiting := l.request()
	cancelled, err := l.src.Cancel(waiting.JobID, toldAt)
	l.tell(cancelled, err)
	l.file(first, "behind-cancel.md")
	cancelled, err = l.src.Cancel(first.JobID, toldAt)
	l.tell(cancelled, err)
	l.file(first, "void-late.md")
	l.void(first, "void-zombie.md")
	l.request()
	second := l.claim()
	l.file(second, "by-b.md")
	done := l.src.InRun(domain.SourceSyncCompleted, toldAt)
	done.Seq = l.seq + 1
	l.tell(done, nil)
	paused, err := l.src.Pause(toldAt)
	l.tell(paused, err)
	asked := l.request()
	second.JobID = asked.JobID
	l.void(second, "void-paused.md")
	return l.at
}

// sourceOnLog folds what the log says of a source.
func sourceOnLog(t *testing.T, o kafka.Options, id domain.SourceID) (src domain.Source) {
	t.Helper()
	reader := kafka.NewReader(o)
	ends, err := reader.Ends(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for partition, end := range ends {
		for rec, err := range reader.Read(t.Context(), partition, 0, end) {
			if err != nil {
				t.Fatal(err)
			}
			if e, ok := rec.Event.(domain.SourceChanged); ok && e.SourceID == id {
				src, _ = src.Apply(e, rec.Position.Offset)
			}
		}
	}
	return src
}

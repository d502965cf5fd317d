package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
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

// The consumers of docs/consumers see what GET /sources/{id}/files says.
func TestConsumers(t *testing.T) {
	t.Parallel()

	home := os.Getenv(consumersVariable)
	if home == "" {
		t.Skip("it needs Python and Node packages: run make consumers")
	}
	dir := folder(t, map[string]string{"a.md": "1", "b/c.go": "package c", "d.txt": "1"})
	env := serveEnv(t, dir)
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
	server = startChild(t, env, "serve", "--roles", "api,projector")
	awaitRow(t, database(t, env), fmt.Sprintf(`SELECT count(*) FROM read.checkpoints WHERE topic LIKE '%%.events.v1' AND partition = %d AND position > %d`, end.Partition, end.Offset), 1)
	want := filesOf(t, server.URL, source)
	for _, path := range []string{"a.md", "moved.txt", "by-a.md", "behind-cancel.md", "by-b.md"} {
		if !strings.Contains(want, `"`+path+`"`) {
			t.Errorf("GET /files lacks %s:\n%s", path, want)
		}
	}
	if strings.Contains(want, "void") {
		t.Errorf("GET /files shows what is void:\n%s", want)
	}
	of := mapOf(env)
	args := []string{of["KAFKA_BOOTSTRAP_SERVERS"], of["KAFKA_TOPIC_PREFIX"] + ".events.v1", source}
	for name, command := range map[string][]string{
		"go":     {"go", "run", "../../docs/consumers/go"},
		"python": {filepath.Join(home, "python/bin/python"), "../../docs/consumers/python/consumer.py"},
		"node":   {"node", filepath.Join(home, "node/consumer.js")},
	} {
		t.Run(name, func(t *testing.T) {
			run := exec.CommandContext(t.Context(), command[0], append(command[1:], args...)...)
			run.Stderr = os.Stderr
			got, err := run.Output()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, string(got)); diff != "" {
				t.Errorf("files (-GET /files +%s):\n%s", name, diff)
			}
		})
	}
	server.stop(t)
}

// filesOf is what consumers are to print.
func filesOf(t *testing.T, url, source string) string {
	t.Helper()
	var reply struct {
		Files []struct{ Path, Revision string }
	}
	fetch(t, url+"/sources/"+source+"/files", &reply)
	var lines strings.Builder
	for _, f := range reply.Files {
		line, err := json.Marshal(map[string]string{"path": f.Path, "revision": f.Revision})
		if err != nil {
			t.Fatal(err)
		}
		lines.Write(append(line, '\n'))
	}
	return lines.String()
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

package main

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/confuse/data-connector/adapters/kafka"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/wire"
)

// The topic of last states ends at what the tables hold, by itself and after
// records on it were damaged.
func TestFilesState(t *testing.T) {
	t.Parallel()

	dir := folder(t, map[string]string{"a.md": "1", "b.md": "1", "gone.md": "1"})
	env := with(serveEnv(t, dir), "FILES_STATE=true", "FILES_STATE_CHECK=1s", "STAGES=none")
	server := startChild(t, env, "serve")
	cli := with(env, "DATA_CONNECTOR_URL="+server.URL)
	source := connect(t, cli, dir)
	put(t, dir, "a.md", "2")
	if err := os.Remove(filepath.Join(dir, "gone.md")); err != nil {
		t.Fatal(err)
	}
	must(t, cli, "source", "sync", source, "--wait")
	of := mapOf(env)
	topic := of["KAFKA_TOPIC_PREFIX"] + ".files.state.v1"
	client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(of["KAFKA_BOOTSTRAP_SERVERS"], ",")...), kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	want := map[string]string{}
	for _, e := range changes(t, env, source) {
		want[e.FileID.String()] = fmt.Sprint(e.Run, e.Seq)
		if e.Change == domain.FileRemoved {
			delete(want, e.FileID.String())
		}
	}
	states := map[string]*kgo.Record{}
	until := func(what string) {
		t.Helper()
		late := time.After(time.Minute)
		for !sameStates(states, want) {
			select {
			case <-late:
				t.Fatalf("%s: got %d states after a minute, want %v", what, len(states), want)
			default:
			}
			client.PollFetches(t.Context()).EachRecord(func(r *kgo.Record) {
				states[string(r.Key)] = r
			})
		}
	}
	until("as it comes")
	for key, r := range states { // what a paused publisher might do: an old state, a missing one, one too many
		damage := &kgo.Record{Topic: topic, Partition: r.Partition, Key: []byte(key), Headers: r.Headers}
		if r.Value == nil {
			for _, live := range states {
				if live.Value != nil {
					damage.Value, damage.Headers = []byte(strings.ReplaceAll(string(live.Value), string(live.Key), key)), live.Headers
				}
			}
		}
		if err := client.ProduceSync(t.Context(), damage).FirstErr(); err != nil {
			t.Fatal(err)
		}
		states[key] = damage
	}
	until("mended")
	begin := beginFrom(t, env, server.URL, source)
	put(t, dir, "a.md", "3")
	put(t, dir, "later.md", "1")
	if err := os.Remove(filepath.Join(dir, "b.md")); err != nil {
		t.Fatal(err)
	}
	must(t, cli, "source", "sync", source, "--wait")
	begin.goOn(t, env, states)
	got := map[string]string{}
	for _, e := range begin.files {
		if e.Change != domain.FileRemoved {
			got[e.Path] = e.Revision
		}
	}
	var files struct {
		Files []struct{ Path, Revision string }
	}
	fetch(t, server.URL+"/sources/"+source+"/files", &files)
	for _, f := range files.Files {
		if got[f.Path] != f.Revision {
			t.Errorf("a reader that began in the middle has %q of %s, want %q", got[f.Path], f.Path, f.Revision)
		}
		delete(got, f.Path)
	}
	if len(got) > 0 || len(files.Files) == 0 {
		t.Errorf("a reader that began in the middle has %v too", got)
	}
	server.stop(t)
}

// A beginner takes files from the topic of last states and goes on with the log.
type beginner struct {
	source string
	at     map[int32]int64 // where it goes on
	run    int64           // the current one there
	runID  string          // empty: none
	files  map[string]domain.FileChanged
}

// beginFrom asks where to go on, and which run is the current one there.
func beginFrom(t *testing.T, env []string, url, source string) *beginner {
	t.Helper()
	of := mapOf(env)
	admin, err := kadm.NewOptClient(kgo.SeedBrokers(strings.Split(of["KAFKA_BOOTSTRAP_SERVERS"], ",")...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(admin.Close)
	done, err := admin.FetchOffsets(t.Context(), of["KAFKA_TOPIC_PREFIX"]+"-files-state")
	if err != nil {
		t.Fatal(err)
	}
	b := &beginner{source: source, at: map[int32]int64{}, files: map[string]domain.FileChanged{}}
	done.KeepFunc(func(o kadm.OffsetResponse) bool { return o.Topic == of["KAFKA_TOPIC_PREFIX"]+".events.v1" })
	done.Each(func(o kadm.OffsetResponse) { b.at[o.Partition] = o.At })
	for partition, at := range b.at {
		var reply struct {
			Runs []struct {
				SourceID, RunID string
				Run             int64
				Ended           *int64
			}
		}
		fetch(t, fmt.Sprintf("%s/runs?partition=%d&at=%d", url, partition, at), &reply)
		for _, r := range reply.Runs {
			if b.run = r.Run; r.SourceID == source && r.Ended == nil {
				b.runID = r.RunID
			}
		}
	}
	return b
}

// goOn reads the last states, and behind them the log.
func (b *beginner) goOn(t *testing.T, env []string, states map[string]*kgo.Record) {
	t.Helper()
	for key, r := range states {
		headers := map[string]string{}
		for _, h := range r.Headers {
			headers[h.Key] = string(h.Value)
		}
		if event, err := wire.Decode(headers, r.Value); err == nil && r.Value != nil {
			b.files[key], _ = event.(domain.FileChanged)
		}
	}
	of := mapOf(env)
	reader := kafka.NewReader(kafka.Options{
		Brokers: strings.Split(of["KAFKA_BOOTSTRAP_SERVERS"], ","), Layout: kafka.Layout{Prefix: of["KAFKA_TOPIC_PREFIX"]}, Log: slog.New(slog.DiscardHandler),
	})
	ends, err := reader.Ends(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for partition, end := range ends {
		for rec, err := range reader.Read(t.Context(), partition, max(0, b.at[partition]), end) {
			if err != nil {
				t.Fatal(err)
			}
			switch e := rec.Event.(type) {
			case domain.SourceChanged:
				if e.Change == domain.SourceSyncStarted && e.SourceID.String() == b.source && e.Run > b.run {
					b.run, b.runID = e.Run, e.RunID.String()
				}
			case domain.FileChanged:
				if e.RunID.String() == b.runID && b.files[e.FileID.String()].Revised().Before(e.Revised()) {
					b.files[e.FileID.String()] = e
				}
			}
		}
	}
}

// sameStates tells whether the last records of all keys are the live files.
func sameStates(states map[string]*kgo.Record, want map[string]string) bool {
	got := map[string]string{}
	for key, r := range states {
		headers := map[string]string{}
		for _, h := range r.Headers {
			headers[h.Key] = string(h.Value)
		}
		if event, err := wire.Decode(headers, r.Value); err == nil && r.Value != nil {
			if e, ok := event.(domain.FileChanged); ok {
				got[key] = fmt.Sprint(e.Run, e.Seq)
			}
		}
	}
	return fmt.Sprint(got) == fmt.Sprint(want)
}

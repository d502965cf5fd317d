package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

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
	server.stop(t)
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

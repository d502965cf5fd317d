package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/wire"
)

// What cannot be folded is set aside, seen, and mended by hand: retried when its
// cause is gone, or left out, after which its source goes on.
func TestPoison(t *testing.T) {
	t.Parallel()

	dir := folder(t, map[string]string{"a": "a", "b": "b"})
	env := serveEnv(t, dir)
	server := startChild(t, env, "serve")
	cli := with(env, "DATA_CONNECTOR_URL="+server.URL)
	id := connect(t, cli, dir, "watch=false")
	checkBadFile(t, env, cli, id, dir)
	checkBadSource(t, env, cli, id)
	if err := os.WriteFile(filepath.Join(dir, "later"), []byte("later"), 0o600); err != nil {
		t.Fatal(err)
	}
	must(t, cli, "source", "sync", id, "--wait")
	checkTruth(t, env, id, dir)
	if out := must(t, cli, "projections", "--json"); strings.Contains(out, `"poison":1`) {
		t.Errorf("got\n%s\nwant nothing set aside any more", out)
	}
	server.stop(t)
}

// checkBadFile: one file that the database refuses stops nothing. Once it takes it,
// the retry brings the row.
func checkBadFile(t *testing.T, env, cli []string, id, dir string) {
	t.Helper()
	db := database(t, env)
	if _, err := db.Exec(t.Context(), `ALTER TABLE read.files ADD CONSTRAINT refuses CHECK (path <> 'bad')`); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"bad", "c"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	must(t, cli, "source", "sync", id, "--wait")
	table := rows(t, env, id)
	if _, ok := table["bad"]; ok || len(table) != 3 {
		t.Errorf("got %d rows, want a, b and c", len(table))
	}
	bad := setAside(t, cli, id)
	if len(bad) != 1 || bad[0].Parks || !strings.Contains(bad[0].Error, "refuses") {
		t.Fatalf("got %+v, want the one file that the database refuses", bad)
	}
	if out := must(t, cli, "poison", "retry", bad[0].Record); !strings.Contains(out, "0 records folded, 1 still set aside") {
		t.Errorf("a retry while it is bad: got %q", out)
	}
	var shown string
	if fetch(t, mapOf(cli)["DATA_CONNECTOR_URL"]+"/metrics", &shown); !strings.Contains(shown, `dataconnector_projection_poison{partition="`+strings.Split(bad[0].Record[strings.LastIndex(bad[0].Record, "/")+1:], ":")[0]+`",topic="`+mapOf(env)["KAFKA_TOPIC_PREFIX"]+`.events.v1"} 1`) {
		t.Errorf("got metrics\n%s\nwant one record set aside", shown)
	}
	if _, err := db.Exec(t.Context(), `ALTER TABLE read.files DROP CONSTRAINT refuses`); err != nil {
		t.Fatal(err)
	}
	if out := must(t, cli, "poison", "retry", bad[0].Record); !strings.Contains(out, "1 records folded, 0 still set aside") {
		t.Errorf("a retry once it is good: got %q", out)
	}
	checkTruth(t, env, id, dir)
}

// checkBadSource: a record about the source that nobody can read parks it, until it
// is left out.
func checkBadSource(t *testing.T, env, cli []string, id string) {
	t.Helper()
	source, err := domain.ParseSourceID(id)
	if err != nil {
		t.Fatal(err)
	}
	var events struct{ Partition int32 }
	fetch(t, mapOf(cli)["DATA_CONNECTOR_URL"]+"/sources/"+id+"/events?limit=1", &events)
	putBad(t, env, events.Partition, source)
	if r := call(t, cli, "source", "sync", id); r.code != exitConflict { // it waits behind it
		t.Errorf("an order about a parked source: got exit code %d, %s, want %d", r.code, r.err, exitConflict)
	}
	all, causes := setAside(t, cli, id), setAside(t, cli, id, "--causes")
	if len(causes) != 1 || !causes[0].Parks || causes[0].Behind < 1 || int64(len(all)) != 1+causes[0].Behind {
		t.Fatalf("got %+v, of which causes %+v, want one that parks its source with the order behind it", all, causes)
	}
	if r := call(t, cli, "poison", "skip", all[1].Record); r.code != exitConflict {
		t.Errorf("to skip what waits behind it: got exit code %d, %s, want %d", r.code, r.err, exitConflict)
	}
	if out := must(t, cli, "poison", "retry", "--source", id); !strings.Contains(out, "0 records folded") {
		t.Errorf("a retry: got %q, want it as bad as before", out)
	}
	if out := must(t, cli, "poison", "skip", causes[0].Record); !strings.Contains(out, " 0 still set aside") {
		t.Errorf("a skip: got %q, want nothing left", out)
	}
	if r := call(t, cli, "poison", "skip", causes[0].Record); r.code != exitFailed || !strings.Contains(r.err, "POISON_NOT_FOUND") {
		t.Errorf("a second skip: got exit code %d, %q", r.code, r.err)
	}
}

// setAside is what poison list shows of a source.
func setAside(t *testing.T, cli []string, source string, more ...string) []poisonReply {
	t.Helper()
	var reply struct{ Poison []poisonReply }
	out := must(t, cli, append([]string{"poison", "list", "--json", "--source", source}, more...)...)
	if err := json.Unmarshal([]byte(out), &reply); err != nil {
		t.Fatal(err)
	}
	return reply.Poison
}

// putBad puts an event of a source on the log whose data nobody can read, and waits
// until it is folded.
func putBad(t *testing.T, env []string, partition int32, source domain.SourceID) {
	t.Helper()
	good, err := wire.Encode(domain.Message{
		ID: domain.EventID{UUID: uuid.New()}, Time: time.Now(), Partition: partition,
		Event: domain.SourceChanged{SourceID: source, OwnerID: localOwner, Provider: "localfs", Change: domain.SourcePaused, At: time.Now(), Version: 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	record := &kgo.Record{Topic: mapOf(env)["KAFKA_TOPIC_PREFIX"] + ".events.v1", Partition: partition, Key: good.Key, Value: []byte(`{"source_id":`)}
	for _, h := range good.Headers {
		record.Headers = append(record.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(mapOf(env)["KAFKA_BOOTSTRAP_SERVERS"], ",")...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.ProduceSync(t.Context(), record).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

package kafka_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/confuse/data-connector/adapters/kafka"
	"github.com/confuse/data-connector/adapters/testenv"
	"github.com/confuse/data-connector/domain"
)

var (
	source = domain.SourceID{UUID: uuid.MustParse("0195a3c1-7d2e-7b6a-9f00-000000000001")}
	noon   = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)
)

// partitions is how many each topic of a test has.
const partitions = 2

// A world is a test's own topics on one broker.
type world struct {
	kafka.Options
	admin  *kadm.Client
	client *kgo.Client
}

// onBoth runs a promise of the log against a real broker and against the one in
// process. Where there is no real one, testenv says so.
func onBoth(t *testing.T, test func(t *testing.T, w world)) {
	t.Helper()
	t.Run("broker", func(t *testing.T) {
		t.Parallel()
		if !testenv.RealKafka(t) {
			t.Log("no real Kafka: a broker in process stands in")
		}
		test(t, newWorld(t, testenv.Kafka(t)))
	})
	t.Run("in process", func(t *testing.T) {
		t.Parallel()
		test(t, newWorld(t, testenv.FakeKafka(t)))
	})
}

// newCluster is for tests that inject faults.
func newCluster(t *testing.T, opts ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func newWorld(t *testing.T, servers []string) world {
	t.Helper()
	w := emptyWorld(t, servers)
	if err := kafka.Ensure(t.Context(), w.Options); err != nil {
		t.Fatal(err)
	}
	return w
}

// emptyWorld has no topics yet.
func emptyWorld(t *testing.T, servers []string) world {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(servers...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return world{
		Options: kafka.Options{
			Brokers: servers,
			Layout:  kafka.Layout{Prefix: testenv.Topics(t, servers), Partitions: partitions, Replicas: 1},
			Log:     testLog(t),
		},
		admin: kadm.NewClient(client), client: client,
	}
}

func testLog(t *testing.T) *slog.Logger {
	t.Helper()
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func (w world) newLog(t *testing.T) *kafka.Log {
	t.Helper()
	l, err := kafka.NewLog(w.Options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

// write appends events numbered from first to last to a partition.
func (w world) write(t *testing.T, partition int32, first, last int64) {
	t.Helper()
	l, err := kafka.NewLog(w.Options)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var messages []domain.Message
	for n := first; n <= last; n++ {
		messages = append(messages, numbered(t, partition, n))
	}
	if _, err := l.Append(t.Context(), messages...); err != nil {
		t.Fatal(err)
	}
}

// numbered is an event that carries the number n, which is above 0.
func numbered(t *testing.T, partition int32, n int64) domain.Message {
	t.Helper()
	return message(t, partition, domain.SourceChanged{
		SourceID: source, OwnerID: "owner", Provider: "localfs", Change: domain.SourcePaused, At: noon, Version: n,
	})
}

// large is numbered with data of at least size bytes.
func large(t *testing.T, partition int32, n int64, size int) domain.Message {
	t.Helper()
	return message(t, partition, domain.SourceChanged{
		SourceID: source, OwnerID: "owner", Provider: "localfs", Change: domain.SourceUpdated, At: noon, Version: n,
		Config: json.RawMessage(`{"x":"` + strings.Repeat("x", size) + `"}`),
	})
}

func message(t *testing.T, partition int32, e domain.Event) domain.Message {
	t.Helper()
	id, err := domain.NewEventID()
	if err != nil {
		t.Fatal(err)
	}
	return domain.Message{ID: id, Time: noon, Partition: partition, Event: e}
}

// number is what numbered put in; 0 when r holds something else.
func number(r domain.Record) int64 {
	e, _ := r.Event.(domain.SourceChanged)
	return e.Version
}

// readAll gives what a partition of the events topic holds now.
func (w world) readAll(t *testing.T, partition int32) []domain.Record {
	t.Helper()
	var all []domain.Record
	for r, err := range kafka.NewReader(w.Options).Read(t.Context(), partition, 0, kafka.Follow-1) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

// numbers are those of rs.
func numbers(rs []domain.Record) []int64 {
	var ns []int64
	for _, r := range rs {
		ns = append(ns, number(r))
	}
	return ns
}

// sequence is first to last.
func sequence(first, last int64) []int64 {
	var ns []int64
	for n := first; n <= last; n++ {
		ns = append(ns, n)
	}
	return ns
}

// soon bounds what a test waits for.
func soon(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// quiet is for what logs from goroutines that outlive a subtest.
func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

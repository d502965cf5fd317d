package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/confuse/data-connector/adapters/kafka"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/wire"
)

// fileNamed is an event of the file at path. Its text stands in memory that pages share.
func fileNamed(t *testing.T, path string) domain.Message {
	t.Helper()
	return message(t, 0, domain.FileChanged{
		SourceID: source, OwnerID: "owner", FileID: domain.FileID{UUID: uuid.New()}, JobID: domain.JobID{UUID: uuid.New()},
		RunID: domain.RunID{UUID: uuid.New()}, Run: 1, Seq: 1, Change: domain.FileAdded,
		FileState: domain.FileState{Path: path, Kind: domain.KindFile, Revision: path, Attributes: map[string]string{"mode": "0644"}},
	})
}

// filesNamed are n events whose paths no other name leads to, for partition 0.
func filesNamed(t *testing.T, name string, n int) []domain.Message {
	t.Helper()
	all := make([]domain.Message, n)
	for i := range all {
		all[i] = fileNamed(t, fmt.Sprintf("%s/%d", name, i))
	}
	return all
}

// checkWritten compares records with what messages are when each is encoded alone.
func checkWritten(t *testing.T, messages []domain.Message, records []domain.Record) {
	t.Helper()
	if len(records) != len(messages) {
		t.Fatalf("got %d records, want %d", len(records), len(messages))
	}
	for i, m := range messages {
		e, err := wire.Encode(m)
		if err != nil {
			t.Fatal(err)
		}
		want := domain.Record{Key: e.Key, Raw: e.Value, Headers: wire.Headers(e.Headers)}
		got := domain.Record{Key: records[i].Key, Raw: records[i].Raw, Headers: records[i].Headers}
		if !reflect.DeepEqual(want, got) { // cmp takes a second for a thousand of them
			t.Fatalf("record %d (-want +got):\n%s", i, cmp.Diff(want, got))
		}
	}
}

// Appends of all lengths, one behind the other and at once, use each other's memory.
func TestAppendWritesWhatItIsGiven(t *testing.T) {
	t.Parallel()

	onBoth(t, func(t *testing.T, w world) {
		l := w.newLog(t)
		lengths := []int{1, 300, 7, 1000, 128, 2, 255, 256, 600, 1}
		var all sync.WaitGroup
		written := make([]map[domain.Position]domain.Message, 4)
		for c := range written {
			written[c] = make(map[domain.Position]domain.Message)
			all.Go(func() {
				for a, n := range lengths {
					messages := filesNamed(t, fmt.Sprintf("%d/%d", c, a), n)
					at, err := l.Append(t.Context(), messages...)
					if err != nil {
						t.Error(err)
						return
					}
					for i, p := range at {
						written[c][p] = messages[i]
					}
				}
			})
		}
		all.Wait()
		records := w.readAll(t, 0)
		messages := make([]domain.Message, len(records))
		for _, some := range written {
			for p, m := range some {
				messages[p.Offset] = m
			}
		}
		checkWritten(t, messages, records)
	})
}

// The client encodes a batch once more when the broker would not have it: until then
// the memory of its records is nobody else's, though their caller has long gone.
func TestAppendInFlightKeepsItsMemory(t *testing.T) {
	t.Parallel()

	c := newCluster(t)
	w := newWorld(t, c.ListenAddrs())
	l := w.newLog(t)
	refused, release := refuseProduce(t, c)
	messages, others := filesNamed(t, "first", 500), filesNamed(t, "other", 500)
	if _, err := l.Append(until(t, refused), messages...); !errors.Is(err, domain.ErrUnknownFate) {
		t.Fatalf("got error %v, want %v", err, domain.ErrUnknownFate)
	}
	encode(t, l, others)
	release()
	last := filesNamed(t, "last", 1)
	if _, err := l.Append(soon(t), last...); err != nil { // behind those that are in flight
		t.Fatal(err)
	}
	checkWritten(t, append(messages, last...), w.readAll(t, 0))
}

// encode has l encode messages, on every processor, and send none of them.
func encode(t *testing.T, l *kafka.Log, messages []domain.Message) {
	t.Helper()
	over, cancel := context.WithCancel(t.Context())
	cancel()
	var all sync.WaitGroup
	for range 4 * runtime.GOMAXPROCS(0) {
		all.Go(func() {
			if _, err := l.Append(over, messages...); !errors.Is(err, domain.ErrUnavailable) {
				t.Errorf("got error %v, want %v", err, domain.ErrUnavailable)
			}
		})
	}
	all.Wait()
}

// refuseProduce has the broker refuse what it is sent, in a way that the client tries
// it again, until release is called; refused is closed when the first one has come.
func refuseProduce(t *testing.T, c *kfake.Cluster) (refused <-chan struct{}, release func()) {
	t.Helper()
	came := make(chan struct{})
	var once sync.Once
	var open atomic.Bool
	c.ControlKey(int16(kmsg.Produce), func(r kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		if open.Load() {
			return nil, nil, false
		}
		once.Do(func() { close(came) })
		return refusal(r.(*kmsg.ProduceRequest)), nil, true
	})
	return came, func() { open.Store(true) }
}

// refusal tells that another broker leads each partition of r.
func refusal(r *kmsg.ProduceRequest) *kmsg.ProduceResponse {
	answer := r.ResponseKind().(*kmsg.ProduceResponse)
	for _, t := range r.Topics {
		topic := kmsg.NewProduceResponseTopic()
		topic.Topic, topic.TopicID = t.Topic, t.TopicID
		for _, p := range t.Partitions {
			partition := kmsg.NewProduceResponseTopicPartition()
			partition.Partition, partition.ErrorCode = p.Partition, kerr.NotLeaderForPartition.Code
			topic.Partitions = append(topic.Partitions, partition)
		}
		answer.Topics = append(answer.Topics, topic)
	}
	return answer
}

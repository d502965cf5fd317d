package kafka_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/confuse/data-connector/adapters/kafka"
	"github.com/confuse/data-connector/domain"
)

func TestFeedStartsWhereTheReaderSays(t *testing.T) {
	t.Parallel()

	onBoth(t, func(t *testing.T, w world) {
		w.write(t, 0, 1, 20)
		w.write(t, 1, 1, 5)
		m := newMemory()
		m.next[0], m.next[1] = 12, 5
		r := newReader(t, m)
		f := w.feed(t, r)
		m.awaitRead(t, 0, 20)
		w.write(t, 1, 6, 7)
		m.awaitRead(t, 1, 7)
		f.stop(t)

		if diff := cmp.Diff(sequence(13, 20), numbers(m.read(0))); diff != "" {
			t.Errorf("events of partition 0 (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(sequence(6, 7), numbers(m.read(1))); diff != "" {
			t.Errorf("events of partition 1 (-want +got):\n%s", diff)
		}
		if p := r.given[0]; p.End != 20 || p.TopicID == "" || p.TopicID != r.given[1].TopicID {
			t.Errorf("got partitions %+v, want the end 20 and one topic id", r.given)
		}
		if r.held[0] || r.held[1] {
			t.Error("got partitions still held after the feed ended, want them revoked")
		}
	})
}

// One batch of one partition at a time is what reader checks; here it has
// something to check.
func TestFeedHandsOutBatchesInOrder(t *testing.T) {
	t.Parallel()

	onBoth(t, func(t *testing.T, w world) {
		const count = 12_000
		m := newMemory()
		r := newReader(t, m)
		largest := 0
		r.refuse = func(_ domain.FeedPartition, rs []domain.Record) error {
			m.mu.Lock()
			defer m.mu.Unlock()
			largest = max(largest, len(rs))
			return nil
		}
		for p := range int32(partitions) {
			w.write(t, p, 1, count)
		}
		f := w.feed(t, r)
		for p := range int32(partitions) {
			m.awaitRead(t, p, count)
		}
		f.stop(t)
		for p := range int32(partitions) {
			if diff := cmp.Diff(sequence(1, count), numbers(m.read(p))); diff != "" {
				t.Errorf("events of partition %d (-want +got):\n%s", p, diff)
			}
		}
		if largest != 5_000 {
			t.Errorf("got batches of at most %d records, want full ones of 5000", largest)
		}
	})
}

func TestFeedSharesPartitionsWithoutLoss(t *testing.T) {
	t.Parallel()

	onBoth(t, func(t *testing.T, w world) {
		m := newMemory()
		a, b := newReader(t, m), newReader(t, m)
		w.write(t, 0, 1, 100)
		w.write(t, 1, 1, 100)
		first := w.feed(t, a)
		m.await(t, func() bool { return a.held[0] && a.held[1] })
		second := w.feed(t, b)
		w.write(t, 0, 101, 200)
		m.await(t, func() bool { return a.held[0] != a.held[1] && b.held[0] != b.held[1] })
		w.write(t, 1, 101, 200)
		m.awaitRead(t, 0, 200)
		m.awaitRead(t, 1, 200)
		first.stop(t)
		w.write(t, 0, 201, 300)
		w.write(t, 1, 201, 300)
		m.awaitRead(t, 0, 300)
		m.awaitRead(t, 1, 300)
		second.stop(t)
		for p := range int32(partitions) {
			if diff := cmp.Diff(sequence(1, 300), numbers(m.read(p))); diff != "" {
				t.Errorf("events of partition %d (-want +got):\n%s", p, diff)
			}
		}
	})
}

func TestFeedHandsInAgainAfterAnError(t *testing.T) {
	t.Parallel()

	onBoth(t, func(t *testing.T, w world) {
		m := newMemory()
		r := newReader(t, m)
		fails := 2
		r.refuse = func(p domain.FeedPartition, _ []domain.Record) error {
			m.mu.Lock()
			defer m.mu.Unlock()
			if p.Number == 0 && fails > 0 {
				fails--
				return errors.New("no room on the disk")
			}
			return nil
		}
		w.write(t, 0, 1, 10)
		w.write(t, 1, 1, 10)
		f := w.feed(t, r)
		m.awaitRead(t, 0, 10)
		m.awaitRead(t, 1, 10)
		f.stop(t)
		if r.assigned[0] != 3 || r.assigned[1] != 1 {
			t.Errorf("got partitions handed in %v times, want 3 and 1: only the one that failed", r.assigned)
		}
		if diff := cmp.Diff(sequence(1, 10), numbers(m.read(0))); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
	})
}

func TestFeedStopsWhenTheReaderMissesRecords(t *testing.T) {
	t.Parallel()

	onBoth(t, func(t *testing.T, w world) {
		r := newReader(t, newMemory())
		r.start = func(domain.FeedPartition) (int64, error) {
			return 0, fmt.Errorf("other event id than the checkpoint: %w", domain.ErrLogLost)
		}
		if err := w.feed(t, r).wait(t); !errors.Is(err, domain.ErrLogLost) {
			t.Errorf("got error %v, want %v", err, domain.ErrLogLost)
		}
	})
}

func TestFeedStopsAtABatchThatMissesRecords(t *testing.T) {
	t.Parallel()

	onBoth(t, func(t *testing.T, w world) {
		r := newReader(t, newMemory())
		r.refuse = func(domain.FeedPartition, []domain.Record) error { return domain.ErrLogLost }
		w.write(t, 1, 1, 1)
		if err := w.feed(t, r).wait(t); !errors.Is(err, domain.ErrLogLost) {
			t.Errorf("got error %v, want %v", err, domain.ErrLogLost)
		}
	})
}

// lostNaming fails the test unless err is a lost log that names all of names.
func lostNaming(t *testing.T, err error, names ...string) {
	t.Helper()
	if !errors.Is(err, domain.ErrLogLost) {
		t.Fatalf("got error %v, want %v", err, domain.ErrLogLost)
	}
	for _, name := range names {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("got error %q, want it to name %q", err, name)
		}
	}
}

func TestFeedStopsBeyondTheEnd(t *testing.T) {
	t.Parallel()

	onBoth(t, func(t *testing.T, w world) {
		w.write(t, 0, 1, 3)
		m := newMemory()
		m.next[0] = 17
		lostNaming(t, w.feed(t, newReader(t, m)).wait(t), w.Layout.Events()+"/0", "offset 17", "0 to 3")
	})
}

func TestFeedStopsBehindATruncation(t *testing.T) {
	t.Parallel()

	onBoth(t, func(t *testing.T, w world) {
		w.write(t, 1, 1, 10)
		w.truncate(t, 1, 6)
		m := newMemory()
		m.next[1] = 4
		lostNaming(t, w.feed(t, newReader(t, m)).wait(t), w.Layout.Events()+"/1", "offset 4", "6 to 10")

		m.next[1] = 6
		f := w.feed(t, newReader(t, m))
		m.awaitRead(t, 1, 10)
		f.stop(t)
		if diff := cmp.Diff(sequence(7, 10), numbers(m.read(1))); diff != "" {
			t.Errorf("events from where the log begins (-want +got):\n%s", diff)
		}
		for _, err := range kafka.NewReader(w.Options).Read(soon(t), 1, 2, kafka.Follow) {
			lostNaming(t, err, w.Layout.Events()+"/1", "offset 2")
			break
		}
	})
}

func (w world) truncate(t *testing.T, partition int32, offset int64) {
	t.Helper()
	var to kadm.Offsets
	to.Add(kadm.Offset{Topic: w.Layout.Events(), Partition: partition, At: offset})
	deleted, err := w.admin.DeleteRecords(t.Context(), to)
	if err != nil {
		t.Fatal(err)
	}
	if err := deleted.Error(); err != nil {
		t.Fatal(err)
	}
}

func TestFeedStopsWhenTheTopicIsMadeAnew(t *testing.T) {
	t.Parallel()

	onBoth(t, func(t *testing.T, w world) {
		w.write(t, 0, 1, 3)
		m := newMemory()
		r := newReader(t, m)
		f := w.feed(t, r)
		m.awaitRead(t, 0, 3)
		m.await(t, func() bool { return r.held[1] })
		if _, err := w.admin.DeleteTopic(t.Context(), w.Layout.Events()); err != nil {
			t.Fatal(err)
		}
		if err := kafka.Ensure(soon(t), w.Options); err != nil {
			t.Fatal(err)
		}
		w.write(t, 0, 1, 5)
		lostNaming(t, f.wait(t), w.Layout.Events()+"/", "made anew", r.given[0].TopicID)
	})
}

func TestFeedPartitionLast(t *testing.T) {
	t.Parallel()

	onBoth(t, func(t *testing.T, w world) {
		w.write(t, 0, 1, 5)
		m := newMemory()
		r := newReader(t, m)
		f := w.feed(t, r)
		m.awaitRead(t, 0, 5)
		rec, err := r.given[0].Last(soon(t), 2)
		if err != nil || number(rec) != 3 || rec.Position.Offset != 2 || rec.Headers["ce_id"] == "" {
			t.Errorf("got %+v, %v, want the record at offset 2", rec, err)
		}
		_, err = r.given[0].Last(soon(t), 5)
		lostNaming(t, err, w.Layout.Events()+"/0", "offset 5", "0 to 5")
		f.stop(t)
	})
}

func TestFeedGivesWhatIsNoEvent(t *testing.T) {
	t.Parallel()

	onBoth(t, func(t *testing.T, w world) {
		w.write(t, 0, 1, 2)
		w.put(t, 0, "{not an event")
		w.write(t, 0, 3, 4)
		m := newMemory()
		f := w.feed(t, newReader(t, m))
		m.awaitRead(t, 0, 5)
		f.stop(t)
		if diff := cmp.Diff([]int64{1, 2, 0, 3, 4}, numbers(m.read(0))); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		for i, rec := range m.read(0) {
			if bad := i == 2; (rec.Err != nil) != bad || (rec.Event == nil) != bad {
				t.Errorf("got event %v and error %v at offset %d", rec.Event, rec.Err, i)
			}
		}
		if got := string(m.read(0)[2].Raw); got != "{not an event" {
			t.Errorf("got value %q, want it as it was", got)
		}
	})
}

// A member with a name leaves its partitions to itself: nothing is revoked by
// the group, and a restart does not wait for the end of the old session.
func TestFeedComesBackUnderItsName(t *testing.T) {
	t.Parallel()

	onBoth(t, func(t *testing.T, w world) {
		m := newMemory()
		for n := range int64(2) {
			w.write(t, 0, n+1, n+1)
			r := newReader(t, m)
			own := kafka.FeedOptions{Group: w.Layout.Prefix, Topics: []string{w.Layout.Events()}, Instance: "here"}
			f := w.feedAs(t, r, own)
			m.awaitRead(t, 0, n+1)
			f.stop(t)
			if r.held[0] || r.held[1] {
				t.Error("got partitions still held after the feed ended, want them revoked")
			}
		}
		if diff := cmp.Diff(sequence(1, 2), numbers(m.read(0))); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
	})
}

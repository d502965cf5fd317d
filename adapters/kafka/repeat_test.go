package kafka_test

import (
	"maps"
	"strconv"
	"testing"
	"time"

	"github.com/confuse/data-connector/adapters/kafka"
	"github.com/confuse/data-connector/domain/wire"
)

// The first window of each partition, and no more, may be what a process that has
// died had in hand: after a start and after each further one.
func TestRepeat(t *testing.T) {
	t.Parallel()

	const window, keys = 40, 8
	onBoth(t, func(t *testing.T, w world) {
		topic, log := w.Layout.Replay(), w.newLog(t)
		for range 2 {
			w.publishKeys(t, topic, keys)
		}
		for range 2 {
			s := kafka.NewSubscriber(w.Options, kafka.SubscriberOptions{Group: w.Layout.Prefix, Lanes: 1, Window: window, Grace: time.Second})
			messages := w.subscribe(t, s, topic)
			marked, first := map[string]int{}, map[string]int64{}
			for range keys * lanesPerKey {
				m := <-messages
				at, offset := m.Metadata[wire.MetaPartition], offsetOf(t, m.Metadata[wire.MetaOffset])
				if _, seen := first[at]; !seen {
					first[at] = offset
				}
				if m.Metadata[wire.MetaRepeat] != "" {
					marked[at]++
				} else if offset < first[at]+window {
					t.Errorf("partition %s from %d: offset %d is not marked", at, first[at], offset)
				}
				m.Ack()
			}
			for at, n := range marked {
				if n > window {
					t.Errorf("partition %s: %d are marked, want at most %d", at, n, window)
				}
			}
			if running, err := log.GroupsRunning(t.Context(), w.Layout.Prefix, "nobody"); err != nil || !maps.Equal(running, map[string]bool{w.Layout.Prefix: true}) {
				t.Errorf("got %v, %v running, want this one", running, err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if running, err := log.GroupsRunning(t.Context(), w.Layout.Prefix); err != nil || len(running) > 0 {
			t.Errorf("got %v, %v running, want none once it has stopped", running, err)
		}
	})
}

// What came to stand on the topic after a process got its partitions, no other one
// has had in hand.
func TestNoRepeatOfWhatIsNew(t *testing.T) {
	t.Parallel()

	const keys = 8
	onBoth(t, func(t *testing.T, w world) {
		topic := w.Layout.Replay()
		w.publishKeys(t, topic, keys)
		messages := w.subscribe(t, kafka.NewSubscriber(w.Options, kafka.SubscriberOptions{Group: w.Layout.Prefix, Grace: time.Second}), topic)
		for n := range 2 * keys * lanesPerKey {
			if n == keys*lanesPerKey { // all partitions are there
				w.publishKeys(t, topic, keys)
			}
			m := within(messages, time.Minute)
			if m == nil {
				t.Fatalf("%d came", n)
			}
			if old := n < keys*lanesPerKey; old != (m.Metadata[wire.MetaRepeat] != "") {
				t.Errorf("message %d, offset %s: a repeat: %q", n, m.Metadata[wire.MetaOffset], m.Metadata[wire.MetaRepeat])
			}
			m.Ack()
		}
	})
}

// A group that could not do with anything yet is behind by all there is.
func TestLagOfNothingDone(t *testing.T) {
	t.Parallel()

	onBoth(t, func(t *testing.T, w world) {
		w.Log = quiet()
		topic := w.Layout.Replay()
		w.publish(t, topic)
		if lag := w.lag(t, topic); lag != -1 {
			t.Errorf("got %d without a group, want -1", lag)
		}
		if m := next(t, w.subscribe(t, w.subscriber(8), topic)); m == nil { // it is never answered
			t.Fatal("nothing comes")
		}
		if lag := w.lag(t, topic); lag != laneKeys*lanesPerKey {
			t.Errorf("got %d, want all", lag)
		}
	})
}

func offsetOf(t *testing.T, text string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

package kafka_test

import (
	"strconv"
	"testing"
	"time"

	watermill "github.com/ThreeDotsLabs/watermill/message"

	"github.com/confuse/data-connector/adapters/kafka"
	"github.com/confuse/data-connector/domain/wire"
)

const laneWindow = 100 // of world.subscriber

// placeOf is where a message stands.
func placeOf(t *testing.T, m *watermill.Message) (partition string, offset int64) {
	t.Helper()
	offset, err := strconv.ParseInt(m.Metadata[wire.MetaOffset], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return m.Metadata[wire.MetaPartition], offset
}

// One message that is not answered holds up its partition at the window, however
// many others are acked, and a restart repeats no more than that.
func TestWindowBoundsRepeats(t *testing.T) {
	t.Parallel()

	onBoth(t, func(t *testing.T, w world) {
		w.Log = quiet()
		topic := w.Layout.Replay()
		w.publish(t, topic)
		first := w.subscriber(64)
		messages := w.subscribe(t, first, topic)
		stuck, top := map[string]int64{}, map[string]int64{}
		var acked []string
		for m := next(t, messages); m != nil; m = next(t, messages) {
			part, offset := placeOf(t, m)
			top[part] = max(top[part], offset)
			if _, ok := stuck[part]; !ok {
				stuck[part] = offset // its key waits, too
				continue
			}
			acked = append(acked, m.UUID)
			m.Ack()
		}
		for part, at := range stuck {
			if ahead := top[part] - at; ahead >= laneWindow || ahead < laneWindow/2 {
				t.Errorf("partition %s: got %d messages ahead of one that is not answered, want some below %d", part, ahead, laneWindow)
			}
		}
		if err := first.Close(); err != nil {
			t.Error(err)
		}
		before := map[string]bool{}
		for _, id := range acked {
			before[id] = true
		}
		again, rest := 0, laneKeys*lanesPerKey-len(acked)
		second := w.subscriber(64)
		for messages := w.subscribe(t, second, topic); rest > 0; {
			m := within(messages, time.Minute)
			if m == nil {
				t.Fatalf("%d are missing", rest)
			}
			if m.Ack(); before[m.UUID] {
				again++
			} else {
				rest--
			}
		}
		t.Logf("%d of %d repeated", again, len(acked))
		if again > len(stuck)*laneWindow {
			t.Errorf("got %d repeats, want no more than the windows of %d partitions", again, len(stuck))
		}
	})
}

// next is the next message; nil when none comes for a while.
func next(t *testing.T, messages <-chan *watermill.Message) *watermill.Message {
	t.Helper()
	return within(messages, 3*time.Second)
}

func within(messages <-chan *watermill.Message, wait time.Duration) *watermill.Message {
	select {
	case m := <-messages:
		return m
	case <-time.After(wait):
		return nil
	}
}

// What is in hand when a partition goes to another subscriber is finished first: the
// other one begins behind it.
func TestDrainOnRevoke(t *testing.T) {
	t.Parallel()

	onBoth(t, func(t *testing.T, w world) {
		w.Log = quiet()
		topic := w.Layout.Replay()
		w.publishKeys(t, topic, partitions) // one lane for each partition: nothing below what is in hand is left
		own := kafka.SubscriberOptions{Group: w.Layout.Prefix, Lanes: 64, Window: laneWindow, Grace: 20 * time.Second}
		first, second := kafka.NewSubscriber(w.Options, own), kafka.NewSubscriber(w.Options, own)
		messages := w.subscribe(t, first, topic)
		var held []*watermill.Message
		for parts := map[string]bool{}; len(parts) < partitions; { // whichever goes, some of it is in hand
			m := next(t, messages)
			if m == nil {
				t.Fatal("nothing comes")
			}
			part, _ := placeOf(t, m)
			parts[part], held = true, append(held, m)
		}
		others := w.subscribe(t, second, topic)
		// Those in hand are answered only when the other one has asked for its share.
		if m := next(t, others); m != nil {
			t.Fatalf("got %s before what is in hand was answered", m.UUID)
		}
		mine := map[string]bool{}
		for _, m := range held {
			mine[m.UUID] = true
			m.Ack()
		}
		left := partitions*lanesPerKey - len(held)
		for seen := map[string]bool{}; left > 0; {
			var m *watermill.Message
			select {
			case m = <-messages:
			case m = <-others:
				if mine[m.UUID] {
					t.Errorf("%s came again: it was answered while its partition went", m.UUID)
				}
			case <-soon(t).Done():
				t.Fatalf("%d are missing", left)
			}
			if !seen[m.UUID] && !mine[m.UUID] {
				left--
			}
			seen[m.UUID] = true
			m.Ack()
		}
	})
}

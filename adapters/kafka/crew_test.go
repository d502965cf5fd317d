package kafka_test

import (
	"strconv"
	"sync/atomic"
	"testing"

	watermill "github.com/ThreeDotsLabs/watermill/message"

	"github.com/confuse/data-connector/adapters/kafka"
	"github.com/confuse/data-connector/domain/wire"
)

// A message that takes for ever holds up what is of its key, and nothing else.
func TestSlowKeyHoldsUpNoOther(t *testing.T) {
	t.Parallel()

	onBoth(t, func(t *testing.T, w world) {
		w.Log = quiet()
		topic := w.Layout.Replay()
		w.publish(t, topic)
		s := kafka.NewSubscriber(w.Options, kafka.SubscriberOptions{Group: w.Layout.Prefix, Lanes: 2})
		var slow atomic.Pointer[string]
		var left atomic.Int32
		left.Store((laneKeys - 1) * lanesPerKey)
		others, release := make(chan struct{}), make(chan struct{})
		serve(t, s, topic, func(m *watermill.Message) error {
			key := m.Metadata[wire.MetaKey]
			if slow.CompareAndSwap(nil, &key) || *slow.Load() == key {
				<-release
				return nil
			}
			if left.Add(-1) == 0 {
				close(others)
			}
			return nil
		})
		select {
		case <-others:
		case <-soon(t).Done():
			t.Errorf("%d of other keys wait", left.Load())
		}
		close(release)
		w.awaitNoLag(t, topic)
	})
}

// A lane that is free takes the oldest message that may begin.
func TestOldestFirst(t *testing.T) {
	t.Parallel()

	onBoth(t, func(t *testing.T, w world) {
		w.Log = quiet()
		topic := w.Layout.Replay()
		w.publish(t, topic)
		s := kafka.NewSubscriber(w.Options, kafka.SubscriberOptions{Group: w.Layout.Prefix, Lanes: 1})
		last := map[string]int64{}
		left, all := laneKeys*lanesPerKey, make(chan struct{})
		serve(t, s, topic, func(m *watermill.Message) error {
			part := m.Metadata[wire.MetaPartition]
			offset, err := strconv.ParseInt(m.Metadata[wire.MetaOffset], 10, 64)
			if before, ok := last[part]; err != nil || ok && offset < before {
				t.Errorf("partition %s: got %d behind %d, %v", part, offset, before, err)
			}
			last[part] = offset
			if left--; left == 0 {
				close(all)
			}
			return nil
		})
		select {
		case <-all:
		case <-soon(t).Done():
			t.Error("not all came")
		}
	})
}

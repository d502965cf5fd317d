package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	watermill "github.com/ThreeDotsLabs/watermill/message"

	"github.com/confuse/data-connector/adapters/kafka"
	"github.com/confuse/data-connector/domain/wire"
)

const (
	laneKeys    = 40
	lanesPerKey = 15
)

// A laneDesk takes messages, nacks some of them, and keeps the order of what it acked.
type laneDesk struct {
	mu      sync.Mutex
	acked   map[string][]int // numbers by key, each once
	seen    map[string]bool
	busy    map[string]bool
	repeats int
	wrong   []string
	left    int
	all     chan struct{}
}

func newLaneDesk(n int) *laneDesk {
	return &laneDesk{acked: map[string][]int{}, seen: map[string]bool{}, busy: map[string]bool{}, left: n, all: make(chan struct{})}
}

// serve answers messages side by side until they end.
func (d *laneDesk) serve(messages <-chan *watermill.Message) {
	for m := range messages {
		go func() {
			if d.answer(m) != nil {
				m.Nack()
				return
			}
			m.Ack()
		}()
	}
}

// answer takes m, or asks for it once more.
func (d *laneDesk) answer(m *watermill.Message) error {
	key := m.Metadata[wire.MetaKey]
	d.mu.Lock()
	if d.busy[key] {
		d.wrong = append(d.wrong, "two of key "+key+" at once")
	}
	d.busy[key] = true
	d.mu.Unlock()
	for range rand.IntN(3) { // others get their turn
		<-time.After(time.Millisecond)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.busy[key] = false
	if rand.IntN(10) == 0 {
		return errors.New("once more")
	}
	d.take(key, m)
	return nil
}

// join has s give its messages to d.
func (d *laneDesk) join(t *testing.T, w world, s *kafka.Subscriber, topic string, calls bool) {
	t.Helper()
	if !calls {
		go d.serve(w.subscribe(t, s, topic))
		return
	}
	serve(t, s, topic, d.answer)
}

// serve has s call handle until it is closed, which it is at the end of the test.
func serve(t *testing.T, s *kafka.Subscriber, topic string, handle func(*watermill.Message) error) {
	t.Helper()
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(context.WithoutCancel(t.Context()), topic, handle) }()
	t.Cleanup(func() {
		_ = s.Close() // again: does nothing
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want that it was closed", err)
		}
	})
}

func (d *laneDesk) take(key string, m *watermill.Message) {
	if d.seen[m.UUID] {
		d.repeats++
		return
	}
	d.seen[m.UUID] = true
	n, err := strconv.Atoi(string(m.Payload))
	if last := len(d.acked[key]); err != nil || n != last {
		d.wrong = append(d.wrong, fmt.Sprintf("key %s: got %s behind %d others", key, m.Payload, last))
	}
	d.acked[key] = append(d.acked[key], n)
	if d.left--; d.left == 0 {
		close(d.all)
	}
}

// Messages of a key are acked in order and one at a time, whatever is nacked,
// while subscribers come and go; none is missing.
func TestLanes(t *testing.T) {
	t.Parallel()

	t.Run("messages", func(t *testing.T) { testLanes(t, false) })
	t.Run("calls", func(t *testing.T) { testLanes(t, true) })
}

func testLanes(t *testing.T, calls bool) {
	t.Helper()
	t.Parallel()
	onBoth(t, func(t *testing.T, w world) {
		w.Log = quiet()
		topic := w.Layout.Replay()
		w.publish(t, topic)
		d := newLaneDesk(laneKeys * lanesPerKey)
		first, second := w.subscriber(8), w.subscriber(8)
		d.join(t, w, first, topic, calls)
		d.join(t, w, second, topic, calls) // joins in the middle
		d.await(t, laneKeys*lanesPerKey/3)
		if err := first.Close(); err != nil {
			t.Error(err)
		}
		third := w.subscriber(3)
		d.join(t, w, third, topic, calls)
		select {
		case <-d.all:
		case <-soon(t).Done():
			t.Fatalf("%d are missing", d.left)
		}
		w.awaitNoLag(t, topic) // what came again is answered, too
		for _, s := range []*kafka.Subscriber{second, third} {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		for _, wrong := range d.wrong {
			t.Error(wrong)
		}
		t.Logf("%d repeats", d.repeats)
		if lag := w.lag(t, topic); lag != 0 {
			t.Errorf("got %d records that the group has not committed, want none: all are acked", lag)
		}
	})
}

// Nothing is committed above a message that is not acked, however much behind it
// is.
func TestNoCommitAboveUnfinished(t *testing.T) {
	t.Parallel()

	onBoth(t, func(t *testing.T, w world) {
		w.Log = quiet()
		topic := w.Layout.Replay()
		w.publish(t, topic)
		s := w.subscriber(64)
		messages := w.subscribe(t, s, topic)
		stuck := map[string]string{} // key of each partition whose first message is never answered
		offset := map[string]int64{}
		n := 0
		for m := range messages { // what is not acked keeps its key waiting, too
			part, key := m.Metadata[wire.MetaPartition], m.Metadata[wire.MetaKey]
			if _, ok := stuck[part]; !ok {
				stuck[part] = key
				at, err := strconv.ParseInt(m.Metadata[wire.MetaOffset], 10, 64)
				if err != nil {
					t.Fatal(err)
				}
				offset[part] = at
				continue
			}
			m.Ack()
			if n++; n == 80 { // below the window, which is held open
				break
			}
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		committed, err := w.admin.FetchOffsets(t.Context(), w.Layout.Prefix)
		if err != nil {
			t.Fatal(err)
		}
		for part, at := range offset {
			p, err := strconv.ParseInt(part, 10, 32)
			if err != nil {
				t.Fatal(err)
			}
			if got, ok := committed.Lookup(topic, int32(p)); ok && got.At > at {
				t.Errorf("partition %s: got %d committed, and %d is not acked", part, got.At, at)
			}
		}
	})
}

func (d *laneDesk) await(t *testing.T, n int) {
	t.Helper()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for ctx := soon(t); ; {
		d.mu.Lock()
		done := len(d.seen) >= n
		d.mu.Unlock()
		if done {
			return
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			t.Fatalf("not %d after a minute", n)
		}
	}
}

// awaitNoLag waits until all that is acked is committed, which is everything.
func (w world) awaitNoLag(t *testing.T, topic string) {
	t.Helper()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for ctx := soon(t); w.lag(t, topic) != 0; {
		select {
		case <-look.C:
		case <-ctx.Done():
			t.Fatal("not all is committed after a minute")
		}
	}
}

// publish puts numbers of each key on topic.
func (w world) publish(t *testing.T, topic string) {
	t.Helper()
	w.publishKeys(t, topic, laneKeys)
}

func (w world) publishKeys(t *testing.T, topic string, keys int) {
	t.Helper()
	pub, err := kafka.NewPublisher(w.Options)
	if err != nil {
		t.Fatal(err)
	}
	var messages []*watermill.Message
	for n := range lanesPerKey {
		for k := range keys {
			m := watermill.NewMessage(fmt.Sprintf("%d-%d", k, n), []byte(strconv.Itoa(n)))
			m.Metadata[wire.MetaKey], m.Metadata[wire.MetaPartition] = strconv.Itoa(k), strconv.Itoa(k%partitions)
			messages = append(messages, m)
		}
	}
	if err := pub.Publish(topic, messages...); err != nil {
		t.Fatal(err)
	}
	if err := pub.Close(); err != nil {
		t.Error(err)
	}
}

func (w world) subscriber(lanes int) *kafka.Subscriber {
	return kafka.NewSubscriber(w.Options, kafka.SubscriberOptions{Group: w.Layout.Prefix, Lanes: lanes, Window: 100, Grace: time.Second})
}

func (w world) subscribe(t *testing.T, s *kafka.Subscriber, topic string) <-chan *watermill.Message {
	t.Helper()
	messages, err := s.Subscribe(context.WithoutCancel(t.Context()), topic)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() }) // again: does nothing
	return messages
}

func (w world) lag(t *testing.T, topic string) int64 {
	t.Helper()
	behind, err := w.newLog(t).GroupLag(t.Context(), w.Layout.Prefix, topic)
	if err != nil {
		t.Fatal(err)
	}
	return behind
}

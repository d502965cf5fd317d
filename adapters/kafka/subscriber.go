package kafka

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/wire"
)

// headerUUID carries the id of a message that is no event.
const headerUUID = "message_uuid"

// A nacked message is delivered again after a while that doubles up to a limit.
const (
	firstAgain = 20 * time.Millisecond
	lastAgain  = 10 * time.Second
)

// SubscriberOptions are what a Subscriber needs besides Options. Group is
// required.
type SubscriberOptions struct {
	Group       string // the consumer group: each message goes to one of its subscribers
	Instance    string // name of this process in the group; a restart under the same name gets its partitions back at once. Empty: none
	Lanes       int    // messages handed out at once; 0: 64
	Window      int    // messages of a partition that are waiting, in flight or done but not committed; 0: 10,000
	WindowBytes int64  // the same in bytes; 0: 64 MiB

	Grace time.Duration // how long what was delivered may still be acked when its partition goes or the subscription ends; 0: 10 s

	Runs Runs // of the events topic: only what counts is handed out. Nil: everything is
	// Held returns when the tables hold everything up to a position: with Runs, nothing
	// is handed out before. Nil: what comes between two events of sources may be.
	Held    func(ctx context.Context, p domain.Position) error
	Sources bool // with Runs: events of sources are handed out too, when all before them of the source is done
}

// ErrClosed answers a subscription to a Subscriber that was closed.
var ErrClosed = errors.New("kafka: subscriber is closed")

// A Subscriber is watermill's on Kafka. Messages of one key are delivered one
// after the other, those of different keys side by side, as many as there are
// lanes. A message is delivered until it is acked: again after a nack, after some
// time, and after a crash. What is committed lies below the lowest message that
// is not acked, so a crash repeats at most the window: without Runs the messages
// that may be such a repeat have wire.MetaRepeat. With Runs, the context of a message
// carries its event: wire.EventIn.
type Subscriber struct {
	options Options
	own     SubscriberOptions
	closing context.Context
	close   context.CancelFunc
	open    sync.WaitGroup
	mu      sync.Mutex
}

var _ message.Subscriber = (*Subscriber)(nil)

// NewSubscriber makes a Subscriber. It connects in Subscribe.
func NewSubscriber(o Options, own SubscriberOptions) *Subscriber {
	own.Lanes = cmp.Or(own.Lanes, defaultLanes)
	own.Window = cmp.Or(own.Window, defaultWindow)
	own.WindowBytes = cmp.Or(own.WindowBytes, defaultWindowBytes)
	own.Grace = cmp.Or(own.Grace, grace)
	s := &Subscriber{options: o, own: own}
	s.closing, s.close = context.WithCancel(context.Background())
	return s
}

// Subscribe joins the group for topic. The channel is closed when ctx has ended,
// the subscriber was closed, or the topic no longer holds what the group has not
// read (an error in the log); before that, what is delivered may still be acked,
// for Grace.
func (s *Subscriber) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	d := &deliveries{out: make(chan *message.Message)}
	run, err := s.join(ctx, topic, d.once, true)
	if err != nil {
		return nil, err
	}
	go func() {
		defer close(d.out)
		_ = run() // it has logged what is worth it
	}()
	return d.out, nil
}

// Serve is Subscribe for who does the work of a message at once: handle is called for
// each, by as many at once as there are lanes, and what it returns is the answer: nil
// acks, an error nacks. The messages need no Ack, and their channels for it are nil.
//
// It returns when the channel of Subscribe would be closed, with the reason.
// A call that has not returned by the end of Grace, with which its context ends, is
// given up; it may still run then.
func (s *Subscriber) Serve(ctx context.Context, topic string, handle func(*message.Message) error) error {
	run, err := s.join(ctx, topic, func(ctx context.Context, _ context.Context, m *message.Message) (acked, ok bool) {
		m.SetContext(ctx)
		acked = handle(m) == nil
		return acked, ctx.Err() == nil
	}, false)
	if err != nil {
		return err
	}
	return run()
}

// A onceFunc delivers a message once. over ends when nobody takes messages any more. ok is
// false when ctx ended before the answer came.
type onceFunc func(ctx, over context.Context, m *message.Message) (acked, ok bool)

// join joins the group for topic. run is to be called, and returns when the subscription
// is over; with waits, no call of once is left then.
func (s *Subscriber) join(ctx context.Context, topic string, once onceFunc, waits bool) (run func() error, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing.Err() != nil {
		return nil, ErrClosed
	}
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(s.closing, cancel)
	l := newLanes(s.options, s.own, topic, func(hard context.Context, r *kgo.Record, m *message.Message) bool {
		return deliver(hard, ctx, once, r, m)
	})
	l.waits = waits
	if err := l.open(ctx); err != nil {
		cancel()
		return nil, err
	}
	s.open.Add(1)
	return func() error {
		defer s.open.Done()
		defer cancel()
		defer stop()
		return l.run()
	}, nil
}

// Close ends all subscriptions and waits for it. Closing again does nothing.
func (s *Subscriber) Close() error {
	s.mu.Lock()
	s.close()
	s.mu.Unlock()
	s.open.Wait()
	return nil
}

// deliver is handleFunc: it delivers m until it is acked.
func deliver(ctx, over context.Context, once onceFunc, r *kgo.Record, m *message.Message) bool {
	for again := firstAgain; ; again = min(2*again, lastAgain) {
		acked, ok := once(ctx, over, m)
		if acked || !ok {
			return acked && ok
		}
		wait, cancel := context.WithCancel(ctx)
		stop := context.AfterFunc(over, cancel)
		ok = pause(wait, again/2+rand.N(again/2)) // spreads retries, no secret
		stop()
		cancel()
		if !ok {
			return false
		}
		m = newMessage(r) // the other one is answered
	}
}

// deliveries are those of one channel.
type deliveries struct{ out chan *message.Message }

// once is onceFunc.
func (d *deliveries) once(ctx, over context.Context, m *message.Message) (acked, ok bool) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // who still works on it finds out that it is answered
	meta := m.Metadata
	m = message.NewMessageWithContext(ctx, m.UUID, m.Payload)
	m.Metadata = meta
	select {
	case d.out <- m:
	case <-ctx.Done():
		return false, false
	case <-over.Done():
		return false, false
	}
	select {
	case <-m.Acked():
		return true, true
	case <-m.Nacked():
		return false, true
	case <-ctx.Done():
		return false, false
	}
}

// moreMeta is how many metadata a message has besides the headers of its record: where
// it stands, and its key. With the 10 headers of an event that is what a map of 14 holds,
// which takes half of the memory of the next larger one.
const moreMeta = 4

// newMessage gives r as watermill sees it, but that nobody can wait for its Ack.
func newMessage(r *kgo.Record) *message.Message {
	meta := make(message.Metadata, len(r.Headers)+moreMeta)
	addHeaders(meta, r)
	m := &message.Message{UUID: cmp.Or(meta[wire.HeaderID], meta[headerUUID]), Metadata: meta, Payload: r.Value}
	delete(meta, headerUUID)
	meta[wire.MetaTopic] = r.Topic
	meta[wire.MetaPartition] = strconv.Itoa(int(r.Partition))
	meta[wire.MetaOffset] = strconv.FormatInt(r.Offset, 10)
	if r.Key != nil {
		meta[wire.MetaKey] = string(r.Key)
	}
	return m
}

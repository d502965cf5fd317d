package kafka_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/confuse/data-connector/adapters/kafka"
	"github.com/confuse/data-connector/domain"
)

// A memory is what a projector keeps in its database: how far it is in each
// partition and what it has read, changed together and only by who knows the
// place before. Several readers may share it.
type memory struct {
	mu      sync.Mutex
	next    map[int32]int64
	records map[int32][]domain.Record
	busy    map[int32]bool // a call is on its way, of whichever reader
	changed chan struct{}  // closed and made anew at each change
}

func newMemory() *memory {
	return &memory{next: make(map[int32]int64), records: make(map[int32][]domain.Record), busy: make(map[int32]bool), changed: make(chan struct{})}
}

// advance takes records from the place from on. ErrFenced: another reader was
// faster.
func (m *memory) advance(partition int32, from int64, rs []domain.Record) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.next[partition] != from {
		return domain.ErrFenced
	}
	m.next[partition] = rs[len(rs)-1].Position.Offset + 1
	m.records[partition] = append(m.records[partition], rs...)
	m.tell()
	return nil
}

func (m *memory) tell() {
	close(m.changed)
	m.changed = make(chan struct{})
}

// await returns when ok holds.
func (m *memory) await(t *testing.T, ok func() bool) {
	t.Helper()
	ctx := soon(t)
	for {
		m.mu.Lock()
		done, changed := ok(), m.changed
		m.mu.Unlock()
		if done {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			t.Fatal("what the test waits for does not come")
		}
	}
}

// awaitRead returns when the partition is read up to the offset end.
func (m *memory) awaitRead(t *testing.T, partition int32, end int64) {
	t.Helper()
	m.await(t, func() bool { return m.next[partition] >= end })
}

func (m *memory) read(partition int32) []domain.Record {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.records[partition]
}

// A reader is a domain.FeedReader on a memory. It fails the test when calls for
// one partition overlap, also with those of another reader on the same memory.
type reader struct {
	*memory
	t *testing.T

	at       map[int32]int64
	given    map[int32]domain.FeedPartition
	assigned map[int32]int // how often handed in
	held     map[int32]bool

	refuse func(p domain.FeedPartition, rs []domain.Record) error // nil: take everything
	start  func(p domain.FeedPartition) (int64, error)            // nil: from memory
}

func newReader(t *testing.T, m *memory) *reader {
	return &reader{
		memory: m, t: t, at: make(map[int32]int64), given: make(map[int32]domain.FeedPartition),
		assigned: make(map[int32]int), held: make(map[int32]bool),
	}
}

func (r *reader) enter(partition int32) func() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.busy[partition] {
		r.t.Errorf("got two calls at once for partition %d", partition)
	}
	r.busy[partition] = true
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.busy[partition] = false
	}
}

func (r *reader) Assigned(_ context.Context, p domain.FeedPartition) (int64, error) {
	defer r.enter(p.Number)()
	r.mu.Lock()
	defer r.mu.Unlock()
	start, err := r.next[p.Number], error(nil)
	if r.start != nil {
		start, err = r.start(p)
	}
	r.at[p.Number], r.given[p.Number], r.held[p.Number] = start, p, true
	r.assigned[p.Number]++
	r.tell()
	return start, err
}

func (r *reader) Batch(_ context.Context, p domain.FeedPartition, rs []domain.Record) error {
	defer r.enter(p.Number)()
	r.mu.Lock()
	from := r.at[p.Number]
	r.mu.Unlock()
	for i, rec := range rs {
		if rec.Position != (domain.Position{Partition: p.Number, Offset: from + int64(i)}) || rec.Topic != p.Topic {
			r.t.Errorf("got %s %s in a batch from offset %d of %s/%d", rec.Topic, rec.Position, from, p.Topic, p.Number)
		}
	}
	if r.refuse != nil {
		if err := r.refuse(p, rs); err != nil {
			return err
		}
	}
	if err := r.advance(p.Number, from, rs); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.at[p.Number] = r.next[p.Number]
	return nil
}

func (r *reader) Revoked(p domain.FeedPartition) {
	defer r.enter(p.Number)()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.held[p.Number] = false
	r.tell()
}

// A feeding is a feed that runs.
type feeding struct {
	cancel context.CancelFunc
	ended  chan error
}

// feed starts to feed r with the events topic, as a member of the test's group.
func (w world) feed(t *testing.T, r domain.FeedReader) feeding {
	t.Helper()
	return w.feedAs(t, r, kafka.FeedOptions{Group: w.Layout.Prefix, Topics: []string{w.Layout.Events()}})
}

func (w world) feedAs(t *testing.T, r domain.FeedReader, own kafka.FeedOptions) feeding {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	f := feeding{cancel, make(chan error, 1)}
	go func() { f.ended <- kafka.NewFeed(w.Options, own).Feed(ctx, r) }()
	t.Cleanup(cancel)
	return f
}

// stop ends the feed and waits for it.
func (f feeding) stop(t *testing.T) {
	t.Helper()
	f.cancel()
	if err := f.wait(t); !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v from a feed that was stopped, want %v", err, context.Canceled)
	}
}

func (f feeding) wait(t *testing.T) error {
	t.Helper()
	select {
	case err := <-f.ended:
		return err
	case <-soon(t).Done():
		t.Fatal("the feed does not end")
		return nil
	}
}

// put writes a record as it is.
func (w world) put(t *testing.T, partition int32, value string) {
	t.Helper()
	err := w.client.ProduceSync(t.Context(), &kgo.Record{Topic: w.Layout.Events(), Partition: partition, Value: []byte(value)}).FirstErr()
	if err != nil {
		t.Fatal(err)
	}
}

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/confuse/data-connector/adapters/clock"
	"github.com/confuse/data-connector/adapters/kafka"
	"github.com/confuse/data-connector/adapters/postgres"
	"github.com/confuse/data-connector/adapters/redis"
	"github.com/confuse/data-connector/adapters/testenv"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/ingest"
)

// A cable is the network to the brokers. It can be cut.
type cable struct {
	mu    sync.Mutex
	isCut bool
	conns []net.Conn
}

var errCut = errors.New("the network is cut")

func (w *cable) dial(ctx context.Context, network, host string) (net.Conn, error) {
	c, err := (&net.Dialer{}).DialContext(ctx, network, host)
	w.mu.Lock()
	defer w.mu.Unlock()
	if err == nil && w.isCut {
		return nil, errors.Join(errCut, c.Close())
	}
	w.conns = append(w.conns, c)
	return c, err
}

func (w *cable) cut(cut bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.isCut = cut
	if cut {
		for _, c := range w.conns {
			_ = c.Close() // it may be closed
		}
		w.conns = nil
	}
}

// ringer is a connector whose deliveries are their own ids; the secret is a header.
type ringer struct{ domain.Connector }

func (ringer) Describe() domain.Capabilities { return domain.Capabilities{Provider: "ringer"} }

func (ringer) Verify(h http.Header, _ []byte, secrets []domain.Secret, _ time.Time) error {
	if !slices.Contains(secrets, domain.Secret(h.Get("X-Secret"))) {
		return domain.ErrForbidden
	}
	return nil
}

func (ringer) Parse(_ http.Header, raw []byte) (domain.Delivery, error) { //nolint:unparam // the interface has it
	return domain.Delivery{ID: string(raw), Event: "push", Notices: []domain.Notice{{ExternalKey: "object"}}}, nil
}

// only is an index of one source, which is all that there is.
type only struct {
	domain.Index
	source domain.Source
}

func (o only) Source(context.Context, domain.SourceID) (domain.Source, error) { return o.source, nil }

func (o only) SourcesOf(context.Context, domain.Provider, string) ([]domain.SourceID, error) {
	return []domain.SourceID{o.source.ID}, nil
}

// deaf is an inbox that dies before it deletes.
type deaf struct{ ingest.Inbox }

func (deaf) Delete(context.Context, ...domain.EventID) error { return errCut }

// A bell takes deliveries on real servers.
type bell struct {
	*ingest.Webhooks
	wire   *cable
	inbox  *postgres.Inbox
	reader *kafka.Reader
	source domain.Source
}

func newBell(t *testing.T) *bell {
	t.Helper()
	brokers := testenv.Kafka(t)
	b := &bell{wire: &cable{}}
	o := kafka.Options{
		Brokers: brokers, Layout: kafka.Layout{Prefix: testenv.Topics(t, brokers), Partitions: 2}, Log: slog.New(slog.DiscardHandler),
		Extra: []kgo.Opt{kgo.Dialer(b.wire.dial)},
	}
	if err := kafka.Ensure(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	log, err := kafka.NewLog(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(log.Close)
	db, err := postgres.Open(t.Context(), testenv.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	url, prefix := testenv.Redis(t)
	memory, err := redis.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = memory.Close() }) // its keys go next
	id, err := domain.NewSourceID()
	if err != nil {
		t.Fatal(err)
	}
	b.source = domain.Source{ID: id, Owner: "ann", Provider: "ringer", ExternalKey: "object", Registered: true, Partition: 1}
	o.Extra = nil // who looks at the log is not cut off
	b.inbox, b.reader = postgres.NewInbox(db), kafka.NewReader(o)
	index := only{source: b.source}
	b.Webhooks = &ingest.Webhooks{
		Log: log, Index: index, Objects: index, Marks: redis.NewMarks(memory, prefix), Inbox: b.inbox, Idle: postgres.NewIdleDeliveries(db), Clock: clock.System{},
		Connectors: ingest.Connectors{ringer{}}, Secrets: map[domain.Provider][]domain.Secret{"ringer": {"s"}}, Logger: o.Log,
	}
	return b
}

func (b *bell) ring(ctx context.Context, id string) error {
	_, err := b.Take(ctx, ingest.Arrival{Provider: "ringer", Body: []byte(id), Header: http.Header{"X-Secret": {"s"}}})
	return err
}

// heard counts the hints on the log by their delivery.
func (b *bell) heard(t *testing.T) map[string]map[string]int {
	t.Helper()
	end, err := b.Log.End(t.Context(), b.source.Partition)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]map[string]int{}
	for rec, err := range b.reader.Read(t.Context(), b.source.Partition, 0, end) {
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := rec.Event.(domain.SourceChanged); ok && e.Hint != nil {
			if all[e.Hint.DeliveryID] == nil {
				all[e.Hint.DeliveryID] = map[string]int{}
			}
			all[e.Hint.DeliveryID][rec.Headers["ce_id"]]++
		}
	}
	return all
}

// Deliveries come with repeats, the brokers are cut off in between, and the relay
// dies between the log and the inbox: every delivery that was answered well is on
// the log under one id.
func TestWebhooksOnRealServers(t *testing.T) {
	t.Parallel()

	const deliveries = 300
	b := newBell(t)
	ring := func(from, to int) {
		var senders sync.WaitGroup
		for i := from; i < to; i++ {
			senders.Go(func() {
				for range 1 + i%2 { // every other one twice
					if err := b.ring(t.Context(), fmt.Sprint("d-", i)); err != nil {
						t.Errorf("delivery %d: %v", i, err)
					}
				}
			})
		}
		senders.Wait()
	}
	ring(0, deliveries/3)
	b.wire.cut(true)
	ring(deliveries/3, 2*deliveries/3)
	if waiting, err := b.inbox.Oldest(t.Context(), deliveries); err != nil || len(waiting) != deliveries/3 {
		t.Errorf("got %d in the inbox, %v, want %d", len(waiting), err, deliveries/3)
	}
	b.wire.cut(false)
	relay := &ingest.Relay{Log: b.Log, Inbox: deaf{b.inbox}, Clock: clock.System{}, Logger: b.Logger}
	if _, err := relay.Once(t.Context()); !errors.Is(err, errCut) {
		t.Errorf("got %v, want that it dies behind the append", err)
	}
	relay.Inbox = b.inbox // it is started again
	if n, err := relay.Once(t.Context()); err != nil || n != deliveries/3 {
		t.Errorf("got %d relayed, %v", n, err)
	}
	ring(2*deliveries/3, deliveries)
	if _, err := relay.Once(t.Context()); err != nil { // the log may not have been taken for well at once
		t.Error(err)
	}
	heard := b.heard(t)
	if len(heard) != deliveries {
		t.Errorf("got %d deliveries on the log, want %d", len(heard), deliveries)
	}
	for id, events := range heard {
		if len(events) != 1 {
			t.Errorf("delivery %s has the ids %v, want one", id, events)
		}
	}
	before := len(heard["d-1"])
	ring(0, deliveries) // all of it once more
	if after := b.heard(t); len(after) != deliveries || len(after["d-1"]) != before {
		t.Errorf("got %d deliveries after sending all again", len(after))
	}
}

// With log and database gone nothing is acknowledged, and the same delivery sent
// again later is taken.
func TestWebhooksWithNothingLeft(t *testing.T) {
	t.Parallel()

	b := newBell(t)
	box := b.Inbox
	b.Inbox = lost{}
	b.wire.cut(true)
	if err := b.ring(t.Context(), "d-1"); !errors.Is(err, domain.ErrUnavailable) {
		t.Errorf("got %v, want ErrUnavailable", err)
	}
	b.Inbox = box // the database is back first
	if err := b.ring(t.Context(), "d-1"); err != nil {
		t.Fatal(err)
	}
	if waiting, err := b.inbox.Oldest(t.Context(), 10); err != nil || len(waiting) != 1 {
		t.Errorf("got %v, %v in the inbox, want the delivery", waiting, err)
	}
}

// lost is a database that is gone.
type lost struct{ ingest.Inbox }

func (lost) Put(context.Context, ...domain.Message) error { return errCut }

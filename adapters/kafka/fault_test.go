package kafka_test

import (
	"context"
	"errors"
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl/plain"

	"github.com/confuse/data-connector/adapters/kafka"
	"github.com/confuse/data-connector/domain"
)

// A broker that writes and then reports failure must lead to no second copy.
func TestAppendIsWrittenOnceWhenTheBrokerSaysItFailed(t *testing.T) {
	t.Parallel()

	for _, fault := range []*kerr.Error{kerr.NotEnoughReplicasAfterAppend, kerr.RequestTimedOut, kerr.NotLeaderForPartition} {
		t.Run(fault.Message, func(t *testing.T) {
			t.Parallel()

			c := newCluster(t)
			w := newWorld(t, c.ListenAddrs())
			l := w.newLog(t)
			if _, err := l.Append(t.Context(), numbered(t, 0, 1)); err != nil {
				t.Fatal(err)
			}
			failing := c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: fault, Count: 3})
			ps, err := l.Append(soon(t), numbered(t, 0, 2), numbered(t, 0, 3))
			if err != nil {
				t.Fatal(err)
			}
			if failing.Hits() != 3 {
				t.Errorf("got %d failed answers, want 3", failing.Hits())
			}
			if diff := cmp.Diff([]domain.Position{{Offset: 1}, {Offset: 2}}, ps); diff != "" {
				t.Errorf("positions (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(sequence(1, 3), numbers(w.readAll(t, 0))); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
		})
	}
}

// holdProduce keeps the broker from answering produce requests until release is
// called; held is closed when the first one has come.
func holdProduce(t *testing.T, c *kfake.Cluster) (held <-chan struct{}, release func()) {
	t.Helper()
	came, gate := make(chan struct{}), make(chan struct{})
	first := true
	c.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		if first {
			first = false
			close(came)
		}
		c.SleepControl(func() { <-gate })
		return nil, nil, false
	})
	open := func() { close(gate) }
	return came, open
}

// errTooLate is why a caller gives up.
var errTooLate = errors.New("the caller has waited long enough")

// until is the context of a caller who gives up when sent is closed.
func until(t *testing.T, sent <-chan struct{}) context.Context {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() {
		<-sent
		cancel(errTooLate)
	}()
	return ctx
}

func TestAppendInFlightHasAnUnknownFate(t *testing.T) {
	t.Parallel()

	c := newCluster(t)
	w := newWorld(t, c.ListenAddrs())
	l := w.newLog(t)
	held, release := holdProduce(t, c)
	_, err := l.Append(until(t, held), numbered(t, 0, 1))
	if !errors.Is(err, domain.ErrUnknownFate) || !errors.Is(err, errTooLate) || errors.Is(err, domain.ErrUnavailable) {
		t.Errorf("got error %v, want %v and its cause", err, domain.ErrUnknownFate)
	}

	// The caller that gave up takes no other one with it, and its record may
	// still come.
	answer := make(chan error, 1)
	go func() {
		_, err := l.Append(soon(t), numbered(t, 0, 2))
		answer <- err
	}()
	release()
	if err := <-answer; err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sequence(1, 2), numbers(w.readAll(t, 0))); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestAppendWaitsForRoom(t *testing.T) {
	t.Parallel()

	c := newCluster(t)
	w := newWorld(t, c.ListenAddrs())
	l := w.newLog(t)
	held, release := holdProduce(t, c)
	many := make([]domain.Message, 700) // 70 MB: more than may be in flight
	for i := range many {
		many[i] = large(t, 0, int64(i+1), 100_000)
	}
	answer := make(chan error, 1)
	go func() {
		_, err := l.Append(soon(t), many...)
		answer <- err
	}()
	<-held
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	// Had it been sent, its fate would be unknown.
	if _, err := l.Append(ctx, numbered(t, 1, 1)); !errors.Is(err, domain.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got error %v, want %v and its cause", err, domain.ErrUnavailable)
	}
	release()
	if err := <-answer; err != nil {
		t.Fatal(err)
	}
	if end, err := l.End(t.Context(), 0); end != int64(len(many)) || err != nil {
		t.Errorf("got end %d, %v, want %d", end, err, len(many))
	}
}

func TestAppendTellsOfLostRecords(t *testing.T) {
	t.Parallel()

	c := newCluster(t)
	w := newWorld(t, c.ListenAddrs())
	l := w.newLog(t)
	if _, err := l.Append(t.Context(), numbered(t, 0, 1)); err != nil {
		t.Fatal(err)
	}
	c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.OutOfOrderSequenceNumber})
	if _, err := l.Append(soon(t), numbered(t, 0, 2)); !errors.Is(err, domain.ErrUnknownFate) {
		t.Errorf("got error %v, want %v", err, domain.ErrUnknownFate)
	}
	if _, err := l.Append(soon(t), numbered(t, 0, 3)); err != nil {
		t.Errorf("got error %v from the next append, want it to go on", err)
	}
}

func TestAppendRefusedByTheBrokerIsNotWritten(t *testing.T) {
	t.Parallel()

	c := newCluster(t)
	w := newWorld(t, c.ListenAddrs())
	l := w.newLog(t)
	for fault, want := range map[*kerr.Error]error{
		kerr.MessageTooLarge:          domain.ErrUnavailable,
		kerr.InvalidRecord:            domain.ErrUnavailable,
		kerr.TopicAuthorizationFailed: domain.ErrUnknownFate, // an earlier attempt may have been allowed
		kerr.UnknownServerError:       domain.ErrUnknownFate,
	} {
		c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: fault})
		if _, err := l.Append(soon(t), numbered(t, 0, 1)); !errors.Is(err, want) || !errors.Is(err, fault) {
			t.Errorf("got error %v, want %v and its cause %v", err, want, fault)
		}
	}
}

func TestFeedNeedsNoCommits(t *testing.T) {
	t.Parallel()

	c := newCluster(t)
	w := newWorld(t, c.ListenAddrs())
	w.write(t, 0, 1, 10)
	failing := c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Err: kerr.CoordinatorNotAvailable, Count: -1})
	m := newMemory()
	f := w.feed(t, newReader(t, m))
	m.awaitRead(t, 0, 10)
	if err := failing.Wait(soon(t), 1); err != nil {
		t.Fatal(err)
	}
	w.write(t, 0, 11, 20)
	m.awaitRead(t, 0, 20)
	failing.Remove()
	w.write(t, 0, 21, 21)
	m.awaitRead(t, 0, 21)
	f.stop(t)
	if diff := cmp.Diff(sequence(1, 21), numbers(m.read(0))); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}

	// Lag tools see where it was, and nobody else: another reader of the group
	// starts where its memory says.
	offsets, err := w.admin.FetchOffsets(t.Context(), w.Layout.Prefix)
	if err != nil {
		t.Fatal(err)
	}
	if o, _ := offsets.Lookup(w.Layout.Events(), 0); o.At != 21 {
		t.Errorf("got committed offset %d, want 21", o.At)
	}
	m = newMemory()
	f = w.feed(t, newReader(t, m))
	m.awaitRead(t, 0, 21)
	f.stop(t)
	if diff := cmp.Diff(sequence(1, 21), numbers(m.read(0))); diff != "" {
		t.Errorf("events of a new memory (-want +got):\n%s", diff)
	}
}

func TestFeedStopsWhenTheTopicIsGone(t *testing.T) {
	t.Parallel()

	w := newWorld(t, newCluster(t).ListenAddrs())
	w.write(t, 0, 1, 3)
	m := newMemory()
	f := w.feed(t, newReader(t, m))
	m.awaitRead(t, 0, 3)
	if _, err := w.admin.DeleteTopic(t.Context(), w.Layout.Events()); err != nil {
		t.Fatal(err)
	}
	lostNaming(t, f.wait(t), w.Layout.Events()+"/", "topic is gone")
}

func TestLogAndFeedOutliveTheBroker(t *testing.T) {
	t.Parallel()

	dir := t.TempDir()
	keep := []kfake.Opt{kfake.NumBrokers(1), kfake.DataDir(dir), kfake.SyncWrites()}
	c, err := kfake.NewCluster(keep...)
	if err != nil {
		t.Fatal(err)
	}
	addr := c.ListenAddrs()[0]
	w := world{Options: kafka.Options{Brokers: []string{addr}, Layout: kafka.Layout{Prefix: "outlive", Partitions: partitions}, Log: testLog(t)}}
	if err := kafka.Ensure(t.Context(), w.Options); err != nil {
		t.Fatal(err)
	}
	l := w.newLog(t)
	if _, err := l.Append(t.Context(), numbered(t, 0, 1)); err != nil {
		t.Fatal(err)
	}
	m := newMemory()
	f := w.feed(t, newReader(t, m))
	m.awaitRead(t, 0, 1)
	c.Close()

	answer := make(chan error, 1)
	go func() {
		_, err := l.Append(soon(t), numbered(t, 0, 2), numbered(t, 0, 3))
		answer <- err
	}()
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	newCluster(t, append(keep, kfake.Ports(n))...)
	if err := <-answer; err != nil {
		t.Fatal(err)
	}
	m.awaitRead(t, 0, 3)
	f.stop(t)
	if diff := cmp.Diff(sequence(1, 3), numbers(m.read(0))); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestOptionsSignIn(t *testing.T) {
	t.Parallel()

	c := newCluster(t, kfake.EnableSASL(), kfake.Superuser("PLAIN", "writer", "secret"))
	o := kafka.Options{
		Brokers: c.ListenAddrs(), Layout: kafka.Layout{Partitions: partitions}, Log: testLog(t),
		SASL: plain.Auth{User: "writer", Pass: "secret"}.AsMechanism(),
	}
	if err := kafka.Ensure(soon(t), o); err != nil {
		t.Errorf("got error %v with the right password", err)
	}
	o.SASL = plain.Auth{User: "writer", Pass: "wrong"}.AsMechanism()
	if _, err := kafka.Check(soon(t), o); !errors.Is(err, domain.ErrUnavailable) {
		t.Errorf("got error %v with a wrong password, want %v", err, domain.ErrUnavailable)
	}
}

// A broker that has not heard yet that a topic was made or deleted says that it does
// not know it, or knows its name and not its settings.
func TestEnsureWaitsForBrokersThatDoNotKnowATopicYet(t *testing.T) {
	t.Parallel()

	c := newCluster(t)
	w := newWorld(t, c.ListenAddrs())
	unknowing := c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.DescribeConfigs}, Err: kerr.UnknownTopicOrPartition, Count: 2})
	if err := kafka.Ensure(soon(t), w.Options); err != nil {
		t.Error(err)
	}
	if got := unknowing.Hits(); got != 2 {
		t.Errorf("%d answers were wrong, want 2", got)
	}
}

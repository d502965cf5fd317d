package kafka_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/confuse/data-connector/adapters/kafka"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/wire"
)

// Nothing of the events topic is handed out before the tables hold it, also while no
// source changes and nothing is asked about runs.
func TestNothingBeforeTheTables(t *testing.T) {
	t.Parallel()

	onBoth(t, func(t *testing.T, w world) {
		run := domain.Run{ID: domain.RunID{UUID: uuid.New()}, Started: -1, Ended: -1}
		asked, hold := make(chan domain.Position), make(chan struct{})
		s := kafka.NewSubscriber(w.Options, kafka.SubscriberOptions{
			Group: w.Layout.Prefix, Grace: time.Second,
			Runs: func(context.Context, int32, int64, int64) (kafka.RunsBetween, error) {
				return kafka.RunsBetween{Runs: map[domain.SourceID][]domain.Run{source: {run}}}, nil
			},
			Held: func(ctx context.Context, p domain.Position) error {
				select {
				case asked <- p:
				case <-ctx.Done():
					return ctx.Err()
				}
				select {
				case <-hold:
					return nil
				case <-ctx.Done():
					return ctx.Err()
				}
			},
		})
		log := w.newLog(t)
		put := func(seq int64) {
			t.Helper()
			e := domain.FileChanged{
				SourceID: source, OwnerID: "owner", FileID: domain.NewPathFileID(source, []byte("a"), 0), JobID: domain.JobID{UUID: uuid.New()},
				Run: 1, RunID: run.ID, Seq: seq, Change: domain.FileAdded, FileState: domain.FileState{Path: "a", Kind: domain.KindFile, Revision: "r"},
			}
			if _, err := log.Append(t.Context(), message(t, 0, e)); err != nil {
				t.Fatal(err)
			}
		}
		put(1)
		messages := w.subscribe(t, s, w.Layout.Events())
		first := within(messages, time.Minute)
		if first == nil {
			t.Fatal("nothing comes")
		}
		if e, ok := wire.EventIn(first.Context()).(domain.FileChanged); !ok || e.Seq != 1 {
			t.Errorf("got %v, want the first state", e)
		}
		first.Ack()
		put(2)
		select {
		case p := <-asked:
			if p != (domain.Position{Partition: 0, Offset: 1}) {
				t.Errorf("waits for %v, want what came", p)
			}
		case m := <-messages:
			t.Fatalf("got %s before the tables were asked", m.Metadata[wire.HeaderSeq])
		case <-soon(t).Done():
			t.Fatal("the tables were not asked")
		}
		if m := within(messages, 100*time.Millisecond); m != nil {
			t.Errorf("got %s before the tables hold it", m.Metadata[wire.HeaderSeq])
		}
		close(hold)
		if m := within(messages, time.Minute); m == nil || m.Metadata[wire.HeaderSeq] != "2" {
			t.Errorf("got %v once the tables hold it", m)
		} else {
			m.Ack()
		}
	})
}

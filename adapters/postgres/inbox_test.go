package postgres_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/confuse/data-connector/adapters/clock"
	"github.com/confuse/data-connector/adapters/postgres"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/ingest"
)

var (
	_ ingest.Inbox   = (*postgres.Inbox)(nil)
	_ ingest.Objects = (*postgres.Reservations)(nil)
)

// hintOf is a hint that came in at a time.
func hintOf(t *testing.T, delivery string, at time.Time) domain.Message {
	t.Helper()
	source, err := domain.NewSourceID()
	if err != nil {
		t.Fatal(err)
	}
	return domain.Message{
		ID: domain.NewHintEventID(source, delivery, domain.Digest{}), Time: at, Partition: 2,
		Event: domain.SourceChanged{
			SourceID: source, OwnerID: "ann", Provider: "github", Change: domain.SourceHintReceived, At: at,
			Hint: &domain.Hint{Origin: "webhook", ProviderEvent: "push", DeliveryID: delivery, Refs: []string{"refs/heads/ü"}, PayloadDigest: domain.Digest{1}},
		},
	}
}

// What comes out is what went in, the oldest first, once, and gone when deleted.
func TestInbox(t *testing.T) {
	t.Parallel()

	box := postgres.NewInbox(open(t))
	noon := clock.System{}.Now()
	second, first := hintOf(t, "b", noon), hintOf(t, "a", noon.Add(-time.Second))
	for range 2 {
		if err := box.Put(t.Context(), second, first); err != nil {
			t.Fatal(err)
		}
	}
	got, err := box.Oldest(t.Context(), 10)
	if diff := cmp.Diff([]domain.Message{first, second}, got); err != nil || diff != "" {
		t.Errorf("got error %v, messages (-want +got):\n%s", err, diff)
	}
	if got, err := box.Oldest(t.Context(), 1); err != nil || len(got) != 1 || got[0].ID != first.ID {
		t.Errorf("got %v, %v, want the oldest", got, err)
	}
	for range 2 {
		if err := box.Delete(t.Context(), first.ID); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := box.Oldest(t.Context(), 10); err != nil || len(got) != 1 || got[0].ID != second.ID {
		t.Errorf("got %v, %v, want what was not deleted", got, err)
	}
}

// All or none: one message that is no hint keeps the others out.
func TestInboxIsAtomic(t *testing.T) {
	t.Parallel()

	box := postgres.NewInbox(open(t))
	good := hintOf(t, "a", clock.System{}.Now())
	if err := box.Put(t.Context(), good, domain.Message{Event: domain.FileChanged{}}); err == nil {
		t.Fatal("got no error")
	}
	if got, err := box.Oldest(t.Context(), 10); err != nil || len(got) != 0 {
		t.Errorf("got %v, %v, want nothing", got, err)
	}
}

// An object that two owners have connected has two sources; others have none.
func TestSourcesOf(t *testing.T) {
	t.Parallel()

	table := postgres.NewReservations(open(t))
	var want []domain.SourceID
	for _, r := range []domain.Reservation{
		{Owner: "ann", Provider: "github", ExternalKey: "github.com/1"}, {Owner: "bob", Provider: "github", ExternalKey: "github.com/1"},
		{Owner: "ann", Provider: "gitlab", ExternalKey: "github.com/1"}, {Owner: "ann", Provider: "github", ExternalKey: "github.com/11"},
	} {
		id, err := domain.NewSourceID()
		if err != nil {
			t.Fatal(err)
		}
		event, err := domain.NewEventID()
		if err != nil {
			t.Fatal(err)
		}
		r.Source, r.Message = id, domain.Message{ID: event, Time: clock.System{}.Now(), Event: domain.SourceChanged{SourceID: id}}
		if _, _, err := table.Reserve(t.Context(), r, func(domain.SourceID) (bool, error) { return false, nil }); err != nil {
			t.Fatal(err)
		}
		want = append(want, id)
	}
	got, err := table.SourcesOf(t.Context(), "github", "github.com/1")
	if diff := cmp.Diff(want[:2], got); err != nil || diff != "" {
		t.Errorf("got error %v, sources (-want +got):\n%s", err, diff)
	}
	if got, err := table.SourcesOf(t.Context(), "github", "github.com/2\x00"); err != nil || len(got) != 0 {
		t.Errorf("got %v, %v, want none", got, err)
	}
}

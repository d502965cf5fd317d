package postgres_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/confuse/data-connector/adapters/postgres"
	"github.com/confuse/data-connector/domain"
)

var noon = time.Date(2026, 5, 4, 12, 0, 0, 123_000, time.UTC)

func reservation(owner domain.OwnerID) domain.Reservation {
	source := domain.SourceID{UUID: uuid.New()}
	partition := int32(3)
	return domain.Reservation{
		Owner: owner, Provider: "localfs", ExternalKey: "/srv", Source: source,
		Message: domain.Message{ID: domain.EventID{UUID: uuid.New()}, Time: noon, Partition: partition, Event: domain.SourceChanged{
			SourceID: source, OwnerID: owner, Provider: "localfs", Change: domain.SourceRegistered, At: noon,
			ExternalKey: "/srv", Partition: &partition, Config: json.RawMessage(`{"rootPath": "/srv"}`),
		}},
	}
}

func live(domain.SourceID) (bool, error)    { return false, nil }
func removed(domain.SourceID) (bool, error) { return true, nil }

func TestReserve(t *testing.T) {
	t.Parallel()

	keys := postgres.NewReservations(open(t))
	first, second := reservation("ann"), reservation("ann")
	if got, mine, err := keys.Reserve(t.Context(), first, live); err != nil || !mine || got.Source != first.Source {
		t.Fatalf("got %+v, mine %t, error %v; want the first one", got, mine, err)
	}
	for name, r := range map[string]domain.Reservation{"another source": second, "itself": first} {
		got, mine, err := keys.Reserve(t.Context(), r, live)
		if err != nil || mine {
			t.Fatalf("%s: got mine %t, error %v; want false", name, mine, err)
		}
		if diff := cmp.Diff(first, got); diff != "" {
			t.Errorf("%s: what was kept (-want +got):\n%s", name, diff)
		}
	}
	if _, mine, err := keys.Reserve(t.Context(), reservation("bob"), live); err != nil || !mine {
		t.Errorf("got mine %t, error %v for another owner; want true", mine, err)
	}
	if got, mine, err := keys.Reserve(t.Context(), second, removed); err != nil || !mine || got.Source != second.Source {
		t.Errorf("got mine %t, error %v for the key of a removed source; want true", mine, err)
	}
}

func TestReserveWhenNobodyKnows(t *testing.T) {
	t.Parallel()

	keys := postgres.NewReservations(open(t))
	if _, _, err := keys.Reserve(t.Context(), reservation("ann"), live); err != nil {
		t.Fatal(err)
	}
	down := errors.New("down")
	_, mine, err := keys.Reserve(t.Context(), reservation("ann"), func(domain.SourceID) (bool, error) { return false, down })
	if mine || !errors.Is(err, down) {
		t.Errorf("got mine %t, error %v; want the error of the question", mine, err)
	}
}

func TestReserveAtTheSameTime(t *testing.T) {
	t.Parallel()

	keys := postgres.NewReservations(open(t))
	const callers = 8
	type answer struct {
		source domain.SourceID
		mine   bool
	}
	answers := make(chan answer, callers)
	for range callers {
		go func() {
			got, mine, err := keys.Reserve(t.Context(), reservation("ann"), live)
			if err != nil {
				t.Error(err)
			}
			answers <- answer{got.Source, mine}
		}()
	}
	sources, mine := map[domain.SourceID]bool{}, 0
	for range callers {
		a := <-answers
		sources[a.source] = true
		if a.mine {
			mine++
		}
	}
	if len(sources) != 1 || mine != 1 {
		t.Errorf("got %d sources and %d who made it, want 1 and 1", len(sources), mine)
	}
}

func TestIdempotency(t *testing.T) {
	t.Parallel()

	keys := postgres.NewIdempotency(open(t))
	ids := func() domain.CommandIDs {
		return domain.CommandIDs{Source: domain.SourceID{UUID: uuid.New()}, Events: []domain.EventID{{UUID: uuid.New()}}}
	}
	request, other := domain.Digest{1}, domain.Digest{2}
	first := ids()
	for _, mine := range []domain.CommandIDs{first, ids()} {
		got, err := keys.Begin(t.Context(), "ann", "k", request, mine)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(first, got); diff != "" {
			t.Errorf("ids (-want +got):\n%s", diff)
		}
	}
	bobs := ids()
	if got, err := keys.Begin(t.Context(), "bob", "k", other, bobs); err != nil || got.Source != bobs.Source {
		t.Errorf("got %+v, error %v for another owner's key; want it to be his own", got, err)
	}
	for name, key := range map[string]string{"used for another request": "k", "empty": "", "not text": "\xff", "NUL": "a\x00", "long": string(make([]byte, 256))} {
		_, err := keys.Begin(t.Context(), "ann", key, other, ids())
		var invalid *domain.InvalidError
		if !errors.As(err, &invalid) || invalid.Field != "Idempotency-Key" {
			t.Errorf("%s: got %v, want an InvalidError of Idempotency-Key", name, err)
		}
	}
}

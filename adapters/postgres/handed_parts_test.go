package postgres_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"github.com/confuse/data-connector/adapters/postgres"
	"github.com/confuse/data-connector/domain"
)

// offered are n items that the stage "chunk" gave, in the order of their ids.
func offered(t *testing.T, h *postgres.Handed, source domain.SourceID, n int) []domain.HandedItem {
	t.Helper()
	items := make([]domain.HandedItem, n)
	for i := range items {
		items[i] = domain.HandedItem{
			ID: uuid.New(), SourceID: source, OwnerID: "ann", FileID: domain.FileID{UUID: uuid.New()}, At: domain.Revised{Run: 1, Seq: 1}, Path: "a.md", Revision: "r",
		}
	}
	slices.SortFunc(items, func(a, b domain.HandedItem) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	if _, err := h.Offer(t.Context(), "chunk", "", items); err != nil {
		t.Fatal(err)
	}
	return items
}

// partsOf are n pieces of an item.
func partsOf(item domain.HandedItem, n int) []domain.HandedPart {
	parts := make([]domain.HandedPart, n)
	for i := range parts {
		parts[i] = domain.HandedPart{Item: item.ID, ID: uuid.New()}
	}
	return parts
}

func accepted(t *testing.T, h *postgres.Handed, item domain.HandedItem) int64 {
	t.Helper()
	all, err := h.Parts(t.Context(), "chunk", []uuid.UUID{item.ID})
	if err != nil {
		t.Fatal(err)
	}
	return all[item.ID].Accepted
}

func rowsOf(t *testing.T, db *pgxpool.Pool) (n int) {
	t.Helper()
	if err := db.QueryRow(t.Context(), `SELECT count(*) FROM app.taken_parts`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// A part counts once, however often it comes: after a crash, after a commit of which
// nobody knows whether it was, twice in one batch. One that was refused before is
// refused no more.
func TestTakeCountsOnce(t *testing.T) {
	t.Parallel()

	h := postgres.NewHanded(open(t))
	item := offered(t, h, domain.SourceID{UUID: uuid.New()}, 1)[0]
	parts := partsOf(item, 3)
	if err := h.Refuse(t.Context(), "chunk", domain.RefusedPart{HandedPart: parts[2], Error: "no"}); err != nil {
		t.Fatal(err)
	}
	for n, batch := range [][]domain.HandedPart{parts[:2], parts[:2], parts[1:], {parts[2], parts[2], parts[0]}, {{Item: uuid.New(), ID: uuid.New()}}} {
		if err := h.Take(t.Context(), "chunk", batch); err != nil {
			t.Fatal(err)
		}
		want := int64(2)
		if n > 1 {
			want = 3
		}
		if got := accepted(t, h, item); got != want {
			t.Errorf("after batch %d: got %d accepted, want %d", n+1, got, want)
		}
	}
	other := domain.HandedPart{Item: item.ID, ID: uuid.New()}
	taken, err := h.Taken(t.Context(), "chunk", append(slices.Clone(parts), other))
	if err != nil || len(taken) != 3 || taken[other.ID] || !taken[parts[0].ID] {
		t.Errorf("got taken %v, %v", taken, err)
	}
	all, err := h.Parts(t.Context(), "chunk", []uuid.UUID{item.ID})
	if err != nil || len(all[item.ID].Refused) > 0 {
		t.Errorf("got %+v, %v, want nothing refused", all, err)
	}
}

// Two processes have the same parts in hand, for a while: each part counts once.
func TestTakeAtOnce(t *testing.T) {
	t.Parallel()

	h := postgres.NewHanded(open(t))
	items := offered(t, h, domain.SourceID{UUID: uuid.New()}, 4)
	var parts []domain.HandedPart
	for _, item := range items {
		parts = append(parts, partsOf(item, 25)...)
	}
	var work errgroup.Group
	for from := range 4 {
		work.Go(func() error {
			for at := 10 * from; at < len(parts); at += 20 {
				if err := h.Take(t.Context(), "chunk", parts[at:min(at+30, len(parts))]); err != nil {
					return err
				}
			}
			return h.Take(t.Context(), "chunk", parts[:30])
		})
	}
	if err := work.Wait(); err != nil {
		t.Fatal(err)
	}
	for _, item := range items {
		if got := accepted(t, h, item); got != 25 {
			t.Errorf("got %d accepted, want 25", got)
		}
	}
}

// What can come no more is forgotten, and so is what belongs to a source that is gone.
func TestTakenPartsAreForgotten(t *testing.T) {
	t.Parallel()

	db := open(t)
	h := postgres.NewHanded(db)
	source := domain.SourceID{UUID: uuid.New()}
	item := offered(t, h, source, 1)[0]
	for range 3 {
		if err := h.Take(t.Context(), "chunk", partsOf(item, 5)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := db.Exec(t.Context(), `UPDATE app.taken_parts SET taken_at = now() - interval '15 days' WHERE part_id IN (SELECT part_id FROM app.taken_parts LIMIT 10)`); err != nil {
		t.Fatal(err)
	}
	if err := h.Take(t.Context(), "chunk", partsOf(item, 1)); err != nil {
		t.Fatal(err)
	}
	if n := rowsOf(t, db); n != 6 {
		t.Errorf("got %d rows, want the 5 that may come again and the new one", n)
	}
	if got := accepted(t, h, item); got != 16 {
		t.Errorf("got %d accepted, want all 16", got)
	}
	if err := h.Forget(t.Context(), source); err != nil {
		t.Fatal(err)
	}
	if n := rowsOf(t, db); n != 0 {
		t.Errorf("got %d rows of a source that is gone", n)
	}
}

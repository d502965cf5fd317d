package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/confuse/data-connector/adapters/clock"
	"github.com/confuse/data-connector/adapters/postgres"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/ingest"
)

// idleOf is a delivery of a name, at a source or, with none, at nothing.
func idleOf(source domain.SourceID, name, reason string, at time.Time) ingest.IdleDelivery {
	return ingest.IdleDelivery{
		ID: domain.EventID{UUID: uuid.NewSHA1(source.UUID, []byte(name))}, Source: source, Owner: "ann", Provider: "github", Event: "star", Delivery: name,
		Body: domain.Digest{7}, Reason: reason, At: at,
	}
}

// shownIdle are the rows, each as "name times".
func shownIdle(t *testing.T, db *pgxpool.Pool) []string {
	t.Helper()
	rows, err := db.Query(t.Context(), `SELECT delivery || ' ' || times FROM app.idle_deliveries ORDER BY first_at, delivery`)
	if err != nil {
		t.Fatal(err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Many processes note the same deliveries at once: every one is counted, and nobody
// waits for ever.
func TestIdleDeliveriesAreCounted(t *testing.T) {
	t.Parallel()

	db := open(t)
	noon := clock.System{}.Now()
	source, err := domain.NewSourceID()
	if err != nil {
		t.Fatal(err)
	}
	tables := []*postgres.IdleDeliveries{postgres.NewIdleDeliveries(db), postgres.NewIdleDeliveries(db)}
	var all sync.WaitGroup
	for i := range 60 {
		all.Go(func() {
			var some []ingest.IdleDelivery
			for k := range 3 {
				n := (i + k) % 3
				some = append(some, idleOf(source, fmt.Sprint("d-", n), "a star", noon.Add(time.Duration(n)*time.Second)))
			}
			if err := tables[i%2].Note(t.Context(), some...); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if diff := cmp.Diff([]string{"d-0 60", "d-1 60", "d-2 60"}, shownIdle(t, db)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if err := tables[0].Forget(t.Context(), source); err != nil || len(shownIdle(t, db)) > 0 {
		t.Errorf("got %v, and %q left of a source that is gone", err, shownIdle(t, db))
	}
}

// What was ignored is kept for a time, and the newest of it; what counts repeats of
// an event stays as long as the event.
func TestIdleDeliveriesAreTrimmed(t *testing.T) {
	t.Parallel()

	db := open(t)
	table, noon := postgres.NewIdleDeliveries(db), clock.System{}.Now()
	source, err := domain.NewSourceID()
	if err != nil {
		t.Fatal(err)
	}
	all := []ingest.IdleDelivery{idleOf(source, "repeated", "", noon.Add(-48*time.Hour)), idleOf(source, "old", "a star", noon.Add(-25*time.Hour))}
	for i := range 5 {
		all = append(all, idleOf(source, fmt.Sprint("s-", i), "a star", noon.Add(time.Duration(i)*time.Second)))
		all = append(all, idleOf(domain.SourceID{}, fmt.Sprint("n-", i), "nothing", noon.Add(time.Duration(i)*time.Second)))
	}
	if err := table.Note(t.Context(), all...); err != nil {
		t.Fatal(err)
	}
	if err := table.Trim(t.Context(), noon.Add(-24*time.Hour), 2); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"repeated 1", "n-3 1", "s-3 1", "n-4 1", "s-4 1"}, shownIdle(t, db)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

// A row that is being written holds up no trimming, which would hold others up.
func TestIdleDeliveriesAreTrimmedAround(t *testing.T) {
	t.Parallel()

	db := open(t)
	table, noon := postgres.NewIdleDeliveries(db), clock.System{}.Now()
	for _, name := range []string{"a", "b", "c"} {
		if err := table.Note(t.Context(), idleOf(domain.SourceID{}, name, "nothing", noon.Add(-48*time.Hour))); err != nil {
			t.Fatal(err)
		}
	}
	writer, err := db.Begin(t.Context())
	if err == nil {
		_, err = writer.Exec(t.Context(), `UPDATE app.idle_deliveries SET times = 2 WHERE delivery = 'b'`)
	}
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := table.Trim(ctx, noon, 10); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"b 1"}, shownIdle(t, db)); diff != "" {
		t.Errorf("rows while one is written (-want +got):\n%s", diff)
	}
	if err := errors.Join(writer.Commit(t.Context()), table.Trim(t.Context(), noon, 10)); err != nil || len(shownIdle(t, db)) != 0 {
		t.Errorf("got %v, and %q left", err, shownIdle(t, db))
	}
}

// Rows of a source are written, trimmed and forgotten at the same time: nobody waits
// for somebody who waits for him.
func TestIdleDeliveriesDoNotBlock(t *testing.T) {
	t.Parallel()

	db := open(t)
	table, noon := postgres.NewIdleDeliveries(db), clock.System{}.Now()
	source, err := domain.NewSourceID()
	if err != nil {
		t.Fatal(err)
	}
	var some []ingest.IdleDelivery
	for i := range 200 {
		some = append(some, idleOf(source, fmt.Sprint("d-", i), "a star", noon.Add(-time.Hour)))
	}
	var all sync.WaitGroup
	for _, do := range []func() error{
		func() error { return table.Note(t.Context(), some...) },
		func() error { return postgres.NewIdleDeliveries(db).Note(t.Context(), some...) },
		func() error { return table.Forget(t.Context(), source) },
		func() error { return table.Trim(t.Context(), noon, 10) },
	} {
		all.Go(func() {
			for range 25 {
				if err := do(); err != nil && !errors.Is(err, context.DeadlineExceeded) { // a slow machine is no deadlock, which the database tells
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
}

package postgres_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/confuse/data-connector/adapters/postgres"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/ingest"
)

func TestIdlePacks(t *testing.T) {
	t.Parallel()

	idle := postgres.NewIdlePacks(open(t))
	one, err := domain.NewSourceID()
	other, otherErr := domain.NewSourceID()
	if err != nil || otherErr != nil {
		t.Fatal(err, otherErr)
	}
	first := time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)
	later := first.Add(time.Hour)
	note := func(source domain.SourceID, at time.Time, want map[string]ingest.IdlePack, packs ...string) {
		t.Helper()
		got, err := idle.Note(t.Context(), source, packs, at)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("idle packs (-want +got):\n%s", diff)
		}
	}
	type all = map[string]ingest.IdlePack
	note(one, first, all{"a": {Since: first}, "b": {Since: first}}, "a", "b")
	note(other, first, all{"a": {Since: first}}, "a")
	if err := idle.NoteRevisions(t.Context(), one, []string{"b", "unknown"}); err != nil {
		t.Fatal(err)
	}
	note(one, later, all{"b": {Since: first, Revisions: true}, "c": {Since: later}}, "b", "c")
	note(one, later, all{})
	note(one, later, all{"b": {Since: later}}, "b")
	note(other, later, all{"a": {Since: first}}, "a")
}

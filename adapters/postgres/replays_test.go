package postgres_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/confuse/data-connector/adapters/clock"
	"github.com/confuse/data-connector/adapters/postgres"
	"github.com/confuse/data-connector/adapters/testenv"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/replay"
)

func newReplays(t *testing.T) *postgres.Replays {
	t.Helper()
	db, err := postgres.Open(t.Context(), testenv.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return postgres.NewReplays(db)
}

func addReplay(t *testing.T, table *postgres.Replays, owner domain.OwnerID) replay.Replay {
	t.Helper()
	id, err := uuid.NewV7()
	r := replay.Replay{ID: replay.ID{UUID: id}, Order: replay.Order{Owner: owner, Mode: replay.Latest}, Status: replay.Running, CreatedAt: clock.System{}.Now()}
	if err = errors.Join(err, table.Add(t.Context(), r)); err != nil {
		t.Fatal(err)
	}
	return r
}

// claimAll claims until there is nothing to claim.
func claimAll(t *testing.T, table *postgres.Replays) (claims []replay.Claim) {
	t.Helper()
	for {
		c, ok, err := table.Claim(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			return claims
		}
		claims = append(claims, c)
	}
}

// Slow replays of one owner keep no other one's waiting.
func TestReplaysAreShared(t *testing.T) {
	t.Parallel()

	table := newReplays(t)
	for range 6 {
		addReplay(t, table, "ann")
	}
	addReplay(t, table, "bob")
	held := map[domain.OwnerID]int{}
	claims := claimAll(t, table)
	for _, c := range claims {
		held[c.Owner]++
	}
	if held["ann"] != 2 || held["bob"] != 1 {
		t.Errorf("got %v held, want 2 of ann and 1 of bob", held)
	}
	done := claims[0]
	done.Status, done.EndedAt = replay.Completed, clock.System{}.Now()
	if status, err := table.Save(t.Context(), done, 0); err != nil || status != replay.Completed {
		t.Fatalf("got %s, %v", status, err)
	}
	if next := claimAll(t, table); len(next) != 1 || next[0].Owner != "ann" {
		t.Errorf("got %d claims once one has ended, want the next of ann", len(next))
	}
}

// A claim that others have taken over can neither be held nor saved, and what
// people decide is heard.
func TestReplayClaims(t *testing.T) {
	t.Parallel()

	table := newReplays(t)
	r := addReplay(t, table, "ann")
	one := claimAll(t, table)[0]
	if status, err := table.Hold(t.Context(), r.ID, one.Epoch); err != nil || status != replay.Running {
		t.Errorf("hold: got %s, %v", status, err)
	}
	if _, err := table.Change(t.Context(), "bob", r.ID, replay.Paused, replay.Running); !errors.Is(err, replay.ErrNotFound) {
		t.Errorf("another owner pauses it: got %v", err)
	}
	if _, err := table.Change(t.Context(), "ann", r.ID, replay.Paused, replay.Running); err != nil {
		t.Fatal(err)
	}
	if status, err := table.Hold(t.Context(), r.ID, one.Epoch); err != nil || status != replay.Paused {
		t.Errorf("hold of a paused one: got %s, %v", status, err)
	}
	one.Progress = replay.Progress{Marks: []replay.Mark{{Partition: 1, Next: 7, End: 9}}, Matched: 7, Busy: time.Second}
	if status, err := table.Save(t.Context(), one, 0); err != nil || status != replay.Paused {
		t.Errorf("save of a paused one: got %s, %v", status, err)
	}
	if got := claimAll(t, table); len(got) != 0 {
		t.Errorf("a paused one was claimed")
	}
	if _, err := table.Change(t.Context(), "ann", r.ID, replay.Running, replay.Paused); err != nil {
		t.Fatal(err)
	}
	two := claimAll(t, table)[0]
	if two.Epoch <= one.Epoch || two.Progress.Matched != 7 || two.Progress.Marks[0] != one.Progress.Marks[0] {
		t.Errorf("got %+v, want it to go on from where it was", two)
	}
	_, held := table.Hold(t.Context(), r.ID, one.Epoch)
	if _, saved := table.Save(t.Context(), one, 0); !errors.Is(held, domain.ErrFenced) || !errors.Is(saved, domain.ErrFenced) {
		t.Errorf("the one before: got %v and %v, want %v", held, saved, domain.ErrFenced)
	}
	if _, err := table.Change(t.Context(), "ann", r.ID, replay.Cancelled, replay.Running); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]bool{r.ID.String(): true, uuid.NewString(): false, "a retry": false} {
		if got, err := table.Cancelled(t.Context(), id); got != want || err != nil {
			t.Errorf("%s cancelled: got %t, %v", id, got, err)
		}
	}
}

package connectortest

import (
	"context"
	"testing"
	"time"

	"github.com/confuse/data-connector/domain"
)

// A World is everything the engine needs, in memory. Its parts may be used
// concurrently.
type World struct {
	Clock        *Clock
	Log          *Log
	Rows         *Rows // the index, and who waits for the fold
	Packs        *Packs
	Reservations *Reservations
	Idempotency  *Idempotency

	t       testing.TB
	journal *journal
}

// partitions of a world: sources in different ones must not meet.
const partitions = 3

// NewWorld makes an empty world whose clock stands at noon, 1 March 2026 UTC.
// What is appended against an invariant is reported to t.
func NewWorld(t testing.TB) *World {
	w := &World{
		Clock:        NewClock(time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)),
		Reservations: &Reservations{}, Idempotency: &Idempotency{},
		t: t, journal: &journal{},
	}
	w.Packs = &Packs{journal: w.journal, clock: w.Clock}
	w.Log = newLog(partitions, w.journal)
	w.Rows = newRows(w.Log)
	w.Log.rows, w.Log.watch = w.Rows, newWatch(t, w.Packs)
	return w
}

// Connect registers a source as the engine would, without asking a connector,
// and requests its first sync. It gives the fold behind both.
func (w *World) Connect(s domain.Source) domain.Source {
	w.t.Helper()
	if (s.ID == domain.SourceID{}) {
		s.ID = must(domain.NewSourceID())
	}
	if s.Owner == "" {
		s.Owner = "owner-1"
	}
	if s.ExternalKey == "" {
		s.ExternalKey = s.ID.String()
	}
	w.append(s.Partition, domain.SourceChanged{
		SourceID: s.ID, OwnerID: s.Owner, Provider: s.Provider, Change: domain.SourceRegistered, At: w.Clock.Now(),
		Name: s.Name, ExternalKey: s.ExternalKey, Config: s.Config, Partition: &s.Partition,
	})
	return w.Request(s.ID, domain.SyncIncremental)
}

// Request asks for a sync and gives the fold behind it. It is not for a paused
// fold: the decision needs the rows.
func (w *World) Request(id domain.SourceID, mode domain.SyncMode) domain.Source {
	w.t.Helper()
	return w.RequestBy(id, mode, domain.TriggerManual)
}

// RequestBy is Request by another trigger.
func (w *World) RequestBy(id domain.SourceID, mode domain.SyncMode, by domain.Trigger) domain.Source {
	w.t.Helper()
	e, err := w.Source(id).RequestSync(mode, by, w.Clock.Now())
	if err != nil {
		w.t.Fatal(err)
	}
	w.append(w.Source(id).Partition, e)
	return w.Source(id)
}

// Source is the fold of a source.
func (w *World) Source(id domain.SourceID) domain.Source {
	w.t.Helper()
	s, err := w.Rows.Source(context.Background(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

func (w *World) append(partition int32, e domain.SourceChanged) {
	w.t.Helper()
	m := domain.Message{ID: must(domain.NewEventID()), Time: w.Clock.Now(), Partition: partition, Event: e}
	if _, err := w.Log.Append(context.Background(), m); err != nil {
		w.t.Fatal(err)
	}
}

// must is for ids, which fail only when the system has no random bytes.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

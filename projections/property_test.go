package projections_test

import (
	"context"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/confuse/data-connector/domain"
)

// Any way of cutting the log into batches, with restarts between them and the
// two topics in any order, gives the same rows; so filling the tables again from
// an empty database gives the live ones.
func TestCutsDoNotMatter(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	rapid.Check(t, func(t *rapid.T) {
		r := newRandomLog(t, true)
		w.clear(t)
		w.project(t, r.events)
		w.project(t, r.pipeline)
		want := w.rows(t)
		w.clear(t)
		w.projectCut(t, r.events, r.pipeline)
		sameRows(t, want, w.rows(t))
	})
}

// projectCut hands out all of some logs, a few records at a time from any of
// them, to a runner that starts again now and then.
func (w *world) projectCut(t *rapid.T, logs ...*memoryLog) {
	next := make([]int64, len(logs))
	for i, l := range logs {
		next[i] = w.assign(t, l)
	}
	for len(logs) > 0 {
		i := rapid.IntRange(0, len(logs)-1).Draw(t, "topic")
		l := logs[i]
		if next[i] == int64(len(l.records)) {
			logs, next = append(logs[:i:i], logs[i+1:]...), append(next[:i:i], next[i+1:]...)
			continue
		}
		if rapid.IntRange(0, 3).Draw(t, "restart") == 0 {
			next[i] = w.assign(t, l)
		}
		end := min(next[i]+rapid.Int64Range(1, 12).Draw(t, "size"), int64(len(l.records)))
		if err := w.runner.Batch(context.Background(), l.partition(), l.records[next[i]:end]); err != nil {
			t.Fatalf("batch: %v", err)
		}
		next[i] = end
	}
}

// Late duplicates, and events of runs that are not current, change no row. They
// take the places of records that mean nothing, so that offsets stay the same.
func TestNoiseChangesNothing(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	rapid.Check(t, func(t *rapid.T) {
		r := newRandomLog(t, false)
		w.clear(t)
		w.project(t, r.events)
		want := w.rows(t)
		for _, at := range r.blanks {
			if at < len(r.events.records)-1 { // the checkpoint names the last one
				r.noise(at)
			}
		}
		w.clear(t)
		w.projectCut(t, r.events)
		sameRows(t, want, w.rows(t))
	})
}

// noise puts a duplicate of an earlier record, or one of a foreign run, at a
// place of the log. Hints are left out: one that comes twice is at worst one
// needless sync.
func (r *randomLog) noise(at int) {
	rec := r.events.records[r.draw(at, "copy")]
	run := domain.RunID{UUID: uuid.New()}
	foreign := r.draw(2, "foreign") == 0
	switch e := rec.Event.(type) {
	case domain.FileChanged:
		if foreign {
			e.RunID, e.Run, e.Seq = run, e.Run+int64(r.draw(3, "run")), e.Seq+100
			rec.Event = e
		}
	case domain.SourceChanged:
		if e.Change != domain.SourceRegistered && !e.Change.InRun() {
			return
		}
		if foreign && e.Change.InRun() && e.Change != domain.SourceSyncStarted {
			e.RunID, e.Seq = run, e.Seq+100
			rec.Event = e
		}
	}
	rec.Position = r.events.records[at].Position
	r.events.records[at] = rec
}

package projections_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/projections"
)

// Whatever is on the log, the rebuilt tables are the live ones, poison too; and so
// are those that were filled with hardly any memory, the projector's way.
func TestRebuiltIsLive(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	logs := rapid.Custom(func(rt *rapid.T) *randomLog { return newRandomLog(rt, true) })
	for seed := range 12 {
		r := logs.Example(seed)
		w.clear(t)
		w.project(t, r.events, 7, 3, 11)
		w.project(t, r.pipeline, 2)
		want := w.rows(t)

		rebuild := w.rebuild(newTopics(1+seed%9, r.events, r.pipeline))
		rebuild.Memory = int64(seed) * 3_000 // 0: as much as it likes
		run(t, rebuild)
		if diff := cmp.Diff(want, w.rows(t)); diff != "" {
			t.Fatalf("seed %d: rows (-live +rebuilt):\n%s", seed, diff)
		}
		if seed%4 == 0 {
			if found := verify(t, rebuild); found.Differ() != 0 {
				t.Fatalf("seed %d: got differences %+v, want none", seed, found)
			}
		}
	}
}

// After an exchange the runner that served the old tables goes on with the new
// ones, and nothing is left of the old ones but for a while.
func TestRebuildWhileServing(t *testing.T) {
	t.Parallel()

	w, l := newWorld(t), newLog(eventsTopic, 0)
	s := newStory(t, l, "ann")
	s.start()
	w.project(t, l)
	run(t, w.rebuild(newTopics(3, l)))
	s.file(domain.FileAdded, "a.go", "one")
	if err := w.runner.Batch(t.Context(), l.partition(), l.records); !errors.Is(err, domain.ErrFenced) {
		t.Errorf("got %v from a runner that remembers the old tables, want ErrFenced", err)
	}
	w.project(t, l)
	if n := w.count(t, "files", s.src.ID); n != 1 {
		t.Errorf("got %d files, want 1", n)
	}
	var positions int64
	if err := w.db.QueryRow(t.Context(), `SELECT sum(position) FROM read_old.checkpoints`).Scan(&positions); err != nil || positions != -1 {
		t.Errorf("got position %d, error %v of the retired tables, want -1", positions, err)
	}
	if p, err := w.Rebuilding(t.Context()); err != nil || p != nil {
		t.Errorf("got progress %+v, error %v once it is done, want none", p, err)
	}
	if err := projections.DropRetired(t.Context(), w.db, 0, handNow()); err != nil {
		t.Fatal(err)
	}
	var left bool
	if err := w.db.QueryRow(t.Context(), `SELECT to_regclass('read_old.files') IS NOT NULL`).Scan(&left); err != nil || left {
		t.Errorf("got the retired tables still there (%t, error %v)", left, err)
	}
}

// errDeath is how a test ends a rebuild at a point: nothing is cleaned up behind
// it, as when the process dies.
var errDeath = errors.New("it dies here")

// Whoever dies at any point leaves tables that serve as before, or the new ones;
// the next call ends in the same rows.
func TestRebuildDiesAndResumes(t *testing.T) {
	t.Parallel()

	for _, point := range []string{
		projections.PointBeforeCopy, projections.PointInCopy, projections.PointAfterCopy,
		projections.PointIndexed, projections.PointInSwap, projections.PointAfterSwap,
	} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()

			w, a, b, c := newWorld(t), newLog(eventsTopic, 0), newLog(eventsTopic, 1), newLog(pipelineTopic, 0)
			for _, l := range []*memoryLog{a, b} {
				s := newStory(t, l, "ann")
				s.start()
				c.add(t, s.report(s.file(domain.FileAdded, "a.go", "one"), "chunk", domain.StageDone))
				s.progress()
				s.complete()
			}
			for _, l := range []*memoryLog{a, b, c} {
				w.project(t, l)
			}
			want := w.rows(t)
			topics := newTopics(2, a, b, c)
			dying := w.rebuild(topics)
			var seen int
			dying.Point = func(_ context.Context, at string) error {
				if at == point {
					if seen++; seen == min(2, pointTimes(point)) {
						return errDeath
					}
				}
				return nil
			}
			if err := dying.Run(t.Context()); !errors.Is(err, errDeath) {
				t.Fatalf("got %v, want it to die", err)
			}
			sameRows(t, want, w.rows(t))
			p, err := w.Rebuilding(t.Context())
			if died := point != projections.PointAfterSwap; err != nil || (p != nil) != died || died && p.Running {
				t.Errorf("got progress %+v, error %v after it died", p, err)
			}
			resumed := w.rebuild(topics)
			var copied int
			resumed.Point = func(_ context.Context, at string) error {
				if at == projections.PointAfterCopy {
					copied++
				}
				return nil
			}
			run(t, resumed)
			sameRows(t, want, w.rows(t))
			most, ok := map[string]int{projections.PointAfterCopy: 2, projections.PointIndexed: 0, projections.PointInSwap: 0}[point]
			if ok && copied > most {
				t.Errorf("got %d partitions loaded again, want %d at most", copied, most)
			}
		})
	}
}

// pointTimes is how often a rebuild of three partitions passes a point.
func pointTimes(point string) int {
	switch point {
	case projections.PointBeforeCopy, projections.PointInCopy, projections.PointAfterCopy:
		return 3
	}
	return 1
}

package projections_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
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
			var copied atomic.Int32 // partitions are loaded side by side
			resumed.Point = func(_ context.Context, at string) error {
				if at == projections.PointAfterCopy {
					copied.Add(1)
				}
				return nil
			}
			run(t, resumed)
			sameRows(t, want, w.rows(t))
			most, ok := map[string]int{projections.PointAfterCopy: 2, projections.PointIndexed: 0, projections.PointInSwap: 0}[point]
			if got := int(copied.Load()); ok && got > most {
				t.Errorf("got %d partitions loaded again, want %d at most", got, most)
			}
		})
	}
}

// What another program has folded is not gone on with, though its tables are made
// alike: the rows would be of two folds.
func TestRebuildOfAnotherProgramStartsOver(t *testing.T) {
	t.Parallel()

	for _, first := range []string{"", "one"} { // a program of before they were named, and one that was
		w, a, b := newWorld(t), newLog(eventsTopic, 0), newLog(eventsTopic, 1)
		for _, l := range []*memoryLog{a, b} {
			newStory(t, l, "ann").start()
			w.project(t, l)
		}
		want, topics := w.rows(t), newTopics(2, a, b)
		dying := w.rebuild(topics)
		dying.Program = first
		dying.Point = func(_ context.Context, at string) error {
			if at == projections.PointIndexed {
				return errDeath
			}
			return nil
		}
		if err := dying.Run(t.Context()); !errors.Is(err, errDeath) {
			t.Fatalf("got %v, want it to die", err)
		}
		folded := `UPDATE read_next.sources SET name = 'in another way'`
		if first == "" {
			folded += `; ALTER TABLE read_next.rebuild DROP COLUMN program`
		}
		if _, err := w.db.Exec(t.Context(), folded); err != nil {
			t.Fatal(err)
		}
		other := w.rebuild(topics)
		other.Program = "two"
		run(t, other)
		sameRows(t, want, w.rows(t))
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

// A program whose tables differ must say so by a higher version, or an older one
// that still runs would take them for its own.
func TestVersionOfTheTables(t *testing.T) {
	t.Parallel()

	ddl, err := os.ReadFile("ddl.sql")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(string(ddl), "\n-- Indexes\n") != 1 {
		t.Error("ddl.sql has no line that begins the indexes, or several")
	}
	w := newWorld(t)
	var version int
	var digest string
	if err := w.db.QueryRow(t.Context(), `SELECT version, encode(ddl_sha256, 'hex') FROM meta`).Scan(&version, &digest); err != nil {
		t.Fatal(err)
	}
	known, err := os.ReadFile("testdata/ddl.versions")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(known)), "\n")
	if got, last := fmt.Sprintf("%d %s", version, digest), lines[len(lines)-1]; got != last {
		t.Errorf("ddl.sql is another one: raise version in schema.go and add the line %q to testdata/ddl.versions behind %q", got, last)
	}
}

// Tables of an older program serve until they are rebuilt, those of a newer one
// are left alone; in neither does this program fold.
func TestTablesOfOtherVersions(t *testing.T) {
	t.Parallel()

	for version, want := range map[string]projections.Fit{"1": projections.Older, "1000000": projections.Newer} {
		t.Run("version "+version, func(t *testing.T) {
			t.Parallel()

			w, l := newWorld(t), newLog(eventsTopic, 0)
			s := newStory(t, l, "ann")
			s.start()
			f := s.file(domain.FileAdded, "a.go", "one")
			w.project(t, l)
			rows := w.rows(t)
			if _, err := w.db.Exec(t.Context(), `UPDATE meta SET ddl_sha256 = '\x00', version = `+version); err != nil {
				t.Fatal(err)
			}
			if fit, err := projections.Ensure(t.Context(), w.db); err != nil || fit != want {
				t.Errorf("got fit %d, error %v, want %d", fit, err, want)
			}
			if _, err := w.runner.Assigned(t.Context(), l.partition()); !errors.Is(err, projections.ErrOtherTables) {
				t.Errorf("got %v from a runner, want ErrOtherTables", err)
			}
			if _, err := w.GetFile(t.Context(), "ann", f.FileID); err != nil {
				t.Errorf("got %v from a read meanwhile", err)
			}
			if _, err := w.rebuild(newTopics(3, l)).Verify(t.Context()); !errors.Is(err, projections.ErrOtherTables) {
				t.Errorf("got %v from a comparison, want ErrOtherTables", err)
			}
			run(t, w.rebuild(newTopics(3, l)))
			if fit, err := projections.Ensure(t.Context(), w.db); err != nil || fit != projections.Fits {
				t.Errorf("got fit %d, error %v once they are rebuilt", fit, err)
			}
			sameRows(t, rows, w.rows(t))
		})
	}
}

// There is one rebuild at a time. A cancel from another process ends it and drops
// what it has filled; what serves stays.
func TestRebuildIsCancelled(t *testing.T) {
	t.Parallel()

	w, l := newWorld(t), newLog(eventsTopic, 0)
	s := newStory(t, l, "ann")
	s.start()
	w.project(t, l)
	want := w.rows(t)
	log := slog.New(slog.DiscardHandler)
	if was, err := projections.CancelRebuild(t.Context(), w.db, log); was || err != nil {
		t.Errorf("got %t, error %v without a rebuild, want false", was, err)
	}
	r := w.rebuild(newTopics(3, l))
	begun := make(chan struct{})
	r.Point = func(ctx context.Context, at string) error {
		if at == projections.PointAfterCopy {
			close(begun)
			<-ctx.Done()
			return ctx.Err()
		}
		return nil
	}
	ended := make(chan error)
	go func() { ended <- r.Run(t.Context()) }()
	<-begun
	if err := w.rebuild(newTopics(3, l)).Run(t.Context()); !errors.Is(err, projections.ErrRebuildRuns) {
		t.Errorf("got %v from a second rebuild, want ErrRebuildRuns", err)
	}
	if p, err := w.Rebuilding(t.Context()); err != nil || p == nil || !p.Running || p.Phase != "loading" {
		t.Errorf("got progress %+v, error %v, want that it runs", p, err)
	}
	go func() {
		_, err := projections.CancelRebuild(context.WithoutCancel(t.Context()), w.db, log)
		ended <- err
	}()
	first, second := <-ended, <-ended
	if err := errors.Join(first, second); !errors.Is(err, projections.ErrRebuildCancelled) || first != nil && second != nil {
		t.Errorf("got %v and %v, want one that was cancelled", first, second)
	}
	if p, err := w.Rebuilding(t.Context()); err != nil || p != nil {
		t.Errorf("got progress %+v, error %v, want none", p, err)
	}
	sameRows(t, want, w.rows(t))
}

// A record that is skipped while the tables are rebuilt is not in the new ones.
func TestSkippedWhileRebuilt(t *testing.T) {
	t.Parallel()

	w, l := newWorld(t), newLog(eventsTopic, 0)
	s := newStory(t, l, "ann")
	s.start()
	l.addRecord(damaged(t, s.changed(domain.FileModified, "a.go", "two")))
	w.project(t, l)
	r := w.rebuild(newTopics(3, l))
	var once sync.Once
	r.Point = func(ctx context.Context, at string) (err error) {
		if at == projections.PointIndexed {
			once.Do(func() {
				key := projections.PoisonKey{Topic: eventsTopic, Offset: int64(len(l.records)) - 1}
				_, err = w.poison.Skip(ctx, projections.Caller{Operator: true, Name: "op"}, key)
			})
		}
		return err
	}
	run(t, r)
	if n := w.count(t, "poison", s.src.ID); n != 0 {
		t.Errorf("got %d records set aside, want none", n)
	}
	if found := verify(t, w.rebuild(newTopics(3, l))); found.Differ() != 0 {
		t.Errorf("got %+v, want no difference", found)
	}
}

package projections_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/confuse/data-connector/domain"
)

type poisoned struct {
	Offset int64
	Known  bool // its source is
	Parks  bool
}

func (w *world) poisoned(t *testing.T) []poisoned {
	t.Helper()
	rows, err := w.db.Query(t.Context(), `SELECT log_offset, source_id IS NOT NULL, parks FROM poison ORDER BY log_offset`)
	if err != nil {
		t.Fatal(err)
	}
	got, err := pgx.CollectRows(rows, pgx.RowToStructByPos[poisoned])
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestBadFileChanged(t *testing.T) {
	t.Parallel()

	w, l := newWorld(t), newLog(eventsTopic, 0)
	s := newStory(t, l, "ann")
	s.start()
	s.file(domain.FileAdded, "a.go", "one")
	l.addRecord(damaged(t, s.changed(domain.FileModified, "a.go", "two"))) // offset 4
	w.project(t, l)
	if diff := cmp.Diff([]poisoned{{Offset: 4, Known: true}}, w.poisoned(t)); diff != "" {
		t.Errorf("poison (-want +got):\n%s", diff)
	}
	repair := s.file(domain.FileModified, "a.go", "three")
	w.project(t, l)
	f, err := w.GetFile(t.Context(), "ann", repair.FileID)
	if err != nil {
		t.Fatal(err)
	}
	if f.Revision != "three" {
		t.Errorf("got revision %q, want the next event of the file to repair it", f.Revision)
	}
}

func TestBadSourceChangedParksItsSource(t *testing.T) {
	t.Parallel()

	for name, sizes := range map[string][]int{"in one batch": nil, "one by one": {1, 1, 1, 1, 1, 1, 1, 1, 1, 1}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			w, l := newWorld(t), newLog(eventsTopic, 0)
			bad, good := newStory(t, l, "ann"), newStory(t, l, "ann")
			bad.request(domain.SyncFull)
			l.addRecord(damaged(t, bad.event(domain.SourcePaused))) // offset 3
			bad.claim()
			lost := bad.file(domain.FileAdded, "a.go", "one")
			l.addRecord(damaged(t, bad.event(domain.SourceResumed))) // it is parked already
			good.start()
			kept := good.file(domain.FileAdded, "a.go", "one")
			w.project(t, l, sizes...)

			want := []poisoned{{3, true, true}, {4, true, false}, {5, true, false}, {6, true, false}}
			if diff := cmp.Diff(want, w.poisoned(t)); diff != "" {
				t.Errorf("poison (-want +got):\n%s", diff)
			}
			files, err := w.FilesByID(t.Context(), good.src.ID, []domain.FileID{kept.FileID})
			if err != nil || len(files) != 1 {
				t.Errorf("got %d files of the neighbour and error %v, want 1", len(files), err)
			}
			if n := w.count(t, "files", lost.SourceID); n != 0 {
				t.Errorf("got %d files of the parked source, want 0", n)
			}
			// A runner that starts later knows it, too.
			bad.file(domain.FileAdded, "b.go", "one")
			w.project(t, l)
			if got := w.poisoned(t); len(got) != 5 {
				t.Errorf("got %d records in poison after a restart, want 5", len(got))
			}
			checkpoints, err := w.Checkpoints(t.Context())
			if err != nil || len(checkpoints) != 1 || checkpoints[0].Poison != 5 || checkpoints[0].Parked != 1 {
				t.Errorf("got %+v, error %v; want 5 records and 1 source set aside", checkpoints, err)
			}
		})
	}
}

// Text that Postgres refuses does not pass the decoder; a decoder that lets
// something through must not stop the partition.
func TestRecordThatPostgresRefuses(t *testing.T) {
	t.Parallel()

	w, l := newWorld(t), newLog(eventsTopic, 0)
	s := newStory(t, l, "ann")
	s.start()
	var want []string
	for _, path := range []string{"a.go", "b.go", "c.go", "d.go", "e.go"} {
		s.file(domain.FileAdded, path, "one")
		want = append(want, path)
	}
	bad := record(t, s.changed(domain.FileAdded, "f.go", "one"))
	e := bad.Event.(domain.FileChanged)
	e.Path = "f\x00.go"
	bad.Event = e
	bad.Headers["x"] = "n\x00ul"
	bad.Raw = []byte("a\x00b")
	l.addRecord(bad) // offset 8
	s.file(domain.FileAdded, "g.go", "one")
	w.project(t, l)

	var got []string
	for f, err := range w.Live(t.Context(), s.src.ID, domain.ByPath) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, f.Path)
	}
	if diff := cmp.Diff(append(want, "g.go"), got); diff != "" {
		t.Errorf("live files (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]poisoned{{Offset: 8, Known: true}}, w.poisoned(t)); diff != "" {
		t.Errorf("poison (-want +got):\n%s", diff)
	}
}

// The same of a SourceChanged parks its source, however the log is cut.
func TestSourceChangedThatPostgresRefuses(t *testing.T) {
	t.Parallel()

	w, l := newWorld(t), newLog(eventsTopic, 0)
	s, other := newStory(t, l, "ann"), newStory(t, l, "ann")
	e := s.event(domain.SourceHintReceived)
	e.Hint = &domain.Hint{Origin: "webhook"}
	bad := record(t, e)
	e.Hint = &domain.Hint{Origin: "web\x00hook"}
	bad.Event = e    // as no decoder gives it
	l.addRecord(bad) // offset 2
	s.request(domain.SyncFull)
	other.request(domain.SyncFull)
	w.project(t, l)
	if diff := cmp.Diff([]poisoned{{2, true, true}, {3, true, false}}, w.poisoned(t)); diff != "" {
		t.Errorf("poison (-want +got):\n%s", diff)
	}
	for id, want := range map[domain.SourceID]int{s.src.ID: 0, other.src.ID: 1} {
		if n := w.count(t, "sync_jobs", id); n != want {
			t.Errorf("got %d jobs, want %d", n, want)
		}
	}
}

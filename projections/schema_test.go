package projections_test

import (
	"testing"

	"github.com/confuse/data-connector/adapters/postgres"
	"github.com/confuse/data-connector/adapters/testenv"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/projections"
)

func TestEnsureAgain(t *testing.T) {
	t.Parallel()

	w, l := newWorld(t), newLog(eventsTopic, 0)
	s := newStory(t, l, "ann")
	w.project(t, l)
	fresh, err := projections.Ensure(t.Context(), w.db)
	if err != nil || fresh {
		t.Errorf("got fresh %t, error %v from a second start; want false", fresh, err)
	}
	if _, err := w.Source(t.Context(), s.src.ID); err != nil {
		t.Errorf("got %v after a second start, want the source", err)
	}
}

// Tables of another version are made anew; a runner that has not noticed is
// fenced and then fills them from the start of the log.
func TestEnsureAfterAnUpdate(t *testing.T) {
	t.Parallel()

	w, l := newWorld(t), newLog(eventsTopic, 0)
	s := newStory(t, l, "ann")
	s.start()
	f := s.file(domain.FileAdded, "a.go", "one")
	w.project(t, l)
	want := w.rows(t)
	if _, err := w.db.Exec(t.Context(), `UPDATE meta SET ddl_sha256 = '\x00'; ALTER TABLE files DROP COLUMN language`); err != nil {
		t.Fatal(err)
	}
	fresh, err := projections.Ensure(t.Context(), w.db)
	if err != nil || !fresh {
		t.Fatalf("got fresh %t, error %v; want true", fresh, err)
	}
	if start := w.assign(t, l); start != 0 {
		t.Errorf("got start %d, want 0", start)
	}
	w.project(t, l)
	sameRows(t, want, w.rows(t))
	if _, err := w.GetFile(t.Context(), "ann", f.FileID); err != nil {
		t.Errorf("got %v from a statement prepared before the update", err)
	}
}

func TestEnsureAtTheSameTime(t *testing.T) {
	t.Parallel()

	db, err := postgres.Open(t.Context(), testenv.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	const processes = 4
	made := make(chan bool, processes)
	for range processes {
		go func() {
			fresh, err := projections.Ensure(t.Context(), db)
			if err != nil {
				t.Error(err)
			}
			made <- fresh
		}()
	}
	var n int
	for range processes {
		if <-made {
			n++
		}
	}
	if n != 1 {
		t.Errorf("got %d processes that made the tables, want 1", n)
	}
}

func TestEnsureLeavesForeignTables(t *testing.T) {
	t.Parallel()

	db, err := postgres.Open(t.Context(), testenv.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	if _, err := db.Exec(t.Context(), `CREATE SCHEMA read; CREATE TABLE read.mine (n int); INSERT INTO read.mine VALUES (1)`); err != nil {
		t.Fatal(err)
	}
	if _, err := projections.Ensure(t.Context(), db); err == nil {
		t.Error("got the schema of somebody else taken over")
	}
	var n int
	if err := db.QueryRow(t.Context(), `SELECT count(*) FROM read.mine`).Scan(&n); err != nil || n != 1 {
		t.Errorf("got %d rows, error %v in the foreign table; want 1", n, err)
	}
}

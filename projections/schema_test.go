package projections_test

import (
	"testing"

	"github.com/confuse/data-connector/adapters/postgres"
	"github.com/confuse/data-connector/adapters/testenv"
	"github.com/confuse/data-connector/projections"
)

func TestEnsureAgain(t *testing.T) {
	t.Parallel()

	w, l := newWorld(t), newLog(eventsTopic, 0)
	s := newStory(t, l, "ann")
	w.project(t, l)
	fit, err := projections.Ensure(t.Context(), w.db)
	if err != nil || fit != projections.Fits {
		t.Errorf("got fit %d, error %v from a second start; want that they fit", fit, err)
	}
	if _, err := w.Source(t.Context(), s.src.ID); err != nil {
		t.Errorf("got %v after a second start, want the source", err)
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
			fit, err := projections.Ensure(t.Context(), db)
			if err != nil {
				t.Error(err)
			}
			made <- fit == projections.Made
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

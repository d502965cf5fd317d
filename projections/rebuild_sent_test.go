package projections_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/projections"
)

// Rows of files go to the table while the partition is folded: what they became
// later counts all the same, and those of a source that is removed later go. The
// memory is enough, so nothing is left to the projector's way.
func TestRowsThatWereSentBefore(t *testing.T) {
	t.Parallel()

	w, l := newWorld(t), newLog(eventsTopic, 0)
	s, gone := newStory(t, l, "ann"), newStory(t, l, "ann")
	path := func(n int) string { return fmt.Sprintf("%03d.go", n) }
	for _, story := range []*story{s, gone} {
		story.start()
		for n := range 150 {
			story.file(domain.FileAdded, path(n), "one")
		}
		for n := range 50 {
			story.file(domain.FileModified, path(n*3), "two")
		}
		for n := range 20 {
			story.file(domain.FileModified, path(n*3), "three")
			story.file(domain.FileRemoved, path(n*5), "")
		}
		story.complete()
	}
	gone.requestRemoval()
	gone.claim()
	gone.tell(gone.event(domain.SourceRemoved))
	w.project(t, l)
	want := w.rows(t)

	r := w.rebuild(newTopics(20, l))
	r.Memory = 400 << 10 // of which a 16th is sent at once, about 50 rows
	loaded := int64(-1)
	r.Point = func(ctx context.Context, at string) error {
		if at != projections.PointAfterCopy {
			return nil
		}
		var stale int
		if err := w.db.QueryRow(ctx, `SELECT (SELECT max(position) FROM read_next.checkpoints), (SELECT count(*) FROM read_next.rebuild_stale)`).Scan(&loaded, &stale); err != nil {
			return err
		}
		if stale < 30 {
			t.Errorf("got %d rows that are stale, want most of those that changed", stale)
		}
		return nil
	}
	run(t, r)
	if end := int64(len(l.records)); loaded != end {
		t.Errorf("got %d records loaded, want all %d", loaded, end)
	}
	sameRows(t, want, w.rows(t))
}

// The transaction of rows that were sent is idle while the log gives nothing. A
// server that ends idle ones does not end the rebuild.
func TestRowsThatWereSentWait(t *testing.T) {
	t.Parallel()

	w, l := newWorld(t), newLog(eventsTopic, 0)
	s := newStory(t, l, "ann")
	s.start()
	for n := range 100 {
		s.file(domain.FileAdded, fmt.Sprintf("%d.go", n), "one")
	}
	s.complete()
	w.project(t, l)
	want := w.rows(t)
	if _, err := w.db.Exec(t.Context(), `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET idle_in_transaction_session_timeout = 100', current_database()); END $$`); err != nil {
		t.Fatal(err)
	}

	r := w.rebuild(newTopics(20, l))
	r.Memory = 400 << 10
	r.Point = func(ctx context.Context, at string) error {
		if at != projections.PointBeforeCopy {
			return nil
		}
		_, err := w.db.Exec(ctx, `SELECT pg_sleep(0.5)`)
		return err
	}
	run(t, r)
	sameRows(t, want, w.rows(t))
}

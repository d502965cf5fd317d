package projections_test

import (
	"context"
	"fmt"
	"iter"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

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

	r := w.rebuild(newTopics(20, l))
	r.DB, r.Memory = w.impatient(t), 400<<10
	r.Point = func(ctx context.Context, at string) error {
		if at != projections.PointBeforeCopy {
			return nil
		}
		return w.longer(ctx)
	}
	run(t, r)
	sameRows(t, want, w.rows(t))
}

// The snapshot that a comparison reads is idle while the tables aside come to where it
// is. A server that ends idle transactions does not end the comparison.
func TestVerifyWaitsForALog(t *testing.T) {
	t.Parallel()

	w, l := newWorld(t), newLog(eventsTopic, 0)
	s := newStory(t, l, "ann")
	s.start()
	s.file(domain.FileAdded, "a.go", "one")
	w.project(t, l)

	topics := newTopics(20, l)
	r := w.rebuild(topics)
	r.DB, r.Log = w.impatient(t), slowTopics{topics, w}
	r.Point = func(_ context.Context, at string) error {
		if at != projections.PointAfterCopy {
			return nil
		}
		topics.tell(func() { s.file(domain.FileModified, "a.go", "two") }) // behind what was loaded, and before the snapshot
		return projectMore(w, l)
	}
	if found := verify(t, r); found.Differ() != 0 {
		t.Errorf("got %+v, want no difference", found)
	}
}

// impatient is a pool whose server ends transactions that are idle.
func (w *world) impatient(t *testing.T) *pgxpool.Pool {
	t.Helper()
	config := w.db.Config()
	config.ConnConfig.RuntimeParams["idle_in_transaction_session_timeout"] = "300" // milliseconds
	db, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db
}

// longer waits for longer than a transaction may be idle then.
func (w *world) longer(ctx context.Context) error {
	_, err := w.db.Exec(ctx, `SELECT pg_sleep(1)`)
	return err
}

// slowTopics give the first batch after a while.
type slowTopics struct {
	projections.Topics
	w *world
}

func (s slowTopics) Batches(ctx context.Context, p domain.FeedPartition, from, to int64) iter.Seq2[[]domain.Record, error] {
	return func(yield func([]domain.Record, error) bool) {
		if err := s.w.longer(ctx); err != nil {
			yield(nil, err)
			return
		}
		s.Topics.Batches(ctx, p, from, to)(yield)
	}
}

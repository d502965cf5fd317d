package projections_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/confuse/data-connector/adapters/clock"
	"github.com/confuse/data-connector/adapters/postgres"
	"github.com/confuse/data-connector/adapters/testenv"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/projections"
)

// A world is one process: a pool, a runner, its waiters and a reader.
type world struct {
	db      *pgxpool.Pool
	runner  *projections.Runner
	waiters *projections.Waiters
	poison  *projections.Poison
	*projections.Reader
	assigned map[string]int64 // next offset to hand out by topic, for projectAgain
}

// newWorld is a process on a database of its own, with empty read tables.
func newWorld(t *testing.T) *world {
	t.Helper()
	return newWorldOn(t, testenv.Database(t))
}

// newWorldOn is one more process on the database url.
func newWorldOn(t *testing.T, url string) *world {
	t.Helper()
	db, err := postgres.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	if _, err := projections.Ensure(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	w := projections.NewWaiters(db, eventsTopic, clock.System{}, log)
	return &world{
		db: db, waiters: w, runner: projections.NewRunner(db, w, log), Reader: projections.NewReader(db), poison: projections.NewPoison(db),
	}
}

// assign gives a partition to the runner and fails the test if it refuses.
func (w *world) assign(t fataler, l *memoryLog) int64 {
	t.Helper()
	start, err := w.runner.Assigned(context.Background(), l.partition())
	if err != nil {
		t.Fatalf("assigned: %v", err)
	}
	return start
}

// project assigns the partition and hands out the rest of the log, cut into
// batches of these sizes and then one of what is left.
func (w *world) project(t fataler, l *memoryLog, sizes ...int) {
	t.Helper()
	rest := l.records[w.assign(t, l):]
	for _, n := range append(sizes, len(l.records)) {
		n = min(n, len(rest))
		if err := w.runner.Batch(context.Background(), l.partition(), rest[:n]); err != nil {
			t.Fatalf("batch: %v", err)
		}
		rest = rest[n:]
	}
}

// order is the primary key of each read table.
var order = map[string]string{
	"sources": "source_id", "files": "file_id", "sync_jobs": "job_id", "runs": "source_id, run",
	"webhook_events": "event_id", "file_stages": "file_id, stage",
	"poison": "topic, partition, log_offset", "checkpoints": "topic, partition",
}

// rows are all rows as text, but not when and how often checkpoints moved.
func (w *world) rows(t fataler) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for table, key := range order {
		all[table] = w.table(t, table, key)
	}
	return all
}

func (w *world) table(t fataler, table, key string) []string {
	t.Helper()
	found, err := w.db.Query(context.Background(), `SELECT (to_jsonb(t) - 'updated_at' - 'generation')::text FROM `+table+` t ORDER BY `+key)
	if err != nil {
		t.Fatalf("rows of %s: %v", table, err)
	}
	rows, err := pgx.CollectRows(found, pgx.RowTo[string])
	if err != nil {
		t.Fatalf("rows of %s: %v", table, err)
	}
	return rows
}

// clear empties the read tables, for the next check of a property.
func (w *world) clear(t fataler) {
	t.Helper()
	var all strings.Builder
	for table := range order {
		all.WriteString("DELETE FROM " + table + ";")
	}
	if _, err := w.db.Exec(context.Background(), all.String()); err != nil {
		t.Fatalf("clear: %v", err)
	}
}

func sameRows(t fataler, want, got map[string][]string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("rows (-want +got):\n%s", diff)
	}
}

// count is how many rows of a table are about a source.
func (w *world) count(t *testing.T, table string, source domain.SourceID) int {
	t.Helper()
	var n int
	err := w.db.QueryRow(t.Context(), `SELECT count(*) FROM `+table+` WHERE source_id = $1`, [16]byte(source.UUID)).Scan(&n)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

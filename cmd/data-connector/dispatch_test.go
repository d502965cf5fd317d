package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/confuse/data-connector/adapters/pipeline/webhook"
	"github.com/confuse/data-connector/domain"
)

func put(t *testing.T, dir, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// checkOrder looks at all that arrived: n states, each file's first arrivals in
// order, and no more than so many repeats besides lost answers.
func (r *receiver) checkOrder(n, repeats int) {
	r.t.Helper()
	for _, wrong := range r.contract {
		r.t.Error(wrong)
	}
	seen, last := map[string]bool{}, map[domain.FileID]domain.Revised{}
	for _, d := range r.taken {
		if d.Type != webhook.TypeFile {
			continue
		}
		if seen[d.ID] {
			repeats--
			continue
		}
		seen[d.ID] = true
		if !last[d.File.FileID].Before(d.File.Revised()) {
			r.t.Errorf("%s came as %v behind %v", d.File.Path, d.File.Revised(), last[d.File.FileID])
		}
		last[d.File.FileID] = d.File.Revised()
	}
	r.t.Logf("%d requests, %d taken, %d states, %d answers lost", r.asked, len(r.taken), len(seen), r.lost)
	if len(seen) != n {
		r.t.Errorf("got %d states, want %d", len(seen), n)
	}
	if repeats+r.lost < 0 {
		r.t.Errorf("got %d repeats more than the windows of the kills and the lost answers explain", -repeats-r.lost)
	}
}

// waitForReports returns once n files are reported as done in their last state.
func waitForReports(t *testing.T, env []string, n int) {
	t.Helper()
	db := database(t, env)
	awaitRow(t, db, `SELECT count(*) FROM read.file_stages st JOIN read.files f USING (file_id)
		WHERE st.stage = 'webhook' AND st.state = 'done' AND (st.run, st.seq) = (f.run, f.seq)`, n)
}

func checkNoLetters(t *testing.T, env []string, but ...string) {
	t.Helper()
	var n int
	if err := database(t, env).QueryRow(t.Context(), `SELECT count(*) FROM read.file_stages s JOIN read.files f USING (file_id)
		WHERE s.state = 'failed' AND NOT f.path = ANY ($1)`, append([]string{}, but...)).Scan(&n); err != nil {
		t.Fatal(err)
	}
	if n != 0 {
		t.Errorf("got %d dead letters from a neighbour that was only in trouble", n)
	}
}

// awaitRow returns once a query that gives one number gives n. Nothing tells of
// rows of stages, so it looks again and again.
func awaitRow(t *testing.T, db *pgx.Conn, sql string, n int) {
	t.Helper()
	late := time.After(time.Minute)
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for {
		var got int
		if err := db.QueryRow(t.Context(), sql).Scan(&got); err != nil {
			t.Fatal(err)
		}
		if got == n {
			return
		}
		select {
		case <-look.C:
		case <-late:
			t.Fatalf("%s: got %d, want %d", sql, got, n)
		}
	}
}

// awaitThat returns once ok holds; it looks again and again, since several may make
// it true. The text says how things are.
func awaitThat(t *testing.T, ok func() (bool, string)) {
	t.Helper()
	late := time.After(2 * time.Minute)
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for {
		done, text := ok()
		if done {
			return
		}
		select {
		case <-look.C:
		case <-late:
			t.Fatalf("not after two minutes: %s", text)
		}
	}
}

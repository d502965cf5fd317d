package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/confuse/data-connector/adapters/kafka"
	"github.com/confuse/data-connector/cmd/figures"
	"github.com/confuse/data-connector/cmd/testbed"
	"github.com/confuse/data-connector/domain"
)

const (
	saves     = 60
	savedTree = 1000
	// savedTrees take turns, with a while between two saves: notices that follow each
	// other at once in one folder wait for more.
	savedTrees = 5
	betweenTwo = 800 * time.Millisecond
	// quiet is how long nothing happens to a source before what is timed does.
	quiet = 2500 * time.Millisecond
)

func savedFileFigure() figure {
	return figure{
		name:      "saved_file",
		title:     "From a saved file to its row (watch), hop by hop: a file of a folder of 1,000 is written, and the row with its new content is waited for",
		reference: "nothing",
		note: "60 saves, in five folders in turn. The hops: `hint` until the notice is decided on, `request` until a sync is, `claim` until a worker has taken it, " +
			"`read` until the file is found and read and its event is made, `row` until the row can be read.",
		measure: savedFile,
	}
}

// hops are the moments of one save, in order.
func hops() []string { return []string{"hint", "request", "claim", "read", "row"} }

func savedFile(ctx context.Context, b *bench) (lines []figures.Line, err error) {
	root, err := os.MkdirTemp(b.dir, "bench-tree-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(root) }() // temporary files
	s, err := b.startService(ctx, root)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close(ctx)) }()
	db, err := pgxpool.New(ctx, s.Database)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	took := map[string][]float64{}
	all := make([]saved, savedTrees)
	for i := range all {
		if all[i], err = connectSaved(ctx, s, filepath.Join(root, strconv.Itoa(i)), took); err != nil {
			return nil, err
		}
	}
	for i := range b.scaled(saves) {
		f := all[i%savedTrees]
		f.path = testbed.TreePath(i * 7)
		if err := timeSave(ctx, s, db, f); err != nil {
			return nil, err
		}
	}
	for _, hop := range append(hops(), "total") {
		lines = append(lines, figures.Plain("saved_file_"+hop+"_median", "ms", quantile(took[hop], 0.5)), figures.Plain("saved_file_"+hop+"_p99", "ms", quantile(took[hop], 0.99)))
	}
	return lines, nil
}

// connectSaved makes a folder that files are saved in, and connects it.
func connectSaved(ctx context.Context, s *service, tree string, took map[string][]float64) (saved, error) {
	if err := testbed.MakeTree(tree, savedTree); err != nil {
		return saved{}, err
	}
	source, _, err := timeConnect(ctx, s, tree, savedTree)
	return saved{source: source, tree: tree, took: took}, err
}

// A saved is one save and where its times go.
type saved struct {
	source, tree, path string
	took               map[string][]float64
}

func timeSave(ctx context.Context, s *service, db *pgxpool.Pool, f saved) error {
	select {
	case <-s.bench.clock.After(betweenTwo):
	case <-ctx.Done():
		return ctx.Err()
	}
	at, err := standingOf(ctx, s, db, f)
	if err != nil {
		return err
	}
	start := s.bench.clock.Now()
	if err := os.WriteFile(filepath.Join(f.tree, f.path), fmt.Appendf(nil, "saved at %s\n", start), 0o600); err != nil {
		return err
	}
	return timeHops(ctx, s, db, f, at, start)
}

// A standing is where the log and the row of a file are before it changes.
type standing struct {
	partition    int32
	offset, seen int64 // seen: the run of the row
}

func standingOf(ctx context.Context, s *service, db *pgxpool.Pool, f saved) (at standing, err error) {
	err = db.QueryRow(ctx, `SELECT f.partition, c.position, f.run FROM read.files f JOIN read.checkpoints c ON c.partition = f.partition AND c.topic = $3
		WHERE f.source_id = $1 AND f.path = $2`, f.source, f.path, s.Layout(0).Events()).Scan(&at.partition, &at.offset, &at.seen)
	return at, err
}

// timeHops waits for the row of f, whose change began at start, and keeps how long
// each hop took.
func timeHops(ctx context.Context, s *service, db *pgxpool.Pool, f saved, before standing, start time.Time) error {
	row, err := rowAfter(ctx, s, db, f, before.seen)
	if err != nil {
		return err
	}
	at, err := moments(ctx, s, f.source, before)
	if err != nil {
		return err
	}
	at["row"] = row
	last := start
	for _, hop := range hops() {
		f.took[hop] = append(f.took[hop], millis(at[hop].Sub(last)))
		last = at[hop]
	}
	f.took["total"] = append(f.took["total"], millis(row.Sub(start)))
	return nil
}

// rowAfter is when the row is of a later run than it was. It is told of every fold,
// as the service itself is.
func rowAfter(ctx context.Context, s *service, db *pgxpool.Pool, f saved, run int64) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	conn, err := db.Acquire(ctx)
	if err != nil {
		return time.Time{}, err
	}
	defer conn.Release()
	if _, err := conn.Exec(ctx, "LISTEN dataconnector_folded"); err != nil {
		return time.Time{}, err
	}
	for {
		var now int64
		if err := conn.QueryRow(ctx, `SELECT run FROM read.files WHERE source_id = $1 AND path = $2`, f.source, f.path).Scan(&now); err != nil {
			return time.Time{}, err
		}
		if now > run {
			return s.bench.clock.Now(), nil
		}
		if _, err := conn.Conn().WaitForNotification(ctx); err != nil {
			return time.Time{}, fmt.Errorf("the saved file does not come to its row: %w", err)
		}
	}
}

// moments are when the first event of each kind about a source was decided on, of
// those behind a standing.
func moments(ctx context.Context, s *service, source string, from standing) (map[string]time.Time, error) {
	at := map[string]time.Time{}
	note := func(hop string, t time.Time) {
		if _, ok := at[hop]; !ok {
			at[hop] = t
		}
	}
	reader := kafka.NewReader(kafka.Options{Brokers: s.Brokers, Layout: s.Layout(0), Log: s.bench.log})
	for rec, err := range reader.Read(ctx, from.partition, from.offset, kafka.Follow-1) {
		if err != nil {
			return nil, err
		}
		made, err := time.Parse(time.RFC3339Nano, rec.Headers["ce_time"])
		if err != nil {
			return nil, err
		}
		switch e := rec.Event.(type) {
		case domain.FileChanged:
			if e.SourceID.String() == source {
				note("read", made)
			}
		case domain.SourceChanged:
			if e.SourceID.String() != source {
				continue
			}
			note(strings.NewReplacer("hint_received", "hint", "sync_requested", "request", "sync_started", "claim").Replace(string(e.Change)), made)
		}
	}
	for _, hop := range hops()[:4] {
		if at[hop].IsZero() {
			return nil, fmt.Errorf("no event of hop %q", hop)
		}
	}
	return at, nil
}

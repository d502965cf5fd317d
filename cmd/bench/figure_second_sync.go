package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/confuse/data-connector/cmd/figures"
	"github.com/confuse/data-connector/cmd/testbed"
)

func secondSyncFigure() figure {
	return figure{
		name:      "second_sync",
		title:     "Second sync of the same 100,000 files, of which none has changed, from `POST /sources/{id}/sync` until the job is completed",
		reference: "walk the tree, stat each file, SELECT path, revision and size of the same rows in the order of their paths",
		measure:   secondSync,
	}
}

// secondSyncSlack is what ordering a job may take, whatever the source holds.
const secondSyncSlack = 0.3 // seconds

func secondSync(ctx context.Context, b *bench) (lines []figures.Line, err error) {
	n := b.scaled(smallFiles)
	dir, err := os.MkdirTemp(b.dir, "bench-tree-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }() // temporary files
	if err := testbed.MakeTree(dir, n); err != nil {
		return nil, err
	}
	s, err := b.startService(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close(ctx)) }()
	db, err := pgxpool.New(ctx, s.Database)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	source, _, err := timeConnect(ctx, s, dir, n)
	if err != nil {
		return nil, err
	}
	again := func(ctx context.Context) (float64, error) { return timeSync(ctx, s, source) }
	if _, err := again(ctx); err != nil { // files younger than a moment are looked at once more
		return nil, err
	}
	look := func(ctx context.Context) (float64, error) {
		start := b.clock.Now()
		err := compareTree(ctx, db, dir, source, n)
		return b.elapsed(start).Seconds(), err
	}
	value, ref, err := b.medians(ctx, again, look)
	if err != nil {
		return nil, err
	}
	return []figures.Line{figures.AtMost("second_sync", "s", value, ref, 1.5, secondSyncSlack)}, nil
}

func timeSync(ctx context.Context, s *service, source string) (float64, error) {
	start := s.bench.clock.Now()
	j, err := s.Sync(ctx, source)
	if err == nil {
		err = s.Wait(ctx, j)
	}
	return s.bench.elapsed(start).Seconds(), err
}

// compareTree is the reference: what has to be looked at to know that nothing has
// changed, without any promise that it is consistent.
func compareTree(ctx context.Context, db *pgxpool.Pool, root, source string, n int) error {
	sizes := make(map[string]int64, n)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			sizes[path[len(root)+1:]] = info.Size()
		}
		return err
	})
	if err != nil {
		return err
	}
	rows, err := db.Query(ctx, `SELECT path, revision, size FROM read.files WHERE source_id = $1 AND NOT removed
		ORDER BY substring(path_key FROM 1 FOR 1024)`, source)
	if err != nil {
		return err
	}
	defer rows.Close()
	same := 0
	for rows.Next() {
		var path, revision string
		var size int64
		if err := rows.Scan(&path, &revision, &size); err != nil {
			return err
		}
		if known, ok := sizes[path]; ok && known == size {
			same++
		}
	}
	if same != n && rows.Err() == nil {
		return fmt.Errorf("%d of %d files are the same", same, n)
	}
	return rows.Err()
}

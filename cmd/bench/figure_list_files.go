package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/confuse/data-connector/cmd/figures"
)

const (
	listedFiles = 1_000_000
	listedPage  = 1000
	listedTimes = 200 // requests in a round
)

func listFilesFigure() figure {
	return figure{
		name:      "list_files",
		title:     "`GET /sources/{id}/files?limit=1000` of a source of 1,000,000 files, its first page and one in the middle",
		reference: "the bare SQL of the same page through pgx, every column of every row read into values",
		note:      "The request also reads the source, whose last event holds the count, asks which files the pipeline has taken and writes JSON over HTTP.",
		measure:   listFiles,
	}
}

func listFiles(ctx context.Context, b *bench) (lines []figures.Line, err error) {
	folder, err := os.MkdirTemp(b.dir, "bench-empty-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(folder) }() // it is empty
	s, err := b.startService(ctx, folder)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close(ctx)) }()
	db, err := pgxpool.New(ctx, s.Database)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	source, _, err := timeConnect(ctx, s, folder, 0)
	if err != nil {
		return nil, err
	}
	n := b.scaled(listedFiles)
	if err := fill(ctx, db, source, n); err != nil {
		return nil, err
	}
	for _, at := range []struct {
		name string
		page int
	}{{"first", 0}, {"deep", n / listedPage / 2}} {
		l, err := listAt(ctx, s, db, source, at.page)
		if err != nil {
			return lines, err
		}
		l.Name = "list_files_" + at.name
		lines = append(lines, l)
	}
	return lines, nil
}

// fill gives the source n rows.
func fill(ctx context.Context, db *pgxpool.Pool, source string, n int) error {
	_, err := db.Exec(ctx, `
		INSERT INTO read.files (file_id, source_id, owner_id, run, seq, path, path_key, item_id, kind, revision, sha256, size, pack,
			pack_offset, pack_length, language, media_type, web_url, author_ref, provider_time, attributes, removed, change, job_id,
			partition, log_offset, event_id, changed_at)
		SELECT gen_random_uuid(), s.source_id, s.owner_id, 1, i, path, convert_to(path, 'UTF8'), '', 'file', md5(path),
			sha256(convert_to(path, 'UTF8')), 2000, 'packs/x/1-x/' || i / 1000, i * 700, 700, 'Go', 'text/x-go', '', '', now(), '{}',
			false, 'added', gen_random_uuid(), 0, i, gen_random_uuid(), now()
		FROM read.sources s, generate_series(1, $2) AS i,
			LATERAL (SELECT format('area-%s/part-%s/file-%s.go', lpad((i / 10000)::text, 3, '0'), lpad((i / 100)::text, 5, '0'), lpad(i::text, 7, '0')) AS path) AS p
		WHERE s.source_id = $1`, source, n)
	if err == nil {
		_, err = db.Exec(ctx, `VACUUM ANALYZE read.files`)
	}
	return err
}

// listAt compares one page.
func listAt(ctx context.Context, s *service, db *pgxpool.Pool, source string, page int) (figures.Line, error) {
	query, after := url.Values{"limit": {fmt.Sprint(listedPage)}}, ""
	for range page {
		var reply struct {
			Files []struct{ Path string }
			Next  string
		}
		if err := s.Call(ctx, http.MethodGet, "/sources/"+source+"/files?"+query.Encode(), nil, &reply); err != nil {
			return figures.Line{}, err
		}
		query.Set("cursor", reply.Next)
		after = reply.Files[len(reply.Files)-1].Path
	}
	ours := s.bench.p99(func(ctx context.Context) error {
		return s.Call(ctx, http.MethodGet, "/sources/"+source+"/files?"+query.Encode(), nil, nil)
	})
	bare := s.bench.p99(func(ctx context.Context) error { return readPage(ctx, db, source, after) })
	value, ref, err := s.bench.medians(ctx, ours, bare)
	return figures.AtMost("", "ms", value, ref, 3, 0), err
}

// p99 is the 99th percentile of do's time, in milliseconds.
func (b *bench) p99(do func(ctx context.Context) error) piece {
	return func(ctx context.Context) (float64, error) {
		took := make([]float64, listedTimes)
		for i := range took {
			start := b.clock.Now()
			if err := do(ctx); err != nil {
				return 0, err
			}
			took[i] = millis(b.elapsed(start))
		}
		return quantile(took, 0.99), nil
	}
}

// readPage is the reference.
func readPage(ctx context.Context, db *pgxpool.Pool, source, after string) error {
	rows, err := db.Query(ctx, `
		SELECT file_id, source_id, owner_id, run, seq, removed, item_id, path, path_raw, kind, revision, sha256, size, pack,
			pack_offset, pack_length, language, media_type, web_url, author_ref, provider_time, attributes, change, changed_at
		FROM read.files
		WHERE source_id = $1 AND NOT removed AND substring(path_key FROM 1 FOR 1024) > $2
		ORDER BY substring(path_key FROM 1 FOR 1024) LIMIT $3`, source, []byte(after), listedPage+1)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if _, err := rows.Values(); err != nil {
			return err
		}
	}
	return rows.Err()
}

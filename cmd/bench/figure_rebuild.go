package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/confuse/data-connector/adapters/kafka"
	"github.com/confuse/data-connector/adapters/postgres"
	"github.com/confuse/data-connector/cmd/figures"
	"github.com/confuse/data-connector/projections"
)

const (
	rebuiltEvents     = 1_000_000
	rebuiltPartitions = 4
	appendedAtOnce    = 10_000
)

func rebuildFigure() figure {
	return figure{
		name:      "rebuild",
		title:     "A rebuild of the read tables from a log of 1,000,000 events of new files in 4 partitions, until they serve",
		reference: "COPY BINARY of the same rows, made before, into a table with the same columns, and then the same indexes",
		note:      "The rebuild also reads and decodes the log, folds it, catches up and exchanges the schemas; the reference only writes.",
		measure:   rebuild,
	}
}

func rebuild(ctx context.Context, b *bench) (lines []figures.Line, err error) {
	c, err := b.servers.NewCorner(ctx, b.dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.Close(ctx)) }()
	o, err := c.Kafka(ctx, rebuiltPartitions, b.log)
	if err != nil {
		return nil, err
	}
	if err := postgres.Migrate(ctx, c.Database); err != nil {
		return nil, err
	}
	db, err := postgres.Open(ctx, c.Database)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	if _, err := projections.Ensure(ctx, db); err != nil {
		return nil, err
	}
	n := b.scaled(rebuiltEvents)
	if err := appendStories(ctx, b, o, n); err != nil {
		return nil, err
	}
	ours := func(ctx context.Context) (float64, error) {
		r := &projections.Rebuild{DB: db, Log: kafka.NewReader(o), Clock: b.clock, Logger: b.log}
		start := b.clock.Now()
		err := r.Run(ctx)
		return rate(n, b.elapsed(start)), err
	}
	if _, err := ours(ctx); err != nil { // the reference copies its rows
		return nil, err
	}
	value, ref, err := b.medians(ctx, ours, func(ctx context.Context) (float64, error) { return timeCopy(ctx, b, db, n) })
	return []figures.Line{figures.AtLeast("rebuild", "events/s", value, ref, 0.4)}, err
}

// appendStories puts n events of files on the log, spread over its partitions.
func appendStories(ctx context.Context, b *bench, o kafka.Options, n int) (err error) {
	log, err := kafka.NewLog(o)
	if err != nil {
		return err
	}
	defer log.Close()
	for p := range int32(rebuiltPartitions) {
		s, err := newStory(p, b.clock.Now())
		if err != nil {
			return err
		}
		if _, err := log.Append(ctx, s.begin...); err != nil {
			return err
		}
		for left := n / rebuiltPartitions; left > 0; left -= appendedAtOnce {
			if _, err := log.Append(ctx, s.files(min(left, appendedAtOnce))...); err != nil {
				return err
			}
		}
	}
	return nil
}

// timeCopy is the reference: the rows that the last rebuild left are read before
// the clock starts, as a binary copy, which is then written.
func timeCopy(ctx context.Context, b *bench, db *pgxpool.Pool, n int) (float64, error) {
	conn, err := db.Acquire(ctx)
	if err != nil {
		return 0, err
	}
	defer conn.Release()
	var rows copied
	if _, err := conn.Conn().PgConn().CopyTo(ctx, &rows, `COPY read.files TO STDOUT BINARY`); err != nil {
		return 0, err
	}
	indexes, err := indexesOf(ctx, conn.Conn())
	if err != nil {
		return 0, err
	}
	if _, err := conn.Exec(ctx, `DROP TABLE IF EXISTS public.files; CREATE TABLE public.files (LIKE read.files) WITH (fillfactor = 90)`); err != nil {
		return 0, err
	}
	start := b.clock.Now()
	if _, err := conn.Conn().PgConn().CopyFrom(ctx, &rows, `COPY public.files FROM STDIN BINARY`); err != nil {
		return 0, err
	}
	for _, index := range indexes {
		if _, err := conn.Exec(ctx, index); err != nil {
			return 0, err
		}
	}
	return rate(n, b.elapsed(start)), nil
}

// indexesOf are the statements that make the indexes of files on the copy.
func indexesOf(ctx context.Context, conn *pgx.Conn) ([]string, error) {
	rows, err := conn.Query(ctx, `SELECT replace(indexdef, ' ON read.', ' ON public.') FROM pg_indexes WHERE schemaname = 'read' AND tablename = 'files'`)
	if err != nil {
		return nil, err
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err == nil && len(all) < 3 {
		err = fmt.Errorf("got %d indexes of files", len(all))
	}
	return all, err
}

// copied is a binary copy in memory.
type copied struct{ bytes.Buffer }

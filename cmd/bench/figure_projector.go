package main

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/confuse/data-connector/adapters/postgres"
	"github.com/confuse/data-connector/cmd/figures"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/wire"
	"github.com/confuse/data-connector/projections"
)

const (
	foldedEvents = 50_000
	foldBatch    = 5000 // as the feed hands out
)

func projectorFigure() figure {
	return figure{
		name:      "projector",
		title:     "The projector: 50,000 events of new files folded and committed as rows, with their checkpoint, 5,000 at a time",
		reference: "an upsert of the same rows from arrays (unnest), made before, in one transaction for each 5,000, into a table with the same columns and indexes",
		note:      "`projector_decode` is how fast records of the log become events, on one core: JSON, its checks, and the CloudEvents headers.",
		measure:   projector,
	}
}

func projector(ctx context.Context, b *bench) (lines []figures.Line, err error) {
	c, err := b.servers.NewCorner(ctx, b.dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.Close(ctx)) }()
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
	topic := c.Layout(1).Events()
	runner := projections.NewRunner(db, projections.NewWaiters(db, topic, b.clock, b.log), b.log)
	if _, err := db.Exec(ctx, `CREATE TABLE raw_files (LIKE files INCLUDING ALL) WITH (fillfactor = 90)`); err != nil {
		return nil, err
	}
	var decoding []float64
	round := int32(0) // each has a source and a partition of its own
	ours := func(ctx context.Context) (float64, error) {
		round++
		folding, decoded, err := timeFold(ctx, b, runner, domain.FeedPartition{Topic: topic, TopicID: "bench", Number: round - 1})
		decoding = append(decoding, decoded)
		return folding, err
	}
	value, ref, err := b.medians(ctx, ours, func(ctx context.Context) (float64, error) { return timeUpsert(ctx, b, db) })
	return []figures.Line{figures.AtLeast("projector", "events/s", value, ref, 0.7), figures.Plain("projector_decode", "events/s", quantile(decoding, 0.5))}, err
}

// timeFold gives the rates of folding and of decoding.
func timeFold(ctx context.Context, b *bench, runner *projections.Runner, p domain.FeedPartition) (folding, decoding float64, err error) {
	s, err := newStory(p.Number, b.clock.Now())
	if err != nil {
		return 0, 0, err
	}
	n := b.scaled(foldedEvents)
	records, err := recordsOf(p.Topic, 0, append(s.begin, s.files(n)...))
	if err != nil {
		return 0, 0, err
	}
	p.End = int64(len(records))
	if _, err := runner.Assigned(ctx, p); err != nil {
		return 0, 0, err
	}
	start := b.clock.Now()
	for i := range records {
		records[i].Event, records[i].Err = wire.Decode(records[i].Headers, records[i].Raw)
	}
	decoding = rate(n, b.elapsed(start))
	start = b.clock.Now()
	for from := 0; from < len(records); from += foldBatch {
		if err := runner.Batch(ctx, p, records[from:min(len(records), from+foldBatch)]); err != nil {
			return 0, 0, err
		}
	}
	return rate(n, b.elapsed(start)), decoding, nil
}

// timeUpsert is the reference.
func timeUpsert(ctx context.Context, b *bench, db *pgxpool.Pool) (float64, error) {
	s, err := newStory(0, b.clock.Now())
	if err != nil {
		return 0, err
	}
	n := b.scaled(foldedEvents)
	var batches [][]any
	for from := 0; from < n; from += foldBatch {
		batches = append(batches, rawColumns(s.files(min(foldBatch, n-from))))
	}
	start := b.clock.Now()
	for _, columns := range batches {
		if _, err := db.Exec(ctx, rawUpsert, columns...); err != nil {
			return 0, err
		}
	}
	return rate(n, b.elapsed(start)), nil
}

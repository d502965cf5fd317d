package main

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/confuse/data-connector/adapters/kafka"
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
		title:     "The projector: 50,000 events of new files read from the log, decoded, folded and committed as rows, with their checkpoint, 5,000 at a time",
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
	o, err := c.Kafka(ctx, int32(b.rounds), b.log) //nolint:gosec // a flag
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
	runner := projections.NewRunner(db, projections.NewWaiters(db, o.Layout.Events(), b.clock, b.log), b.log)
	if _, err := db.Exec(ctx, `CREATE TABLE raw_files (LIKE files INCLUDING ALL) WITH (fillfactor = 90)`); err != nil {
		return nil, err
	}
	round := int32(0) // each has a source and a partition of its own
	ours := func(ctx context.Context) (float64, error) {
		round++
		return timeFold(ctx, b, runner, o, round-1)
	}
	value, ref, err := b.medians(ctx, ours, func(ctx context.Context) (float64, error) { return timeUpsert(ctx, b, db) })
	if err != nil {
		return nil, err
	}
	decoding, err := timeDecode(b)
	return []figures.Line{figures.AtLeast("projector", "events/s", value, ref, 0.7), figures.Plain("projector_decode", "events/s", decoding)}, err
}

// timeFold appends the events of a source to its partition, and then reads and
// folds them.
func timeFold(ctx context.Context, b *bench, runner *projections.Runner, o kafka.Options, number int32) (float64, error) {
	n := b.scaled(foldedEvents)
	p, err := appendStory(ctx, b, o, number, n)
	if err != nil {
		return 0, err
	}
	start := b.clock.Now()
	if _, err := runner.Assigned(ctx, p); err != nil {
		return 0, err
	}
	for records, err := range kafka.NewReader(o).Batches(ctx, p, 0, p.End) {
		if err == nil {
			err = runner.Batch(ctx, p, records)
		}
		if err != nil {
			return 0, err
		}
	}
	return rate(n, b.elapsed(start)), nil
}

// appendStory puts n events of files of a new source on the log, and gives the
// partition as it is then.
func appendStory(ctx context.Context, b *bench, o kafka.Options, number int32, n int) (domain.FeedPartition, error) {
	none := domain.FeedPartition{}
	log, err := kafka.NewLog(o)
	if err != nil {
		return none, err
	}
	defer log.Close()
	s, err := newStory(number, b.clock.Now())
	if err != nil {
		return none, err
	}
	if _, err := log.Append(ctx, s.begin...); err != nil {
		return none, err
	}
	for left := n; left > 0; left -= appendedAtOnce {
		if _, err := log.Append(ctx, s.files(min(left, appendedAtOnce))...); err != nil {
			return none, err
		}
	}
	all, err := kafka.NewReader(o).Parts(ctx)
	if err != nil {
		return none, err
	}
	for _, p := range all {
		if p.Topic == o.Layout.Events() && p.Number == number {
			return p, nil
		}
	}
	return none, errors.New("the partition is not there")
}

// timeDecode is the rate of decoding alone.
func timeDecode(b *bench) (float64, error) {
	s, err := newStory(0, b.clock.Now())
	if err != nil {
		return 0, err
	}
	n := b.scaled(foldedEvents)
	records, err := recordsOf("bench.events.v1", 0, s.files(n))
	if err != nil {
		return 0, err
	}
	start := b.clock.Now()
	for i := range records {
		if records[i].Event, records[i].Err = wire.Decode(records[i].Headers, records[i].Raw); records[i].Err != nil {
			return 0, records[i].Err
		}
	}
	return rate(n, b.elapsed(start)), nil
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

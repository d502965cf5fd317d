package projections

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/confuse/data-connector/domain"
)

// apply folds records, which follow p.position in their partition, and commits
// what they mean together with the place to go on from (I4). After an error
// nothing has changed, p included.
//
// domain.ErrFenced: p is no longer where the checkpoint is.
func (r *Runner) apply(ctx context.Context, p *partition, records []domain.Record) (err error) {
	end := r.trace(ctx, p.place, records)
	defer func() { end(err) }()
	b := fold(p.known, records)
	err = pgx.BeginFunc(ctx, r.db, func(tx pgx.Tx) error {
		// First of all: behind the rows it would fence too late, and a swap of the
		// schemas would tear the batch in two.
		if err := advance(ctx, tx, p, b); err != nil {
			return err
		}
		if err := write(ctx, tx, p, b); err != nil || r.Point == nil {
			return err
		}
		return r.Point(ctx, PointInBatch)
	})
	if err != nil {
		return fmt.Errorf("project %s from offset %d: %w", p.place, p.position, err)
	}
	p.take(b) // memory follows the commit, never leads it
	r.committed(ctx, p, b)
	return nil
}

// write writes all tables. Rows are written in the order of their keys, so that
// two writers never wait for each other.
func write(ctx context.Context, tx pgx.Tx, p *partition, b *batch) error {
	tables := []func(context.Context, pgx.Tx, *partition, *batch) error{
		writeSources, writeJobs, writeRuns, writeFiles, writeHints, writePoison, notify,
	}
	if p.pipeline() {
		tables = []func(context.Context, pgx.Tx, *partition, *batch) error{writeStages, writePoison}
	}
	for _, table := range tables {
		if err := table(ctx, tx, p, b); err != nil {
			return err
		}
	}
	return nil
}

// committed tells the process what b did.
func (r *Runner) committed(ctx context.Context, p *partition, b *batch) {
	r.count(p.place, len(b.records))
	for _, rec := range b.poison {
		if rec.rec.Err != nil {
			r.log.WarnContext(ctx, "record set aside", "topic", p.topic, "partition", p.number,
				"offset", rec.rec.Position.Offset, "parks_source", rec.parks, "err", rec.rec.Err)
		}
	}
	if r.moved != nil {
		r.moved(p.place, p.position)
		return
	}
	if p.pipeline() {
		return
	}
	r.waiters.folded(p.number, p.position)
	if b.news {
		r.waiters.news()
	}
}

// applyOrBisect applies records. Data that Postgres refuses is searched for by
// halving, so that only the record to blame is set aside; trouble with the
// database is returned and never blamed on a record.
func (r *Runner) applyOrBisect(ctx context.Context, p *partition, records []domain.Record) error {
	err := r.apply(ctx, p, records)
	if errors.Is(err, domain.ErrFenced) {
		r.forget(p.place)
		return err
	}
	if !isData(err) {
		return err
	}
	if len(records) == 1 {
		return r.applyBad(ctx, p, records[0], err)
	}
	half := len(records) / 2
	if err := r.applyOrBisect(ctx, p, records[:half]); err != nil {
		return err
	}
	return r.applyOrBisect(ctx, p, records[half:])
}

// applyBad sets one record aside that Postgres refused with err.
func (r *Runner) applyBad(ctx context.Context, p *partition, rec domain.Record, err error) error {
	if rec.Err != nil {
		return err // poison itself does not take it: nobody may pass over it
	}
	rec.Err = refusal(err)
	return r.apply(ctx, p, []domain.Record{rec})
}

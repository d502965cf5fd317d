package projections

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/confuse/data-connector/domain"
)

// Poison mends what could not be folded. Any process may use it, whoever folds
// the log; it may be used concurrently.
//
// Every method is one transaction for each partition that it touches. Its first
// statement locks the checkpoint and moves its generation, so while it runs
// nobody folds there, and a runner that remembers the partition as it was is
// fenced and loads it again: there is no second writer. It then folds records
// from poison with the fold and the writers of the runner and takes them out of
// poison, all in that transaction (I4): the rows stay the prefix of the partition
// that the checkpoint names, less what poison lists. After an error nothing has
// changed in that partition. Meanwhile its other sources wait.
//
// A parked source is folded on where it stopped, in the order of the log, because
// all its records since then are in poison. A record that was set aside alone is
// judged by the run that was the current one where it stands (I3), and its row by
// (run, seq). So the rows become those that a fold of the whole log would give.
//
// ErrNotPoison: nothing of that name is there, or not for the caller.
type Poison struct {
	db *pgxpool.Pool
}

// NewPoison makes it over the pool db.
func NewPoison(db *pgxpool.Pool) *Poison { return &Poison{db: db} }

// Retried says what came of records that were tried again.
type Retried struct {
	Folded int64 // no longer set aside
	Left   int64 // still set aside: bad as before, or behind one that is
}

// Retry folds one record again; when its source is parked by it or by one before
// it, all that is set aside of the source from there on.
func (p *Poison) Retry(ctx context.Context, c Caller, key PoisonKey) (Retried, error) {
	done, err := p.mend(ctx, key.place(), func(ctx context.Context, m *mending) error {
		rec, from, err := m.find(ctx, c, key)
		if err != nil {
			return err
		}
		if key.Offset >= from {
			return m.unpark(ctx, rec.source, from)
		}
		return m.foldLate(ctx, rec.source, []domain.Record{rec.Record})
	})
	if err != nil {
		return Retried{}, fmt.Errorf("retry %s: %w", key, err)
	}
	return done, nil
}

// RetrySource folds all again that is set aside of a source. The topics are
// mended one after the other: an error may leave the first one mended.
func (p *Poison) RetrySource(ctx context.Context, c Caller, source domain.SourceID) (Retried, error) {
	var all Retried
	places, err := p.places(ctx, c, source)
	if err != nil {
		return all, fmt.Errorf("retry source %s: %w", source, err)
	}
	for _, at := range places {
		done, err := p.mend(ctx, at, func(ctx context.Context, m *mending) error {
			from, err := m.parkedFrom(ctx, source)
			if err != nil {
				return err
			}
			if err := m.late(ctx, source, from); err != nil {
				return err
			}
			return m.unpark(ctx, source, from)
		})
		if err != nil {
			return all, fmt.Errorf("retry source %s: %w", source, err)
		}
		all.Folded, all.Left = all.Folded+done.Folded, all.Left+done.Left
	}
	return all, nil
}

// Skip leaves one record out for good, also when the tables are filled from the
// log anew. When it parked its source, all that waits behind it is folded as
// Retry does. domain.ErrConflict: it waits behind another one, named in the
// error, which has to be retried or skipped first.
func (p *Poison) Skip(ctx context.Context, c Caller, key PoisonKey) (Retried, error) {
	done, err := p.mend(ctx, key.place(), func(ctx context.Context, m *mending) error {
		rec, from, err := m.find(ctx, c, key)
		if err != nil {
			return err
		}
		if key.Offset > from {
			return fmt.Errorf("%w: its source is parked by the record at offset %d", domain.ErrConflict, from)
		}
		if err := writeSkipped(ctx, m.tx, rec.Record, c.Name); err != nil {
			return err
		}
		if err := drop(ctx, m.tx, m.p.place, key.Offset); err != nil || key.Offset < from {
			return err
		}
		return m.unpark(ctx, rec.source, from)
	})
	if err != nil {
		return Retried{}, fmt.Errorf("skip %s: %w", key, err)
	}
	return done, nil
}

// mend runs one transaction over the poison of a partition; once more when the
// tables were exchanged under it.
func (p *Poison) mend(ctx context.Context, at place, do func(context.Context, *mending) error) (Retried, error) {
	done, err := p.mendOnce(ctx, at, do)
	if errors.Is(err, domain.ErrFenced) {
		return p.mendOnce(ctx, at, do)
	}
	return done, err
}

func (p *Poison) mendOnce(ctx context.Context, at place, do func(context.Context, *mending) error) (Retried, error) {
	m := &mending{p: &partition{place: at, known: newKnown(at.pipeline())}}
	err := pgx.BeginFunc(ctx, p.db, func(tx pgx.Tx) error {
		m.tx = tx
		if err := hold(ctx, tx, at); err != nil {
			return err
		}
		if err := loadKnown(ctx, tx, m.p); err != nil {
			return err
		}
		return do(ctx, m)
	})
	return m.done, err
}

// places are the partitions in which something of a source is set aside.
func (p *Poison) places(ctx context.Context, c Caller, source domain.SourceID) ([]place, error) {
	w := c.where()
	w.and(`p.source_id = %s`, [16]byte(source.UUID))
	all, err := query(ctx, p.db, func(row pgx.CollectableRow) (at place, err error) {
		err = row.Scan(&at.topic, &at.number)
		return at, err
	}, `SELECT DISTINCT p.topic, p.partition FROM `+w.from+` ORDER BY p.topic, p.partition`, w.args...)
	if err == nil && len(all) == 0 {
		err = ErrNotPoison
	}
	return all, err
}

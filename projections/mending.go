package projections

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/jackc/pgx/v5"

	"github.com/confuse/data-connector/domain"
)

// mendingPage is how many records are folded at once: a whole sync may wait
// behind a bad one.
const mendingPage = 2000

// unparked is where a source is parked that is not.
const unparked = math.MaxInt64

// A mending is the transaction that folds records of one partition from poison.
// p is what the rows of that partition say, always.
type mending struct {
	tx   pgx.Tx
	p    *partition
	done Retried
}

// find is the record of a key, if c may see it, with the offset from which on
// its source is parked.
func (m *mending) find(ctx context.Context, c Caller, key PoisonKey) (rec poisonRecord, from int64, err error) {
	w := c.where()
	w.and(`p.topic = %s AND p.partition = %s AND p.log_offset = %s`, key.Topic, key.Partition, key.Offset)
	rows, err := m.tx.Query(ctx, `SELECT `+poisonRecordRow+` FROM `+w.from, w.args...)
	if err != nil {
		return rec, 0, err
	}
	rec, err = pgx.CollectOneRow(rows, m.p.scanPoisonRecord)
	if errors.Is(err, pgx.ErrNoRows) {
		return rec, 0, ErrNotPoison
	}
	if err != nil {
		return rec, 0, err
	}
	from, err = m.parkedFrom(ctx, rec.source)
	return rec, from, err
}

// parkedFrom is the offset of the record that parks a source, or unparked.
func (m *mending) parkedFrom(ctx context.Context, source domain.SourceID) (from int64, err error) {
	err = m.tx.QueryRow(ctx, `SELECT coalesce(min(log_offset), $4) FROM poison WHERE topic = $1 AND partition = $2 AND source_id = $3 AND parks`,
		m.p.topic, m.p.number, [16]byte(source.UUID), int64(unparked)).Scan(&from)
	return from, err
}

// late folds the records of a source that were set aside one by one: those below
// the offset from which on it is parked.
func (m *mending) late(ctx context.Context, source domain.SourceID, from int64) error {
	return m.pages(ctx, span{source, 0, from}, func(records []domain.Record) (more bool, err error) {
		return true, m.foldLate(ctx, source, records)
	})
}

// unpark folds a source on from where it is parked, until another record parks it
// or nothing waits any more.
func (m *mending) unpark(ctx context.Context, source domain.SourceID, from int64) error {
	delete(m.p.known.parked, source)
	err := m.pages(ctx, span{source, from, unparked}, func(records []domain.Record) (more bool, err error) {
		err = m.fold(ctx, fold, records)
		return !m.p.known.parked[source], err
	})
	if err != nil || !m.p.known.parked[source] {
		return err
	}
	return m.tx.QueryRow(ctx, `SELECT $1 + count(*) FROM poison WHERE topic = $2 AND partition = $3 AND source_id = $4 AND log_offset >= $5`,
		m.done.Left, m.p.topic, m.p.number, [16]byte(source.UUID), from).Scan(&m.done.Left)
}

// A span is the records of a source from one offset on, below another one.
type span struct {
	source   domain.SourceID
	from, to int64
}

// pages hands out the records of s that are in poison, in the order of the log,
// until there are no more or take wants none.
func (m *mending) pages(ctx context.Context, s span, take func([]domain.Record) (more bool, err error)) error {
	for more := true; more; {
		rows, err := m.tx.Query(ctx, `SELECT `+poisonRecordRow+` FROM poison p
			WHERE p.topic = $1 AND p.partition = $2 AND p.source_id = $3 AND p.log_offset >= $4 AND p.log_offset < $5
			ORDER BY p.log_offset LIMIT $6`, m.p.topic, m.p.number, [16]byte(s.source.UUID), s.from, s.to, mendingPage)
		if err != nil {
			return err
		}
		page, err := pgx.CollectRows(rows, m.p.scanPoisonRecord)
		if err != nil || len(page) == 0 {
			return err
		}
		records := make([]domain.Record, len(page))
		for i, r := range page {
			records[i] = r.Record
		}
		if more, err = take(records); err != nil {
			return err
		}
		s.from = records[len(records)-1].Position.Offset + 1
	}
	return nil
}

// A view says what records mean after what is known: fold, or one like it.
type view func(known, []domain.Record) *batch

// fold writes what records mean and takes those out of poison that are no longer
// bad. Data that Postgres refuses is searched for by halving, as the runner does.
func (m *mending) fold(ctx context.Context, v view, records []domain.Record) error {
	b := v(m.p.known, records)
	good := b.settled()
	err := pgx.BeginFunc(ctx, m.tx, func(tx pgx.Tx) error {
		if err := write(ctx, tx, m.p, b); err != nil {
			return err
		}
		return drop(ctx, tx, m.p.place, good...)
	})
	switch {
	case err == nil:
		m.p.take(b)
		m.done.Folded += int64(len(good))
		return nil
	case !isData(err):
		return err
	case len(records) > 1:
		half := len(records) / 2
		if err := m.fold(ctx, v, records[:half]); err != nil {
			return err
		}
		return m.fold(ctx, v, records[half:])
	case records[0].Err != nil:
		return err // poison itself does not take it
	}
	records[0].Err = refusal(err)
	return m.fold(ctx, v, records)
}

// settled are the offsets of the records that are not set aside.
func (b *batch) settled() []int64 {
	aside := make(map[int64]bool, len(b.poison))
	for _, bad := range b.poison {
		aside[bad.rec.Position.Offset] = true
	}
	offsets := make([]int64, 0, len(b.records))
	for i := range b.records {
		if at := b.records[i].Position.Offset; !aside[at] {
			offsets = append(offsets, at)
		}
	}
	return offsets
}

// drop takes records out of poison.
func drop(ctx context.Context, tx pgx.Tx, at place, offsets ...int64) error {
	_, err := tx.Exec(ctx, `DELETE FROM poison WHERE topic = $1 AND partition = $2 AND log_offset = ANY($3::bigint[])`, at.topic, at.number, offsets)
	if err != nil {
		return fmt.Errorf("poison: %w", err)
	}
	return nil
}

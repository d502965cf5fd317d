package projections

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"sync"

	"github.com/jackc/pgx/v5"

	"github.com/confuse/data-connector/domain"
)

// sortMemory is what Postgres may use to sort for an index.
const sortMemory = "128MB"

// fill loads all partitions and makes the indexes, unless that is done.
func (a *attempt) fill(ctx context.Context) error {
	if a.phase != phaseLoading {
		return nil
	}
	err := a.loadAll(ctx)
	if err == nil {
		err = a.finishLoading(ctx, removeRows)
	}
	if isData(err) { // Postgres refuses a record: the projector's way finds out which
		a.Logger.WarnContext(ctx, "rows cannot be copied; the rebuild folds as the projector does", "err", err)
		a.restart()
		err = a.finishLoading(ctx, emptyTables)
	}
	if err != nil {
		return err
	}
	a.enter(phaseCatchingUp)
	return a.point(ctx, PointIndexed)
}

// loadAll loads the partitions that are not loaded yet, the longest first.
func (a *attempt) loadAll(ctx context.Context) error {
	all, err := a.partitions(ctx)
	if err != nil {
		return err
	}
	slices.SortFunc(all, func(x, y domain.FeedPartition) int { return cmp.Compare(y.End, x.End) })
	loaded := a.positions()
	all = slices.DeleteFunc(all, func(p domain.FeedPartition) bool {
		_, done := loaded[placeOf(p)]
		return done
	})
	return each(ctx, all, loaders, func(ctx context.Context, p domain.FeedPartition) error {
		if err := a.loadPart(ctx, placeOf(p), p); err != nil {
			return fmt.Errorf("load %s: %w", placeOf(p), err)
		}
		return nil
	})
}

func placeOf(p domain.FeedPartition) place { return place{topic: p.Topic, number: p.Number} }

// each calls do for all items, a few at a time; the first error ends the others.
func each[T any](ctx context.Context, items []T, limit int, do func(context.Context, T) error) error {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	slots, all := make(chan struct{}, limit), sync.WaitGroup{}
	for _, item := range items {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			if ctx.Err() == nil {
				if err := do(ctx, item); err != nil {
					fail(err)
				}
			}
		})
	}
	all.Wait()
	return context.Cause(ctx)
}

// partitions are those of the log, and how far they are to be read.
func (a *attempt) partitions(ctx context.Context) ([]domain.FeedPartition, error) {
	all, err := a.Log.Parts(ctx)
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := range all {
		at := placeOf(all[i])
		if a.ceiling != nil {
			all[i].End = min(all[i].End, a.ceiling[at])
		}
		a.goal[at] = max(a.goal[at], all[i].End)
	}
	return all, nil
}

// loadPart folds a partition in memory and copies its rows, those of files as soon
// as they are many. What does not fit into the memory even so is left to the
// projector's way, from where it stopped.
func (a *attempt) loadPart(ctx context.Context, at place, p domain.FeedPartition) error {
	part := &partition{place: at, known: newKnown(at.pipeline()), aside: true}
	err := pgx.BeginFunc(ctx, a.next, func(tx pgx.Tx) error { return loadSkipped(ctx, tx, part) })
	if err != nil {
		return err
	}
	l := &loading{attempt: a, part: part, of: p, rows: newShelves(at, a.sheets)}
	defer l.close(ctx)
	lastID, err := l.fold(ctx)
	if err == nil {
		err = a.point(ctx, PointBeforeCopy)
	}
	if err == nil {
		err = l.finish(ctx, lastID)
	}
	if errors.Is(err, errLoaded) {
		err = nil
	}
	if err != nil {
		return err
	}
	return a.point(ctx, PointAfterCopy)
}

// sendShare is the part of the memory that the rows of files may take before they
// are sent. While they are on their way as many come in.
const sendShare = 16

// fold folds until the partition or the memory is at its end, and gives the id of
// the last record.
func (l *loading) fold(ctx context.Context) (lastID string, err error) {
	most := cmp.Or(l.Memory, defaultMemory)
	for records, err := range l.upTo(ctx, l.of, 0, l.of.End) {
		if err == nil {
			records, err = l.part.next(records)
		}
		if err != nil {
			return "", err
		}
		b := fold(l.part.known, records)
		if err := l.rows.take(b); err != nil {
			return "", err
		}
		l.part.take(b)
		lastID = idOf(&records[len(records)-1])
		l.advanced(l.part.place, l.part.position)
		if l.rows.files.filled() > most/sendShare {
			if err := l.files(ctx); err != nil {
				return "", err
			}
		}
		if l.hold(l.rows.size()) > most {
			l.Logger.InfoContext(ctx, "rows of a partition are too many for the memory; the rest is written as the projector does",
				"topic", l.part.topic, "partition", l.part.number, "offset", l.part.position)
			break
		}
	}
	return lastID, nil
}

// upTo reads a partition up to an offset. There is nothing to ask for when it is
// empty.
func (a *attempt) upTo(ctx context.Context, p domain.FeedPartition, from, to int64) iter.Seq2[[]domain.Record, error] {
	if from >= to {
		return func(func([]domain.Record, error) bool) {}
	}
	return a.Log.Batches(ctx, p, from, to)
}

func copyTuples(ctx context.Context, tx pgx.Tx, s sheet, rows io.Reader) error {
	_, err := tx.Conn().PgConn().CopyFrom(ctx, rows, `COPY `+s.table+` (`+s.names+`) FROM STDIN BINARY`)
	if err != nil {
		return fmt.Errorf("copy %s: %w", s.table, err)
	}
	return nil
}

// What comes before the indexes: the rows go that another row of the same file
// has replaced after they were copied, and those of removed sources that were
// copied or, of stages, came from a topic that was loaded without looking at the
// other one. Where the tables aside are empty instead, so is what was told of them.
const (
	removeRows = `
		DELETE FROM files f USING rebuild_stale s WHERE f.file_id = s.file_id AND f.partition = s.partition AND f.log_offset = s.log_offset;
		DELETE FROM files f USING sources s WHERE s.source_id = f.source_id AND s.removed;
		DELETE FROM file_stages f USING sources s WHERE s.source_id = f.source_id AND s.removed;
		TRUNCATE rebuild_stale`
	emptyTables = `TRUNCATE checkpoints, sources, files, sync_jobs, runs, webhook_events, file_stages, poison, rebuild_stale`
)

// finishLoading makes the indexes, in one transaction with the end of the phase.
func (a *attempt) finishLoading(ctx context.Context, first string) error {
	_, indexes := parts()
	err := pgx.BeginFunc(ctx, a.next, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE rebuild SET phase = $1 WHERE phase = $2`, phaseCatchingUp, phaseLoading)
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		for _, stmt := range []string{`SET LOCAL maintenance_work_mem = '` + sortMemory + `'`, `ANALYZE rebuild_stale, sources`, first, indexes, `ANALYZE`} {
			if stmt == `ANALYZE` {
				stmt += ` checkpoints, sources, files, sync_jobs, runs, webhook_events, file_stages, poison`
			}
			if _, err := tx.Exec(ctx, stmt); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("indexes: %w", err)
	}
	return nil
}

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
		err = a.finishLoading(ctx, removeStages)
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

// loadPart folds a partition in memory and copies its rows. What does not fit
// into the memory is left to the projector's way, from where it stopped.
func (a *attempt) loadPart(ctx context.Context, at place, p domain.FeedPartition) error {
	part := &partition{place: at, known: newKnown(at.pipeline()), aside: true}
	err := pgx.BeginFunc(ctx, a.next, func(tx pgx.Tx) error { return loadSkipped(ctx, tx, part) })
	if err != nil {
		return err
	}
	rows, lastID := newShelves(at, a.sheets), ""
	budget := cmp.Or(a.Memory, defaultMemory) / loaders
	for records, err := range a.upTo(ctx, p, 0, p.End) {
		if err == nil {
			records, err = part.next(records)
		}
		if err != nil {
			return err
		}
		b := fold(part.known, records)
		if err := rows.take(b); err != nil {
			return err
		}
		part.take(b)
		lastID = idOf(&records[len(records)-1])
		a.advanced(at, part.position)
		if rows.bytes > budget {
			a.Logger.InfoContext(ctx, "rows of a partition are too many for the memory; the rest is written as the projector does",
				"topic", at.topic, "partition", at.number, "offset", part.position)
			break
		}
	}
	if err := a.point(ctx, PointBeforeCopy); err != nil {
		return err
	}
	if err := a.copyPart(ctx, part, p.TopicID, lastID, rows); err != nil {
		return err
	}
	return a.point(ctx, PointAfterCopy)
}

// upTo reads a partition up to an offset. There is nothing to ask for when it is
// empty.
func (a *attempt) upTo(ctx context.Context, p domain.FeedPartition, from, to int64) iter.Seq2[[]domain.Record, error] {
	if from >= to {
		return func(func([]domain.Record, error) bool) {}
	}
	return a.Log.Batches(ctx, p, from, to)
}

// errLoaded: another process has loaded the partition.
var errLoaded = errors.New("loaded already")

// copyPart commits the rows of a partition with its checkpoint (I4). The
// checkpoint comes first: of two who do it one waits, and then finds it there.
func (a *attempt) copyPart(ctx context.Context, p *partition, topicID, lastID string, rows *shelves) error {
	sources, err := rows.sources(p.known)
	if err != nil {
		return err
	}
	err = pgx.BeginFunc(ctx, a.next, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `
			INSERT INTO checkpoints (topic, partition, position, topic_id, last_id, updated_at) VALUES ($1, $2, $3, $4, $5, now())
			ON CONFLICT (topic, partition) DO NOTHING`, p.topic, p.number, p.position, topicID, lastID)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return errLoaded
		}
		for table, tuples := range map[string]func() (tuple, bool){
			"sources": sources, "sync_jobs": rows.jobs.tuples(), "runs": rows.runs.tuples(), "files": rows.files.tuples(),
			"webhook_events": rows.hints.tuples(), "file_stages": rows.stages.tuples(), "poison": rows.poison.tuples(),
		} {
			if err := copyTuples(ctx, tx, a.sheets[table], readTuples(tuples)); err != nil {
				return err
			}
		}
		return a.point(ctx, PointInCopy)
	})
	if errors.Is(err, errLoaded) {
		return nil
	}
	return err
}

func copyTuples(ctx context.Context, tx pgx.Tx, s sheet, rows io.Reader) error {
	_, err := tx.Conn().PgConn().CopyFrom(ctx, rows, `COPY `+s.table+` (`+s.names+`) FROM STDIN BINARY`)
	if err != nil {
		return fmt.Errorf("copy %s: %w", s.table, err)
	}
	return nil
}

// What comes before the indexes. Stages of removed sources are not kept, see
// upsertStages: each topic was loaded without looking at the other.
const (
	removeStages = `DELETE FROM file_stages f USING sources s WHERE s.source_id = f.source_id AND s.removed`
	emptyTables  = `TRUNCATE checkpoints, sources, files, sync_jobs, runs, webhook_events, file_stages, poison`
)

// finishLoading makes the indexes, in one transaction with the end of the phase.
func (a *attempt) finishLoading(ctx context.Context, first string) error {
	_, indexes := parts()
	err := pgx.BeginFunc(ctx, a.next, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE rebuild SET phase = $1 WHERE phase = $2`, phaseCatchingUp, phaseLoading)
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		for _, stmt := range []string{`SET LOCAL maintenance_work_mem = '` + sortMemory + `'`, first, indexes, `ANALYZE`} {
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

package projections

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/confuse/data-connector/domain"
)

// runsBetween has no row of what ended before the first or began behind the last
// offset.
const runsBetween = `
	SELECT r.source_id, '', r.run, r.run_id, r.job_id, r.started_offset, coalesce(r.ended_offset, -1)
	FROM runs r
	WHERE r.partition = $1 AND coalesce(r.ended_offset, 9223372036854775807) >= $2 AND r.started_offset < $3
	ORDER BY r.source_id, r.run`

// RunsBetween are the runs, of whatever owner, that were the current ones
// somewhere in a partition of the events topic from the offset from up to but not
// including to, and the sources of that partition of which nothing is left.
//
// domain.ErrUnavailable: the rows do not hold everything below to yet.
func (r *Reader) RunsBetween(ctx context.Context, partition int32, from, to int64) ([]RunRow, []domain.SourceID, error) {
	type answer struct {
		runs    []RunRow
		removed []domain.SourceID
	}
	got, err := again(ctx, func() (a answer, err error) {
		err = pgx.BeginTxFunc(ctx, r.db, pgx.TxOptions{AccessMode: pgx.ReadOnly, IsoLevel: pgx.RepeatableRead}, func(tx pgx.Tx) error {
			if err := reached(ctx, tx, partition, to); err != nil { // locks, as in runsAt
				return err
			}
			rows, err := tx.Query(ctx, runsBetween, partition, from, to)
			if err != nil {
				return err
			}
			if a.runs, err = pgx.CollectRows(rows, scanRun); err != nil {
				return err
			}
			rows, err = tx.Query(ctx, `SELECT source_id FROM sources WHERE partition = $1 AND removed`, partition)
			if err != nil {
				return err
			}
			a.removed, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (id domain.SourceID, err error) {
				err = row.Scan((*[16]byte)(&id.UUID))
				return id, err
			})
			return err
		})
		return a, err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("runs between %d:%d and %d: %w", partition, from, to, err)
	}
	return got.runs, got.removed, nil
}

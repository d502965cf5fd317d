package projections

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/confuse/data-connector/domain"
)

// A RunRow is a run with the source that it is of.
type RunRow struct {
	domain.Run
	SourceID domain.SourceID
	Owner    domain.OwnerID
}

// RunsAt are the runs of owner's sources that are the current ones for a reader
// of the events topic whose next offset in a partition is at, at most one a
// source: it ignores the file events of any other run (I3). Sources whose
// removal was requested are there, because their files are still removed under a
// run; of sources that are removed by now nothing is left.
//
// domain.ErrUnavailable: the rows do not hold everything below at yet.
func (r *Reader) RunsAt(ctx context.Context, owner domain.OwnerID, partition int32, at int64) ([]RunRow, error) {
	return r.runsAt(ctx, partition, at, pgtype.Text{String: string(owner), Valid: true})
}

// RunsAtAnyOwner is RunsAt for a stage of our own, which serves all owners.
func (r *Reader) RunsAtAnyOwner(ctx context.Context, partition int32, at int64) ([]RunRow, error) {
	return r.runsAt(ctx, partition, at, pgtype.Text{})
}

const runsAt = `
	SELECT r.source_id, s.owner_id, r.run, r.run_id, r.job_id, r.started_offset, coalesce(r.ended_offset, -1)
	FROM runs r JOIN sources s ON s.source_id = r.source_id
	WHERE r.partition = $1 AND coalesce(r.ended_offset, 9223372036854775807) >= $2 AND r.started_offset < $2
		AND ($3::text IS NULL OR s.owner_id = $3)
	ORDER BY r.source_id`

// runsAt are the runs of owner, of all owners when it is null.
func (r *Reader) runsAt(ctx context.Context, partition int32, at int64, owner pgtype.Text) ([]RunRow, error) {
	runs, err := again(ctx, func() (runs []RunRow, err error) {
		err = pgx.BeginTxFunc(ctx, r.db, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
			// The lock of this statement keeps the tables from being made anew
			// before the next one.
			if err := reached(ctx, tx, partition, at); err != nil {
				return err
			}
			rows, err := tx.Query(ctx, runsAt, partition, at, owner)
			if err != nil {
				return err
			}
			runs, err = pgx.CollectRows(rows, scanRun)
			return err
		})
		return runs, err
	})
	if err != nil {
		return nil, fmt.Errorf("runs at %d:%d: %w", partition, at, err)
	}
	return runs, nil
}

// reached answers whether a partition of the events topic is folded up to at.
func reached(ctx context.Context, tx pgx.Tx, partition int32, at int64) error {
	var position int64
	err := tx.QueryRow(ctx, `SELECT coalesce(max(position), 0) FROM checkpoints WHERE partition = $1 AND right(topic, length($2)) = $2`,
		partition, eventsSuffix).Scan(&position)
	if err == nil && position < at {
		return fmt.Errorf("%w: the tables hold everything below %d", domain.ErrUnavailable, position)
	}
	return err
}

func scanRun(row pgx.CollectableRow) (RunRow, error) {
	var r RunRow
	err := row.Scan((*[16]byte)(&r.SourceID.UUID), (*string)(&r.Owner), &r.Number, (*[16]byte)(&r.ID.UUID), (*[16]byte)(&r.JobID.UUID),
		&r.Started, &r.Ended)
	return r, err
}

// RunsOf are the runs of a source that have these numbers, as far as there are. It
// is for a part of our own, which serves all owners.
func (r *Reader) RunsOf(ctx context.Context, source domain.SourceID, numbers []int64) ([]domain.Run, error) {
	runs, err := again(ctx, func() ([]domain.Run, error) {
		rows, err := r.db.Query(ctx, `
			SELECT run, run_id, job_id, started_offset, coalesce(ended_offset, -1) FROM runs
			WHERE source_id = $1 AND run = ANY($2) ORDER BY run`, [16]byte(source.UUID), numbers)
		if err != nil {
			return nil, err
		}
		return pgx.CollectRows(rows, func(row pgx.CollectableRow) (run domain.Run, err error) {
			err = row.Scan(&run.Number, (*[16]byte)(&run.ID.UUID), (*[16]byte)(&run.JobID.UUID), &run.Started, &run.Ended)
			return run, err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("runs of %s: %w", source, err)
	}
	return runs, nil
}

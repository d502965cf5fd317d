package projections

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/confuse/data-connector/domain"
)

// errAhead: what another call left aside is ahead of the tables that serve.
var errAhead = errors.New("the tables aside are ahead")

// A Verified says how the tables that serve differ from the log.
type Verified struct {
	Tables []Compared
	First  []Difference // at most firstDifferences of them
}

// A Compared counts the rows of a table.
type Compared struct {
	Table         string
	Live, Rebuilt int64
	Differ        int64 // rows that only one of them has, or that are not the same
}

// A Difference is one row.
type Difference struct {
	Table, Key    string
	Live, Rebuilt map[string]any // the columns that differ; nil: there is no such row
}

// Differ counts over all tables.
func (v Verified) Differ() (n int64) {
	for _, t := range v.Tables {
		n += t.Differ
	}
	return n
}

// Verify fills the tables aside, up to where those that serve have come, compares
// all rows and drops them again: a difference is a row that the log does not
// explain. It only reads what serves, in one snapshot, and may run while events
// come in. Since it folds with the same program, it does not find what the fold
// itself gets wrong.
//
// The errors are those of [Rebuild.Run], and ErrOtherTables: these rows are not
// of this program.
func (r *Rebuild) Verify(ctx context.Context) (Verified, error) {
	var found Verified
	err := r.build(ctx, func(ctx context.Context, a *attempt) error { return a.belowLive(ctx) }, func(ctx context.Context, a *attempt) error {
		var err error
		found, err = a.compare(ctx)
		a.spent = err == nil
		return err
	})
	return found, err
}

// belowLive keeps the loaders from reading further than the tables that serve have
// come: what is ahead could not be compared.
func (a *attempt) belowLive(ctx context.Context) error {
	return a.live(ctx, func(tx pgx.Tx) error {
		live, err := livePositions(ctx, tx)
		if err != nil {
			return err
		}
		for at, position := range a.positions() {
			if position > live[at] {
				return errAhead
			}
		}
		a.ceiling = live
		return nil
	})
}

// live reads the tables that serve in one snapshot.
func (a *attempt) live(ctx context.Context, read func(pgx.Tx) error) error {
	return snapshot(ctx, a.DB, func(tx pgx.Tx) error {
		if err := fits(ctx, tx); err != nil {
			return err
		}
		return read(tx)
	})
}

// snapshot reads db in one snapshot, which may be idle for long: while the tables
// aside come to where it is, or the other one sorts its rows.
func snapshot(ctx context.Context, db *pgxpool.Pool, read func(pgx.Tx) error) error {
	return pgx.BeginTxFunc(ctx, db, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SET LOCAL idle_in_transaction_session_timeout = 0`); err != nil {
			return err
		}
		return read(tx)
	})
}

func livePositions(ctx context.Context, tx pgx.Tx) (map[place]int64, error) {
	rows, err := tx.Query(ctx, `SELECT topic, partition, position FROM checkpoints`)
	if err != nil {
		return nil, err
	}
	return scanPositions(rows)
}

// compare takes a snapshot of the tables that serve, brings those aside to exactly
// its positions, and compares.
func (a *attempt) compare(ctx context.Context) (found Verified, err error) {
	err = a.live(ctx, func(live pgx.Tx) error {
		if err := a.sameSkipped(ctx, live); err != nil {
			return err
		}
		if err := a.level(ctx, live); err != nil {
			return err
		}
		return snapshot(ctx, a.next, func(next pgx.Tx) error {
			for _, k := range keyed() {
				if err := found.table(ctx, k, live, next); err != nil {
					return fmt.Errorf("compare %s: %w", k.table, err)
				}
			}
			return nil
		})
	})
	return found, err
}

// level folds all partitions up to the positions of a snapshot.
func (a *attempt) level(ctx context.Context, live pgx.Tx) error {
	positions, err := livePositions(ctx, live)
	if err != nil {
		return err
	}
	a.mu.Lock()
	a.ceiling = positions
	a.mu.Unlock()
	all, err := a.partitions(ctx)
	if err != nil {
		return err
	}
	f := a.filler()
	return each(ctx, all, loaders, func(ctx context.Context, p domain.FeedPartition) error {
		if f.positions()[placeOf(p)] > positions[placeOf(p)] {
			return errAhead
		}
		return f.follow(ctx, p, positions[placeOf(p)])
	})
}

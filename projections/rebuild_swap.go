package projections

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/confuse/data-connector/domain"
)

const (
	// swapLag is how far behind the log the new tables may be for the exchange to
	// be tried.
	swapLag = time.Second
	// swapWait is how long the projectors may be held up until the new tables hold
	// what the old ones do.
	swapWait = 2 * time.Second
	// swapAgain is the pause after an exchange that could not be made.
	swapAgain = 500 * time.Millisecond
)

// errBehind: the new tables did not come level with the old ones in time.
var errBehind = errors.New("the new tables are behind those that serve")

// exchange catches up with the log until the schemas are exchanged.
func (a *attempt) exchange(ctx context.Context) error {
	ctx, fail := context.WithCancelCause(ctx)
	var followers sync.WaitGroup
	defer followers.Wait()
	defer fail(nil)
	f, followed := a.filler(), map[place]bool{}
	for {
		all, err := a.partitions(ctx)
		if err != nil {
			return err
		}
		for _, p := range all { // new ones may have been added
			if at := placeOf(p); !followed[at] {
				followed[at] = true
				followers.Go(func() {
					if err := f.follow(ctx, p, Follow); err != nil {
						fail(fmt.Errorf("catch up with %s: %w", at, err))
					}
				})
			}
		}
		done, err := a.tryExchange(ctx, all)
		if cause := context.Cause(ctx); cause != nil && !done {
			return cause
		}
		if err != nil {
			return err
		}
		if done {
			return a.point(ctx, PointAfterSwap)
		}
	}
}

// tryExchange waits until all is folded that was on the log before, and exchanges
// the schemas if that was not long ago.
func (a *attempt) tryExchange(ctx context.Context, all []domain.FeedPartition) (done bool, err error) {
	seen, ends := a.Clock.Now(), map[place]int64{}
	for _, p := range all {
		ends[placeOf(p)] = p.End
	}
	if err := a.await(ctx, ends); err != nil || a.Clock.Now().Sub(seen) > swapLag {
		return false, err
	}
	err = a.swap(ctx)
	if !isLocked(err) && !errors.Is(err, errBehind) {
		return err == nil, err
	}
	a.Logger.InfoContext(ctx, "the tables are exchanged later", "why", err)
	select {
	case <-a.Clock.After(swapAgain):
		return false, nil
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

// swap exchanges the schemas in one transaction. While it runs projectors wait,
// readers do not. It locks the checkpoints that serve, so nothing more is folded
// there; waits, not for long, until the new ones are not behind them, so that a
// position that was answered once is answered for good; and closes the old ones.
//
// A projector that has resolved the old name and waits for its row then finds
// position -1 and writes nothing. One that has resolved the new name finds another
// generation. Both load their partition again; each begins with the checkpoint,
// so no transaction has rows in one schema and the checkpoint in the other (I4).
func (a *attempt) swap(ctx context.Context) error {
	if err := dropRetired(ctx, a.DB, 0, a.Clock); err != nil {
		return err
	}
	whole := context.WithoutCancel(ctx) // each wait is bounded; a commit that is given up may have happened
	return pgx.BeginFunc(whole, a.DB, func(tx pgx.Tx) error {
		ctx := whole
		if _, err := tx.Exec(ctx, fmt.Sprintf(`SET LOCAL lock_timeout = %d`, lockWait.Milliseconds())); err != nil {
			return err
		}
		live, err := lockCheckpoints(ctx, tx, Schema)
		if err != nil {
			return err
		}
		short, cancel := context.WithTimeoutCause(ctx, swapWait, errBehind)
		defer cancel()
		if err := a.await(short, live); err != nil {
			return context.Cause(short)
		}
		if err := a.sameSkipped(ctx, tx); err != nil {
			return err
		}
		next, err := lockCheckpoints(ctx, tx, nextSchema)
		if err != nil {
			return err
		}
		for at, position := range live {
			if next[at] < position {
				return errBehind
			}
		}
		return a.rename(ctx, tx, next)
	})
}

// lockCheckpoints locks the checkpoints of a schema until the end of tx: all rows,
// in one order, and the table against new ones.
func lockCheckpoints(ctx context.Context, tx pgx.Tx, schema string) (map[place]int64, error) {
	if _, err := tx.Exec(ctx, `LOCK TABLE `+schema+`.checkpoints IN SHARE ROW EXCLUSIVE MODE`); err != nil {
		return nil, err
	}
	rows, err := tx.Query(ctx, `SELECT topic, partition, position FROM `+schema+`.checkpoints ORDER BY topic, partition FOR UPDATE`)
	if err != nil {
		return nil, err
	}
	return scanPositions(rows)
}

// sameSkipped looks whether a record was left out since the partitions were
// loaded. Whoever skips holds a checkpoint, so nobody does now.
func (a *attempt) sameSkipped(ctx context.Context, tx pgx.Tx) error {
	now, err := skippedDigest(ctx, tx)
	if err != nil {
		return err
	}
	var was string
	if err := tx.QueryRow(ctx, `SELECT skipped FROM `+nextSchema+`.rebuild`).Scan(&was); err != nil {
		return err
	}
	if was != now {
		return errSkipped
	}
	return nil
}

// rename closes the old checkpoints, makes every runner load its partitions again
// and exchanges the names. Who waits for a position learns it with the commit.
func (a *attempt) rename(ctx context.Context, tx pgx.Tx, next map[place]int64) error {
	for _, stmt := range []string{
		`UPDATE ` + nextSchema + `.checkpoints SET generation = 1 + (SELECT coalesce(max(generation), 0) FROM ` + Schema + `.checkpoints)`,
		`UPDATE ` + Schema + `.checkpoints SET position = -1`,
		`UPDATE ` + nextSchema + `.rebuild SET phase = '` + phaseDone + `'`,
		`ALTER SCHEMA ` + Schema + ` RENAME TO ` + oldSchema,
		`ALTER SCHEMA ` + nextSchema + ` RENAME TO ` + Schema,
		`COMMENT ON SCHEMA ` + oldSchema + ` IS '` + a.Clock.Now().UTC().Format(time.RFC3339) + `'`,
	} {
		if _, err := tx.Exec(ctx, stmt); err != nil {
			return err
		}
	}
	for at, position := range next {
		if at.pipeline() {
			continue
		}
		to := domain.Position{Partition: at.number, Offset: position}
		if _, err := tx.Exec(ctx, `SELECT pg_notify($1, $2)`, foldedChannel, to.String()); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(ctx, `SELECT pg_notify($1, '')`, newsChannel); err != nil {
		return err
	}
	return a.point(ctx, PointInSwap)
}

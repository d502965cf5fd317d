package projections

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/confuse/data-connector/domain"
)

// lockWait is how long a statement that changes schemas waits for those who use
// them, while others wait behind it.
const lockWait = 2 * time.Second

// lockNotAvailable is what Postgres answers then.
const lockNotAvailable = "55P03"

func isLocked(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == lockNotAvailable || pg.Code == "40P01")
}

// dropSchema drops a schema. It waits for who still reads it: nobody new comes.
func dropSchema(ctx context.Context, db *pgxpool.Pool, schema string) error {
	for {
		err := pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, fmt.Sprintf(`SET LOCAL lock_timeout = %d`, lockWait.Milliseconds())); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, `DROP SCHEMA IF EXISTS `+schema+` CASCADE`)
			return err
		})
		if !isLocked(err) {
			return err
		}
	}
}

// DropRetired drops the tables that an exchange has retired, once they are older
// than kept. It waits for who still reads them.
func DropRetired(ctx context.Context, db *pgxpool.Pool, kept time.Duration, clock domain.Clock) error {
	if err := dropRetired(ctx, db, kept, clock); err != nil {
		return fmt.Errorf("drop retired tables: %w", err)
	}
	return nil
}

func dropRetired(ctx context.Context, db *pgxpool.Pool, kept time.Duration, clock domain.Clock) error {
	var since *string
	err := db.QueryRow(ctx, `SELECT coalesce(obj_description(oid, 'pg_namespace'), '') FROM pg_namespace WHERE nspname = $1`, oldSchema).Scan(&since)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	at, err := time.Parse(time.RFC3339, *since)
	if err == nil && clock.Now().Sub(at) < kept {
		return nil
	}
	return dropSchema(ctx, db, oldSchema)
}

// CancelRebuild ends a rebuild, wherever it runs, and drops what it has filled.
// was is false when there is none. It waits until whoever rebuilds has stopped.
func CancelRebuild(ctx context.Context, db *pgxpool.Pool, log *slog.Logger) (was bool, err error) {
	_, err = db.Exec(ctx, `UPDATE `+nextSchema+`.rebuild SET cancelled = true`)
	if isMissing(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("cancel the rebuild: %w", err)
	}
	log.InfoContext(ctx, "rebuild is cancelled")
	err = pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, rebuildLock); err != nil {
			return err
		}
		var there bool
		if err := tx.QueryRow(ctx, `SELECT to_regclass($1) IS NOT NULL`, nextSchema+".rebuild").Scan(&there); err != nil || !there {
			return err
		}
		_, err := tx.Exec(ctx, `DROP SCHEMA `+nextSchema+` CASCADE`)
		return err
	})
	if err != nil {
		return true, fmt.Errorf("cancel the rebuild: %w", err)
	}
	return true, nil
}

// isMissing tells whether err says that there is no such schema or table.
func isMissing(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "42P01" || pg.Code == "3F000")
}

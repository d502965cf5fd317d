package projections

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/confuse/data-connector/domain"
)

// A Reader answers what the service asks of the tables. It may be used
// concurrently and holds no transaction open between two statements of it.
//
// The methods of domain.Index find sources whatever their owner. All others take
// the owner and answer another one's source exactly as an unknown one (I10); a
// source whose removal was requested is unknown to them, too.
type Reader struct {
	db *pgxpool.Pool
}

var _ domain.Index = (*Reader)(nil)

// NewReader makes a reader over the pool db.
func NewReader(db *pgxpool.Pool) *Reader {
	return &Reader{db: db}
}

// query runs a read of many rows.
func query[T any](ctx context.Context, db *pgxpool.Pool, scan pgx.RowToFunc[T], sql string, args ...any) ([]T, error) {
	return again(ctx, func() ([]T, error) {
		rows, err := db.Query(ctx, sql, args...)
		if err != nil {
			return nil, err
		}
		return pgx.CollectRows(rows, scan)
	})
}

// queryOrdered is query for a page of rows in the order of an index. Postgres
// would rather sort all of them while it does not know yet how many there are.
// All goes to it in one round trip; after an error the connection is not used
// again, unless only its plan was stale: another one may have such a plan, too.
func queryOrdered[T any](ctx context.Context, db *pgxpool.Pool, scan pgx.RowToFunc[T], sql string, args ...any) ([]T, error) {
	return again(ctx, func() (page []T, err error) {
		conn, err := db.Acquire(ctx)
		if err != nil {
			return nil, err
		}
		defer conn.Release()
		page, err = readOrdered(ctx, conn, scan, sql, args...)
		if !isStale(err) {
			return page, err
		}
		if _, err := conn.Exec(ctx, `ROLLBACK`); err != nil {
			return nil, err
		}
		return readOrdered(ctx, conn, scan, sql, args...)
	})
}

func readOrdered[T any](ctx context.Context, conn *pgxpool.Conn, scan pgx.RowToFunc[T], sql string, args ...any) (page []T, err error) {
	var b pgx.Batch
	b.Queue(`BEGIN READ ONLY`)
	b.Queue(`SET LOCAL enable_sort = off`)
	b.Queue(sql, args...).Query(func(rows pgx.Rows) (err error) {
		page, err = pgx.CollectRows(rows, scan)
		return err
	})
	b.Queue(`COMMIT`)
	err = conn.SendBatch(ctx, &b).Close()
	return page, err
}

// queryOne runs a read of one row; absent is the error when there is none.
func queryOne[T any](ctx context.Context, db *pgxpool.Pool, absent error, scan pgx.RowToFunc[T], sql string, args ...any) (T, error) {
	v, err := again(ctx, func() (T, error) {
		rows, err := db.Query(ctx, sql, args...)
		if err != nil {
			var none T
			return none, err
		}
		return pgx.CollectOneRow(rows, scan)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return v, absent
	}
	return v, err
}

// owned answers whether owner has the source id and may see it: nil, or
// domain.ErrSourceNotFound.
func (r *Reader) owned(ctx context.Context, owner domain.OwnerID, id domain.SourceID) error {
	_, err := r.GetSource(ctx, owner, id)
	return err
}

func noSource(id domain.SourceID) error {
	return fmt.Errorf("source %s: %w", id, domain.ErrSourceNotFound)
}

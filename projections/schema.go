package projections

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Schema is where the read tables are. The statements of this package name
// tables without a schema: their pool has search_path set to it.
const Schema = "read"

//go:embed ddl.sql
var ddl string

// ensureLock is the advisory lock under which the tables are made: several
// processes start at once.
const ensureLock = 7_305_221_901

// Ensure makes the read tables when they are missing. Tables of another version
// of this package are dropped and made anew in one transaction; the runners then
// fill them from the start of the log, and until they have caught up readers see
// an older state. fresh tells that the tables are empty now.
//
// It refuses to touch a schema of that name that it has not made.
func Ensure(ctx context.Context, db *pgxpool.Pool) (fresh bool, err error) {
	want := sha256.Sum256([]byte(ddl))
	err = pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, ensureLock); err != nil {
			return err
		}
		have, err := installed(ctx, tx)
		if err != nil || bytes.Equal(have, want[:]) {
			return err
		}
		fresh = true
		return create(ctx, tx, want[:])
	})
	if err != nil {
		return false, fmt.Errorf("read tables: %w", err)
	}
	return fresh, nil
}

// installed is the digest of the tables that are there, nil when there are none.
func installed(ctx context.Context, tx pgx.Tx) ([]byte, error) {
	var ours, others bool
	err := tx.QueryRow(ctx, `
		SELECT to_regclass($1 || '.meta') IS NOT NULL,
			EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1)`,
		Schema).Scan(&ours, &others)
	if err != nil {
		return nil, err
	}
	if !ours && others {
		return nil, errors.New("schema " + Schema + " holds tables of somebody else; use another database")
	}
	if !ours {
		return nil, nil
	}
	var digest []byte
	err = tx.QueryRow(ctx, `SELECT ddl_sha256 FROM `+Schema+`.meta`).Scan(&digest)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	return digest, err
}

func create(ctx context.Context, tx pgx.Tx, digest []byte) error {
	for _, stmt := range []string{
		`DROP SCHEMA IF EXISTS ` + Schema + ` CASCADE`,
		`CREATE SCHEMA ` + Schema,
		`SET LOCAL search_path = ` + Schema,
		ddl,
	} {
		if _, err := tx.Exec(ctx, stmt); err != nil {
			return err
		}
	}
	_, err := tx.Exec(ctx, `INSERT INTO meta (ddl_sha256) VALUES ($1)`, digest)
	return err
}

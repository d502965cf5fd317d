package projections

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Schema is where the read tables are. The statements of this package name
// tables without a schema: their pool has search_path set to it.
const Schema = "read"

// version counts the changes of ddl.sql. Of two programs that run side by side
// the one with the higher version makes the tables anew, the other one leaves
// them alone.
const version = 4

//go:embed ddl.sql
var ddl string

// ensureLock is the advisory lock under which the tables are made: several
// processes start at once.
const ensureLock = 7_305_221_901

// ErrOtherTables means that the read tables were made by another version of this
// program: rows of this one do not fit into them.
var ErrOtherTables = errors.New("the read tables are of another version of the program")

// A Fit says how the tables that are there suit this program.
type Fit int

// The fits.
const (
	Fits  Fit = iota // its own
	Made             // there were none; they are its own now, and empty
	Older            // an older program's: they go on serving until they are rebuilt
	Newer            // a newer program's: this one may read what it can, but not fold
)

// Ensure makes the read tables when they are missing, and tells whether those
// that are there are the ones of this program. It never changes or drops what is
// there: a [Rebuild] exchanges tables of another version, while they serve.
//
// It refuses to touch a schema of that name that it has not made.
func Ensure(ctx context.Context, db *pgxpool.Pool) (fit Fit, err error) {
	err = pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, ensureLock); err != nil {
			return err
		}
		have, err := installed(ctx, tx)
		if err != nil {
			return err
		}
		if have == nil {
			fit = Made
			return create(ctx, tx, Schema, ddl)
		}
		fit = have.fit()
		return nil
	})
	if err != nil {
		return Fits, fmt.Errorf("read tables: %w", err)
	}
	return fit, nil
}

// A made says which program made the tables.
type made struct {
	Digest  string `json:"ddl_sha256"` // as Postgres writes bytes
	Version int    `json:"version"`    // 0: from before there were versions
}

func own() made {
	digest := sha256.Sum256([]byte(ddl))
	return made{Digest: fmt.Sprintf(`\x%x`, digest), Version: version}
}

// fit compares m with what this program makes. Of two of one version, which only
// developers have, the one that looks is newer.
func (m made) fit() Fit {
	switch mine := own(); {
	case m.Digest == mine.Digest:
		return Fits
	case m.Version > mine.Version:
		return Newer
	default:
		return Older
	}
}

// installed says who made the tables that are there, nil when there are none.
func installed(ctx context.Context, tx pgx.Tx) (*made, error) {
	var ours, others bool
	err := tx.QueryRow(ctx, `
		SELECT to_regclass($1 || '.meta') IS NOT NULL,
			EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1)`,
		Schema).Scan(&ours, &others)
	switch {
	case err != nil:
		return nil, err
	case !ours && others:
		return nil, errors.New("schema " + Schema + " holds tables of somebody else; use another database")
	case !ours:
		return nil, nil
	}
	return madeBy(ctx, tx, Schema)
}

// madeBy reads who made the tables of a schema. The row is read as a whole: an
// older program's has fewer columns.
func madeBy(ctx context.Context, tx pgx.Tx, schema string) (*made, error) {
	var m made
	err := tx.QueryRow(ctx, `SELECT to_jsonb(m) FROM `+schema+`.meta m`).Scan(&m)
	return &m, err
}

// fits answers ErrOtherTables unless the tables on the search path are those of
// this program. A schema that was exchanged fences every runner, and each comes
// here before it folds again.
func fits(ctx context.Context, tx pgx.Tx) error {
	var m made
	if err := tx.QueryRow(ctx, `SELECT to_jsonb(m) FROM meta m`).Scan(&m); err != nil {
		return err
	}
	if m.fit() != Fits {
		return ErrOtherTables
	}
	return nil
}

// create makes a schema with what statements make in it.
func create(ctx context.Context, tx pgx.Tx, schema string, statements ...string) error {
	setup := append([]string{
		`DROP SCHEMA IF EXISTS ` + schema + ` CASCADE`,
		`CREATE SCHEMA ` + schema,
		`SET LOCAL search_path = ` + schema,
	}, statements...)
	for _, stmt := range setup {
		if _, err := tx.Exec(ctx, stmt); err != nil {
			return err
		}
	}
	mine := own()
	_, err := tx.Exec(ctx, `INSERT INTO meta (ddl_sha256, version) VALUES ($1::text::bytea, $2)`, mine.Digest, mine.Version)
	return err
}

// parts are the statements that make the tables, and those that make their
// indexes once they are filled.
func parts() (tables, indexes string) {
	tables, indexes, _ = strings.Cut(ddl, "\n-- Indexes\n") // a test looks that it is there
	return tables, indexes
}

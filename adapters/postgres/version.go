package postgres

import (
	"context"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/confuse/data-connector/migrations"
)

// Version tells which version schema app has, 0 for none, and which one Migrate
// brings it to. It changes nothing.
func Version(ctx context.Context, db *pgxpool.Pool) (have, want int64, err error) {
	if want, err = newest(); err != nil {
		return 0, 0, fmt.Errorf("postgres: version of schema app: %w", err)
	}
	var there bool
	err = db.QueryRow(ctx, `SELECT to_regclass($1) IS NOT NULL`, migrations.VersionTable).Scan(&there)
	if err == nil && there {
		err = db.QueryRow(ctx, `SELECT coalesce(max(version_id), 0) FROM `+migrations.VersionTable+` WHERE is_applied`).Scan(&have)
	}
	if err != nil {
		return 0, 0, fmt.Errorf("postgres: version of schema app: %w", err)
	}
	return have, want, nil
}

// newest is the number of the last migration.
func newest() (int64, error) {
	names, err := fs.Glob(migrations.Files(), "*.sql")
	if err != nil || len(names) == 0 {
		return 0, err
	}
	number, _, _ := strings.Cut(names[len(names)-1], "_") // the names are sorted
	return strconv.ParseInt(number, 10, 64)
}

package postgres

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx" that goose uses
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/confuse/data-connector/migrations"
	"github.com/confuse/data-connector/projections"
)

// applicationName is what pg_stat_activity shows.
const applicationName = "data-connector"

// minConns is enough for the writers of the projector, the commands and the
// reads of one small process.
const minConns = 12

// idleTime is how long, in milliseconds, a transaction may wait for its process. One
// that is frozen, with its machine for example, holds its locks that long and no
// longer, so that another process can take over (a checkpoint, for one).
const idleTime = "30000"

// lockTries is how many seconds Migrate waits for another process that migrates.
const lockTries = 300

// Open makes a pool over the database url, a postgres:// URL or a DSN, and looks
// whether it answers. The caller closes it. Options of the URL (pool_max_conns,
// application_name, idle_in_transaction_session_timeout) win over the defaults;
// search_path is always the read schema.
//
// An error does not hold the password.
func Open(ctx context.Context, url string) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("postgres: database URL: %w", err) // pgx hides the password
	}
	params := config.ConnConfig.RuntimeParams
	params["application_name"] = cmp.Or(params["application_name"], applicationName)
	params["idle_in_transaction_session_timeout"] = cmp.Or(params["idle_in_transaction_session_timeout"], idleTime)
	params["search_path"] = projections.Schema
	params["jit"] = "off" // no statement runs long enough to earn back its compilation
	if !strings.Contains(url, "pool_max_conns") {
		config.MaxConns = max(config.MaxConns, minConns)
	}
	db, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("postgres: %w", err)
	}
	if err := db.Ping(ctx); err != nil {
		db.Close()
		return nil, fmt.Errorf("postgres: %w", err)
	}
	return db, nil
}

// Migrate brings schema app of the database url up to date. Processes that start
// at the same time wait for each other.
func Migrate(ctx context.Context, url string) (err error) {
	db, err := sql.Open("pgx", url)
	if err != nil {
		return fmt.Errorf("postgres: %w", err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, lockTries))
	if err != nil {
		return fmt.Errorf("postgres: %w", err)
	}
	p, err := goose.NewProvider(goose.DialectPostgres, db, migrations.Files(),
		goose.WithTableName(migrations.VersionTable), goose.WithSessionLocker(locker))
	if err != nil {
		return fmt.Errorf("postgres: %w", err)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("postgres: migrate: %w", err)
	}
	return nil
}

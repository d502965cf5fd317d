package migrations_test

import (
	"database/sql"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	"github.com/pressly/goose/v3"

	"github.com/confuse/data-connector/adapters/testenv"
	"github.com/confuse/data-connector/migrations"
)

// A migration that cannot be undone, or not be applied again after that, locks
// an operator out of going back.
func TestDownAndUpAgain(t *testing.T) {
	t.Parallel()

	db, err := sql.Open("pgx", testenv.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() }) // its database goes next
	p, err := goose.NewProvider(goose.DialectPostgres, db, migrations.Files(), goose.WithTableName(migrations.VersionTable))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.DownTo(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	var left bool
	if err := db.QueryRowContext(t.Context(), "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'app')").Scan(&left); err != nil {
		t.Fatal(err)
	}
	if left {
		t.Error("got schema app after going down, want none")
	}
	if _, err := p.Up(t.Context()); err != nil {
		t.Errorf("up again: %v", err)
	}
}

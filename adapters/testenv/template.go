package testenv

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx" that goose uses
	"github.com/pressly/goose/v3"

	"github.com/confuse/data-connector/migrations"
)

// templateLock is the advisory lock under which the template is made: test
// binaries of several packages come at the same time.
const templateLock = 7_305_221_846

// building is the name of the template while it is being made.
const building = "test-template-building"

// template returns the name of a database with all migrations, making it if the
// server has none for exactly these files.
//
// It is migrated under another name and then renamed: who dies half-way leaves
// no template that looks done.
func template(ctx context.Context, conn *pgx.Conn, admin string) (string, error) {
	sum, err := digest(migrations.Files())
	if err != nil {
		return "", err
	}
	name := "test-template-" + sum
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock($1)", templateLock); err != nil {
		return "", err
	}
	defer func() { _, _ = conn.Exec(ctx, "SELECT pg_advisory_unlock($1)", templateLock) }() // freed with the connection at the latest
	var done bool
	err = conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name).Scan(&done)
	if err != nil || done {
		return name, err
	}
	return name, makeTemplate(ctx, conn, admin, name)
}

func makeTemplate(ctx context.Context, conn *pgx.Conn, admin, name string) error {
	for _, stmt := range []string{
		"DROP DATABASE IF EXISTS " + quoted(building) + " WITH (FORCE)",
		"CREATE DATABASE " + quoted(building) + " TEMPLATE template0",
	} {
		if _, err := conn.Exec(ctx, stmt); err != nil {
			return err
		}
	}
	target, err := withDatabase(admin, building)
	if err != nil {
		return err
	}
	if err := migrate(ctx, target); err != nil {
		return err
	}
	_, err = conn.Exec(ctx, "ALTER DATABASE "+quoted(building)+" RENAME TO "+quoted(name))
	return err
}

func migrate(ctx context.Context, target string) error {
	db, err := sql.Open("pgx", target)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }() // a rename of the database waits until its connections are gone
	p, err := goose.NewProvider(goose.DialectPostgres, db, migrations.Files(), goose.WithTableName(migrations.VersionTable))
	if err != nil {
		return err
	}
	_, err = p.Up(ctx)
	return err
}

// digest names the content of all files of fsys.
func digest(fsys fs.FS) (string, error) {
	names, err := fs.Glob(fsys, "*")
	if err != nil {
		return "", err
	}
	h := sha256.New()
	for _, name := range names { // sorted
		b, err := fs.ReadFile(fsys, name)
		if err != nil {
			return "", err
		}
		_, _ = fmt.Fprintf(h, "%s %d\n%s", name, len(b), b) // a hash never fails
	}
	return hex.EncodeToString(h.Sum(nil)[:8]), nil
}

package testenv

import (
	"context"
	"fmt"
	"net/url"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Database returns the URL of a new database that has schema app and nothing
// else. It is dropped after the test, whoever is still connected.
func Database(tb testing.TB) string {
	tb.Helper()
	admin := server(tb, databaseVariable)
	if admin == "" {
		tb.Fatalf("%s is not set; %s", databaseVariable, remedy)
	}
	name := unique()
	target, err := withDatabase(admin, name)
	if err != nil {
		tb.Fatal(err)
	}
	if err := clone(tb.Context(), admin, name); err != nil {
		tb.Fatalf("database for the test: %v; is the server up? %s", err, remedy)
	}
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), cleanupTime)
		defer cancel()
		if err := drop(ctx, admin, name); err != nil {
			tb.Errorf("drop database %s: %v", name, err)
		}
	})
	return target
}

// clone makes the database name out of the migrated template.
func clone(ctx context.Context, admin, name string) error {
	conn, err := pgx.Connect(ctx, admin)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }() // nothing is open on it
	from, err := template(ctx, conn, admin)
	if err != nil {
		return fmt.Errorf("template: %w", err)
	}
	_, err = conn.Exec(ctx, "CREATE DATABASE "+quoted(name)+" TEMPLATE "+quoted(from))
	return err
}

func drop(ctx context.Context, admin, name string) error {
	conn, err := pgx.Connect(ctx, admin)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }() // nothing is open on it
	_, err = conn.Exec(ctx, "DROP DATABASE IF EXISTS "+quoted(name)+" WITH (FORCE)")
	return err
}

// withDatabase returns the URL admin with another database.
func withDatabase(admin, name string) (string, error) {
	u, err := url.Parse(admin)
	if err != nil {
		return "", fmt.Errorf("%s: %w", databaseVariable, err)
	}
	u.Path = "/" + name
	return u.String(), nil
}

func quoted(name string) string {
	return pgx.Identifier{name}.Sanitize()
}

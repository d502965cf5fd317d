package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/confuse/data-connector/adapters/postgres"
	"github.com/confuse/data-connector/adapters/testenv"
)

func TestOutageByCode(t *testing.T) {
	t.Parallel()

	for code, want := range map[string]bool{"57P01": true, "57P03": true, "53300": true, "08006": true, "58030": true, "57014": false, "23505": false, "42P01": false} {
		if got := postgres.Outage(fmt.Errorf("read: %w", &pgconn.PgError{Code: code})); got != want {
			t.Errorf("%s: got %v, want %v", code, got, want)
		}
	}
	if postgres.Outage(errors.New("anything")) || postgres.Outage(nil) || postgres.Outage(context.Canceled) {
		t.Error("got an outage from an error that is none")
	}
}

// What a statement says whose connection is ended by the server, and what one says
// that finds no server, are outages.
func TestOutageOfAConnection(t *testing.T) {
	t.Parallel()

	url := testenv.Database(t)
	db, err := postgres.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	_, err = db.Exec(t.Context(), `SELECT pg_terminate_backend(pg_backend_pid())`)
	if !postgres.Outage(err) {
		t.Errorf("got %v from a connection that ended, want an outage", err)
	}
	if _, err := postgres.Open(t.Context(), "postgres://nobody@127.0.0.1:1/none?sslmode=disable"); !postgres.Outage(err) {
		t.Errorf("got %v where no server is, want an outage", err)
	}
}

package postgres_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/confuse/data-connector/adapters/postgres"
	"github.com/confuse/data-connector/adapters/testenv"
)

// open is a pool over a database of this test.
func open(t *testing.T) *pgxpool.Pool {
	t.Helper()
	db, err := postgres.Open(t.Context(), testenv.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db
}

func TestOpen(t *testing.T) {
	t.Parallel()

	var name, path, idle string
	err := open(t).QueryRow(t.Context(), `
		SELECT current_setting('application_name'), current_setting('search_path'), current_setting('idle_in_transaction_session_timeout')`).Scan(&name, &path, &idle)
	if err != nil {
		t.Fatal(err)
	}
	if name != "data-connector" || path != "read" || idle != "30s" {
		t.Errorf("got application %q, search_path %q and an idle time of %s, want data-connector, read and 30s", name, path, idle)
	}
}

func TestOpenHidesThePassword(t *testing.T) {
	t.Parallel()

	for _, url := range []string{"postgres://ann:hunter2@127.0.0.1:1/x", "postgres://ann:hunter2@[::1/x", "host=127.0.0.1 port=1 password=hunter2 x"} {
		db, err := postgres.Open(t.Context(), url)
		if err == nil {
			db.Close()
			t.Fatalf("got a pool over %s", url)
		}
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("got the password in %q", err)
		}
	}
}

func TestMigrate(t *testing.T) {
	t.Parallel()

	db := open(t)
	if _, err := db.Exec(t.Context(), `DROP SCHEMA app CASCADE; DROP TABLE public.app_version`); err != nil {
		t.Fatal(err)
	}
	const processes = 3
	done := make(chan error, processes)
	for range processes {
		go func() { done <- postgres.Migrate(t.Context(), db.Config().ConnString()) }()
	}
	for range processes {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	var n int
	if err := db.QueryRow(t.Context(), `SELECT count(*) FROM app.source_keys`).Scan(&n); err != nil || n != 0 {
		t.Errorf("got %d rows, error %v; want an empty table", n, err)
	}
}

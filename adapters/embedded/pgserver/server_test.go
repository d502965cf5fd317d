package pgserver_test

import (
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/confuse/data-connector/adapters/embedded/pgserver"
)

func options(t *testing.T) pgserver.Options {
	t.Helper()
	return pgserver.Options{
		Dir: t.TempDir(), User: "owner", Password: "secret", Database: "things",
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
}

func start(t *testing.T, o pgserver.Options) *pgserver.Server {
	t.Helper()
	s, err := pgserver.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

func show(t *testing.T, url, setting string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }() // it only reads
	var value string
	if err := conn.QueryRow(t.Context(), `SELECT current_setting($1)`, setting).Scan(&value); err != nil {
		t.Fatal(err)
	}
	return value
}

func TestStartIsDurableUnlessToldOtherwise(t *testing.T) {
	t.Parallel()

	for noFsync, want := range map[bool]string{false: "on", true: "off"} {
		o := options(t)
		o.NoFsync = noFsync
		s := start(t, o)
		for _, setting := range []string{"fsync", "synchronous_commit"} {
			if got := show(t, s.URL(), setting); got != want {
				t.Errorf("NoFsync %v: got %s %s, want %s", noFsync, setting, got, want)
			}
		}
	}
}

func TestStartWantsThePassword(t *testing.T) {
	t.Parallel()

	o := options(t)
	s := start(t, o)
	wrong := strings.Replace(s.URL(), "secret", "guessed", 1)
	if _, err := pgx.Connect(t.Context(), wrong); err == nil {
		t.Error("got no error with a wrong password")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	o.Password = "forgotten"
	_, err := pgserver.Start(t.Context(), o)
	if err == nil || !strings.Contains(err.Error(), "password authentication failed") {
		t.Errorf("got error %v, want one about the password", err)
	}
}

func TestStartTellsWhyItFailed(t *testing.T) {
	t.Parallel()

	o := options(t)
	if err := start(t, o).Close(); err != nil {
		t.Fatal(err)
	}
	conf := filepath.Join(o.Dir, "postgres", "postgresql.conf")
	if err := os.WriteFile(conf, []byte("no_such_setting = 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := pgserver.Start(t.Context(), o)
	if err == nil || !strings.Contains(err.Error(), "no_such_setting") {
		t.Errorf("got error %v, want the server's own words about no_such_setting", err)
	}
}

func TestStartRefusesOtherBinaries(t *testing.T) {
	t.Parallel()

	o := options(t)
	o.Bin = t.TempDir()
	if _, err := pgserver.Start(t.Context(), o); err == nil || !strings.Contains(err.Error(), o.Bin) {
		t.Errorf("folder without binaries: got error %v, want one that names it", err)
	}
	o.Bin = ""
	if err := start(t, o).Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(o.Dir, "postgres", "PG_VERSION"), []byte("11\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := pgserver.Start(t.Context(), o); err == nil || !strings.Contains(err.Error(), "no PostgreSQL 11") {
		t.Errorf("cluster of an old version: got error %v, want one that names the version", err)
	}
}

func TestStartTakesAFixedPortOrFails(t *testing.T) {
	t.Parallel()

	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }() // nobody connects
	addr, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		t.Fatalf("got address %v", l.Addr())
	}
	o := options(t)
	o.Port = addr.Port
	if _, err := pgserver.Start(t.Context(), o); err == nil || !strings.Contains(err.Error(), l.Addr().String()) {
		t.Errorf("got error %v, want one that names %s", err, l.Addr())
	}
}

// The published binaries are what a machine without PostgreSQL runs. They stay
// in the cache of this machine between test runs.
func TestStartWithFetchedBinaries(t *testing.T) {
	t.Parallel()

	const repository = "https://repo1.maven.org/maven2/"
	o := options(t)
	bin, err := pgserver.Fetch(t.Context(), o)
	if err != nil {
		if offline := reach(t, repository); offline != nil {
			t.Skipf("nothing cached and %s is not reached: %v", repository, errors.Join(err, offline))
		}
		t.Fatal(err)
	}
	o.Bin = bin
	s := start(t, o)
	if got := show(t, s.URL(), "server_version"); !strings.HasPrefix(got, "18.") {
		t.Errorf("got version %s, want 18", got)
	}
	again, err := pgserver.Fetch(t.Context(), o)
	if err != nil || again != bin {
		t.Errorf("got %q, %v the second time, want %q from the cache", again, err, bin)
	}
}

func reach(t *testing.T, url string) error {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodHead, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

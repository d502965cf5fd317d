package embedded_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/confuse/data-connector/adapters/embedded"
)

// start gives the servers on dir; they end with the test.
func start(t *testing.T, o embedded.Options) *embedded.Servers {
	t.Helper()
	if o.Log == nil {
		o.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	s, err := embedded.Start(t.Context(), o)
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

func stop(t *testing.T, s *embedded.Servers) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestRestartKeepsEverything(t *testing.T) {
	t.Parallel()

	dir := t.TempDir()
	first := start(t, embedded.Options{Dir: dir})
	if err := write(t.Context(), first, "first"); err != nil {
		t.Fatal(err)
	}
	stop(t, first)
	second := start(t, embedded.Options{Dir: dir})
	checkKept(t, second, "first")
	if got := redisClient(t, second).Exists(t.Context(), "thing").Val(); got != 0 {
		t.Error("redis holds a key of the last run, want it empty")
	}
	if got, want := second.KafkaBootstrap[0], first.KafkaBootstrap[0]; got != want {
		t.Errorf("got log at %s, want the address it had, %s", got, want)
	}
	if err := write(t.Context(), second, "second"); err != nil {
		t.Fatal(err)
	}
	checkKept(t, second, "first", "second")
}

func TestStartRefusesAFolderInUse(t *testing.T) {
	t.Parallel()

	dir := t.TempDir()
	s := start(t, embedded.Options{Dir: dir})
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{dir, link} {
		_, err := embedded.Start(t.Context(), embedded.Options{Dir: name, Log: slog.New(slog.DiscardHandler)})
		if !errors.Is(err, embedded.ErrInUse) {
			t.Fatalf("got error %v, want ErrInUse", err)
		}
		for _, want := range []string{dir, fmt.Sprintf("process %d", os.Getpid())} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("got error %q, want it to name %q", err, want)
			}
		}
	}
	if err := write(t.Context(), s, "undisturbed"); err != nil {
		t.Errorf("the first one after the refusals: %v", err)
	}
}

func TestStartLeavesNothingBehindWhenItFails(t *testing.T) {
	t.Parallel()

	var lc net.ListenConfig
	taken, err := lc.Listen(t.Context(), "tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }() // nobody connects
	addr, ok := taken.Addr().(*net.TCPAddr)
	if !ok {
		t.Fatalf("got address %v", taken.Addr())
	}
	dir := t.TempDir()
	_, err = embedded.Start(t.Context(), embedded.Options{Dir: dir, RedisPort: addr.Port, Log: slog.New(slog.DiscardHandler)})
	if err == nil || !strings.Contains(err.Error(), "start redis") {
		t.Fatalf("got error %v, want one that names redis", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "postgres", "postmaster.pid")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v for the pid file of postgres, want none", err)
	}
	start(t, embedded.Options{Dir: dir})
}

func TestServersAreOnLoopbackAndKeepTheirSecrets(t *testing.T) {
	t.Parallel()

	var log bytes.Buffer
	dir := t.TempDir()
	s := start(t, embedded.Options{Dir: dir, NoFsync: true, Log: slog.New(slog.NewTextHandler(&log, nil))})
	hosts := []string{s.KafkaBootstrap[0]}
	for _, raw := range []string{s.DatabaseURL, s.RedisURL} {
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		hosts = append(hosts, u.Host)
		password, _ := u.User.Password()
		if len(password) < 32 {
			t.Errorf("got a password of %d characters, want at least 32", len(password))
		}
		if text := log.String() + fmt.Sprintf("%v %+v", s, s); strings.Contains(text, password) {
			t.Error("a password is in the log or in the printed value")
		}
	}
	for _, host := range hosts {
		if !strings.HasPrefix(host, "127.0.0.1:") {
			t.Errorf("got server at %s, want it on loopback", host)
		}
	}
	if !strings.Contains(log.String(), "fsync is off") {
		t.Error("no warning that fsync is off")
	}
	checkMode(t, filepath.Join(dir, "postgres.password"))
	if err := write(t.Context(), s, "fast"); err != nil {
		t.Error(err)
	}
}

func TestLostSaysThatPostgresIsGone(t *testing.T) {
	t.Parallel()

	dir := t.TempDir()
	s, err := embedded.Start(t.Context(), embedded.Options{Dir: dir, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	killPostgres(t, dir)
	select {
	case <-s.Lost():
	case <-t.Context().Done():
		t.Fatal("not told that postgres is gone")
	}
	if err := s.Close(); err == nil {
		t.Error("got no error from Close, want how postgres ended")
	}
	start(t, embedded.Options{Dir: dir})
}

func checkMode(t *testing.T, path string) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != 0o600 {
		t.Errorf("got mode %o of %s, want 600", got, path)
	}
}

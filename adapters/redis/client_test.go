package redis_test

import (
	"bufio"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"

	"github.com/confuse/data-connector/adapters/redis"
	"github.com/confuse/data-connector/domain"
)

func TestOpenHidesTheAddress(t *testing.T) {
	t.Parallel()

	for _, address := range []string{"http://ann:secret@host", "redis://ann:secret@host:x", "ann:secret\x7f", "redis://ann:secret@127.0.0.1:1/0"} {
		_, err := redis.Open(t.Context(), address)
		if err == nil {
			t.Errorf("got no error for %q", address)
			continue
		}
		if strings.Contains(err.Error(), "secret") {
			t.Errorf("got error %q, want it without the password", err)
		}
	}
}

func TestNoServerIsUnavailable(t *testing.T) {
	t.Parallel()

	m := miniredis.RunT(t)
	s := server{url: "redis://" + m.Addr(), prefix: "test:"}
	q, _ := s.open(t, redis.Options{})
	m.Close()
	if err := q.Enqueue(t.Context(), ticket(1)); !errors.Is(err, domain.ErrUnavailable) {
		t.Errorf("got error %v from Enqueue, want %v", err, domain.ErrUnavailable)
	}
	if _, err := q.Claim(t.Context(), "w1", token(t)); !errors.Is(err, domain.ErrUnavailable) {
		t.Errorf("got error %v from Claim, want %v", err, domain.ErrUnavailable)
	}
	if _, err := redis.Open(t.Context(), s.url); !errors.Is(err, domain.ErrUnavailable) {
		t.Errorf("got error %v from Open, want %v", err, domain.ErrUnavailable)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()

	each(t, func(t *testing.T, s server) {
		_, c := s.open(t, redis.Options{})
		warnings, err := c.Check(t.Context())
		if err != nil || len(warnings) > 0 {
			t.Errorf("got %q and error %v, want nothing to warn of", warnings, err)
		}
	})
}

// The policy belongs to the whole server, so this test has one of its own.
func TestCheckWarnsOfEviction(t *testing.T) {
	t.Parallel()

	socket := t.TempDir() + "/redis"
	run := exec.CommandContext(t.Context(), "redis-server", "--port", "0", "--unixsocket", socket,
		"--save", "", "--maxmemory-policy", "allkeys-lru")
	out, err := run.StdoutPipe()
	if err == nil {
		err = run.Start()
	}
	if err != nil {
		t.Fatalf("start redis-server: %v; install it with: make services-up", err)
	}
	t.Cleanup(func() { _ = run.Wait() }) // the context has killed it
	awaitLine(t, out, "ready to accept connections")

	c, err := redis.Open(t.Context(), "unix://"+socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() }) // nothing is written at its end
	warnings, err := c.Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(warnings) != 1 || !strings.Contains(warnings[0], "allkeys-lru") || !strings.Contains(warnings[0], "noeviction") {
		t.Errorf("got %q, want one warning that names the policy and the remedy", warnings)
	}
}

func awaitLine(t *testing.T, r io.Reader, want string) {
	t.Helper()
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		if strings.Contains(strings.ToLower(lines.Text()), want) {
			return
		}
	}
	t.Fatalf("got no line %q: %v", want, lines.Err())
}

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/confuse/data-connector/adapters/testenv"
	"github.com/confuse/data-connector/cmd/faults"
)

// startTime is what a child may take until it serves: a first start makes a
// database.
const startTime = 2 * time.Minute

func TestMain(m *testing.M) {
	if os.Getenv(faults.Child) == "1" {
		if os.Getenv(faults.Planned) != "" || os.Getenv(faults.Via) != "" || os.Getenv(faultyCloud) != "" {
			os.Exit(runChild())
		}
		main() // exits
	}
	os.Exit(m.Run())
}

// A child is a data-connector in a process of its own, so that it can be killed.
type child struct {
	URL string // of its API

	cmd    *exec.Cmd
	ended  chan struct{} // closed when it has
	alone  chan string   // gets the URL when it serves without Kafka
	mu     sync.Mutex
	stderr bytes.Buffer
}

// startChild starts the command with args and exactly the environment env (and
// PATH, HOME, TMPDIR), and waits until it serves. It is killed with the test.
func startChild(t *testing.T, env []string, args ...string) *child {
	t.Helper()
	c, served := launchChild(t, env, args...)
	select {
	case c.URL = <-served:
	case <-c.ended:
		t.Fatalf("%v ended before it served:\n%s", args, c.log())
	case <-time.After(startTime):
		t.Fatalf("%v does not serve:\n%s", args, c.log())
	}
	return c
}

// childEnv is the environment of a child. What stands in env wins.
func childEnv(env []string) []string {
	all := []string{faults.Child + "=1", "LOG_FORMAT=json"}
	for _, name := range []string{"PATH", "HOME", "TMPDIR"} {
		all = append(all, name+"="+os.Getenv(name))
	}
	return append(all, env...)
}

// launchChild is startChild without waiting; served gets the URL.
func launchChild(t *testing.T, env []string, args ...string) (c *child, served <-chan string) {
	t.Helper()
	c = &child{cmd: exec.CommandContext(context.WithoutCancel(t.Context()), os.Args[0], args...), ended: make(chan struct{}), alone: make(chan string, 1)}
	c.cmd.Env = childEnv(env)
	pipe, err := c.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.kill(t) })
	urls := make(chan string, 1)
	go c.watch(pipe, urls)
	return c, urls
}

// watch keeps what the child logs and finds its URL there.
func (c *child) watch(pipe io.Reader, urls chan<- string) {
	defer close(c.ended)
	lines := bufio.NewReader(pipe)
	for {
		line, err := lines.ReadBytes('\n')
		c.mu.Lock()
		c.stderr.Write(line)
		c.mu.Unlock()
		var entry struct{ Msg, URL string }
		if json.Unmarshal(line, &entry) != nil {
			entry.Msg = "" // no line of ours
		}
		switch entry.Msg {
		case "service started":
			urls <- entry.URL
		case "webhooks and reads are served without kafka":
			c.alone <- entry.URL
		}
		if err != nil {
			break
		}
	}
	_ = c.cmd.Wait() // the exit code is in ProcessState
}

// log is what the child has logged so far.
func (c *child) log() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stderr.String()
}

// kill ends the child with SIGKILL, if it still runs, and waits for its end.
func (c *child) kill(t *testing.T) {
	t.Helper()
	if err := c.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Error(err)
	}
	<-c.ended
}

// stop asks the child to end and fails the test unless it does so in order.
func (c *child) stop(t *testing.T) {
	t.Helper()
	if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := c.exit(t); code != exitOK {
		t.Errorf("got exit code %d, want %d:\n%s", code, exitOK, c.log())
	}
}

// exit waits until the child has ended and gives its exit code.
func (c *child) exit(t *testing.T) int {
	t.Helper()
	select {
	case <-c.ended:
	case <-time.After(startTime):
		t.Fatalf("does not end:\n%s", c.log())
	}
	return c.cmd.ProcessState.ExitCode()
}

// serveEnv is the environment of a serve on the real test servers, in a corner of
// its own that goes with the test. Every process with it is one and the same
// service. allowed are FS_ALLOWED_PATHS.
func serveEnv(t *testing.T, allowed ...string) []string {
	t.Helper()
	brokers := testenv.Kafka(t)
	redisURL, prefix := testenv.Redis(t)
	state := t.TempDir()
	return []string{
		"HOST=127.0.0.1", "PORT=0", "AUTH_MODE=none", "WORKER_NAME=" + t.Name(),
		"KAFKA_BOOTSTRAP_SERVERS=" + strings.Join(brokers, ","), "KAFKA_TOPIC_PREFIX=" + testenv.Topics(t, brokers), "KAFKA_PARTITIONS=2",
		"DATABASE_URL=" + testenv.Database(t), "REDIS_URL=" + redisURL, "REDIS_PREFIX=" + prefix,
		"CONTENT_STORE_URL=file://" + filepath.Join(state, "content"), "CACHE_DIR=" + filepath.Join(state, "cache"),
		"FS_ALLOWED_PATHS=" + strings.Join(allowed, ":"),
	}
}

// with is env with more variables; env stays as it is.
func with(env []string, more ...string) []string { return slices.Concat(env, more) }

// A called is the outcome of a command in this process.
type called struct {
	code     int
	out, err string
}

// call runs the command in this process.
func call(t *testing.T, env []string, args ...string) called {
	t.Helper()
	var out, stderr bytes.Buffer
	code := run(t.Context(), args, stdio{in: strings.NewReader(""), out: &out, err: &stderr}, env)
	return called{code, out.String(), stderr.String()}
}

// must fails the test unless the command succeeds; it gives what it printed.
func must(t *testing.T, env []string, args ...string) string {
	t.Helper()
	r := call(t, env, args...)
	if r.code != exitOK {
		t.Fatalf("%v: got exit code %d, want 0:\n%s%s", args, r.code, r.out, r.err)
	}
	return r.out
}

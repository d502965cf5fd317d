package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"
)

// What comes after the start of a tail is printed as it comes, and stopping it is
// no failure.
func TestTailFollows(t *testing.T) {
	t.Parallel()

	dir := folder(t, map[string]string{"a": "a"})
	env := serveEnv(t, dir)
	server := startChild(t, env, "serve")
	ctx, stop := context.WithTimeout(t.Context(), startTime)
	defer stop()
	out, in := io.Pipe()
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, []string{"events", "tail", "--from", "beginning", "--json"}, stdio{in: strings.NewReader(""), out: in, err: io.Discard}, env)
		_ = in.Close() // never fails
	}()
	connect(t, with(env, "DATA_CONNECTOR_URL="+server.URL), dir)
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var e struct {
			Type, Position string
			Data           struct{ Change string }
		}
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil || !strings.HasPrefix(e.Type, "confuse.") || e.Position == "" {
			t.Fatalf("got %s, %v, want an event", lines.Text(), err)
		}
		if e.Data.Change == "sync_completed" {
			stop()
			break
		}
	}
	select {
	case got := <-code:
		if got != exitOK {
			t.Errorf("got exit code %d, want 0", got)
		}
	case <-time.After(startTime):
		t.Error("does not stop")
	}
	server.stop(t)
}

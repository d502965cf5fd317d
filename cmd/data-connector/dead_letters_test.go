package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/confuse/data-connector/adapters/pipeline/webhook"
)

// What a neighbour refuses for good is in plain sight, and is retried, discarded
// or overtaken by a newer state; all else goes on meanwhile.
func TestDeadLetters(t *testing.T) {
	t.Parallel()

	dir := folder(t, map[string]string{"bad-1.md": "1", "bad-2.md": "2", "bad-3.md": "3", "good.md": "g"})
	r := newReceiver(t)
	r.refuse = func(d delivery) int {
		if strings.HasPrefix(d.File.Path, "bad") {
			return http.StatusUnprocessableEntity
		}
		return 0
	}
	env := with(serveEnv(t, dir), r.env()...)
	server := startChild(t, env, "serve")
	cli := with(env, "DATA_CONNECTOR_URL="+server.URL)
	source := connect(t, cli, dir)
	r.await("what is not refused", func(taken []delivery) bool { return len(states(taken)) == 1 })
	db := database(t, env)
	count := func(n int) {
		t.Helper()
		awaitRow(t, db, `SELECT count(*) FROM read.file_stages WHERE state = 'failed'`, n)
	}
	count(3)
	letters := listLetters(t, cli)
	if l := letters[0]; l.SourceID != source || l.Attempts != 1 || !strings.Contains(l.Error, "answered 422: not this one") || !strings.HasPrefix(l.Path, "bad") {
		t.Errorf("got %+v", l)
	}
	var shown struct {
		Payload struct{ Path string }
		Headers map[string]string
	}
	if err := json.Unmarshal([]byte(must(t, cli, "dead-letters", "show", letters[0].ID)), &shown); err != nil || shown.Payload.Path != letters[0].Path || shown.Headers["ce_type"] == "" {
		t.Errorf("got %+v, error %v, want the event", shown, err)
	}
	must(t, cli, "dead-letters", "retry", letters[0].ID) // refused once more
	awaitRow(t, db, `SELECT count(*) FROM read.file_stages WHERE state = 'failed' AND replay <> ''`, 1)
	count(3)
	r.mu.Lock()
	r.refuse = nil
	r.mu.Unlock()
	must(t, cli, "dead-letters", "discard", letters[1].ID)
	count(2)
	must(t, cli, "dead-letters", "retry", "--all")
	count(0)
	r.await("what was retried", func(taken []delivery) bool { return len(states(taken)) == 3 })
	if left := listLetters(t, cli); len(left) != 0 {
		t.Errorf("got %+v, want none", left)
	}
	if got := call(t, cli, "dead-letters", "retry", letters[1].ID); got.code != exitFailed || !strings.Contains(got.err, "no such dead letter") {
		t.Errorf("retry of one that was discarded: got %d %s", got.code, got.err)
	}
	checkBarrier(t, r)
	server.stop(t)
}

func listLetters(t *testing.T, cli []string) []letterReply {
	t.Helper()
	var reply struct{ DeadLetters []letterReply }
	if err := json.Unmarshal([]byte(must(t, cli, "dead-letters", "list", "--json")), &reply); err != nil {
		t.Fatal(err)
	}
	return reply.DeadLetters
}

// checkBarrier looks at the first sync: what was taken of it lies between its
// beginning and its end.
func checkBarrier(t *testing.T, r *receiver) {
	t.Helper()
	r.await("the end of the sync", func(taken []delivery) bool {
		for _, d := range taken {
			if d.Source.Change == "sync_completed" {
				return true
			}
		}
		return false
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	var order []string
	for _, d := range r.taken {
		switch {
		case d.Type == webhook.TypeFile && d.File.Path == "good.md":
			order = append(order, "file")
		case d.Source.Change == "sync_started" || d.Source.Change == "sync_completed":
			order = append(order, string(d.Source.Change))
		}
	}
	if got := strings.Join(order, " "); !strings.HasPrefix(got, "sync_started file sync_completed") {
		t.Errorf("got %s", got)
	}
}

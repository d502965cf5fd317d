package main

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/confuse/data-connector/adapters/pipeline/neighbourtest"
	"github.com/confuse/data-connector/domain"
)

// patience makes waits short.
func patience(more ...string) []string {
	return append([]string{"DISPATCH_BACKOFF=20ms", "DISPATCH_MAX_BACKOFF=200ms", "DISPATCH_BREAKER_OPEN=100ms", "DISPATCH_TIMEOUT=500ms"}, more...)
}

// itemsByID are those that a chunker accepted, each once.
func itemsByID(c *neighbourtest.Chunker) map[string]neighbourtest.ChunkItem {
	items := make(map[string]neighbourtest.ChunkItem)
	for _, i := range c.Items {
		items[i.ID] = i
	}
	return items
}

// checkItems compares what arrived with the log.
func checkItems(t *testing.T, c *neighbourtest.Chunker, log []domain.FileChanged) {
	t.Helper()
	states := map[string]domain.FileChanged{}
	for _, e := range log {
		states[fmt.Sprintf("%s %d.%d", e.FileID, e.Run, e.Seq)] = e
	}
	last, seen := map[string]domain.Revised{}, map[string]bool{}
	for _, i := range c.Items {
		m := i.Metadata
		at := domain.Revised{Run: int64(m["run"].(float64)), Seq: int64(m["seq"].(float64))}
		e, ok := states[fmt.Sprintf("%s %d.%d", m["file_id"], at.Run, at.Seq)]
		if !ok || e.Path != m["path"] || e.Revision != m["revision"] || string(e.OwnerID) != m["owner_id"] {
			t.Errorf("got %+v, want it on the log", m)
		}
		if seen[i.ID] {
			continue
		}
		seen[i.ID] = true
		if !last[e.FileID.String()].Before(at) {
			t.Errorf("%s: %v came behind %v", e.Path, at, last[e.FileID.String()])
		}
		last[e.FileID.String()] = at
		checkItem(t, i, e.Path)
	}
}

func checkItem(t *testing.T, i neighbourtest.ChunkItem, path string) {
	t.Helper()
	wantType, want := "text/code:go", "package p"+strings.TrimSuffix(path, ".go")+" // round "
	switch path {
	case "wide.txt":
		wantType, want = "text/plain", "hi"
	case "latin.txt":
		wantType, want = "text/plain", "café au lait, déjà vu"
	case "page.html":
		wantType, want = "text/plain", "seen\n"
	}
	if i.ContentType != wantType || !strings.HasPrefix(i.Content, want) || strings.Contains(i.Content, "\r") {
		t.Errorf("%s: got %s %q, want %s %q", path, i.ContentType, i.Content, wantType, want)
	}
}

// A chunker that is down for a while under load delays and loses nothing. What it
// refuses is isolated; what is too big for it is not even sent.
func TestChunkerDownAndGuilty(t *testing.T) {
	t.Parallel()

	const files, down = 400, 5 * time.Second
	tree := map[string]string{"big.txt": strings.Repeat("a \"quoted\" line\n", 200_000), "guilty.go": "package guilty // refuse me"}
	for n := range files {
		tree[fmt.Sprintf("%d.go", n)] = fmt.Sprintf("package p // %d", n)
	}
	dir := folder(t, tree)
	c := neighbourtest.NewChunker(t)
	c.Reply = func(_ *http.Request, body []byte) (int, string) {
		if bytes.Contains(body, []byte("refuse me")) {
			return http.StatusUnprocessableEntity, "missing field `innocence`"
		}
		return 0, ""
	}
	c.Stop()
	env := with(serveEnv(t, dir), patience("CHUNKER_URL="+c.URL(), "DISPATCH_TIMEOUT=20s")...)
	server := startChild(t, env, "serve", "--roles", "api,projector,scheduler,syncer,dispatcher")
	cli := with(env, "DATA_CONNECTOR_URL="+server.URL)
	connect(t, cli, dir, "maxFileSize=8000000")
	up := time.NewTimer(down)
	defer up.Stop()
	<-up.C
	checkNoLetters(t, env, "big.txt") // which is not the chunker's to refuse
	c.Start()
	c.Await("all but the guilty", func() bool { return len(itemsByID(c)) == files })
	db := database(t, env)
	awaitRow(t, db, `SELECT count(*) FROM read.file_stages WHERE stage = 'chunk' AND state = 'failed'`, 2)
	awaitRow(t, db, `SELECT count(*) FROM read.file_stages WHERE stage = 'chunk' AND state = 'done'`, files)
	if len(c.Items) != files {
		t.Errorf("got %d items, want each of %d once", len(c.Items), files)
	}
	letters := must(t, cli, "dead-letters", "list")
	for _, want := range []string{"guilty.go", "big.txt", "innocence"} {
		if !strings.Contains(letters, want) {
			t.Errorf("got dead letters\n%s\nwant %q in them", letters, want)
		}
	}
	for _, one := range c.Refused() {
		t.Errorf("got refused: %s", one)
	}
	server.stop(t)
}

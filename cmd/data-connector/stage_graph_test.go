package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/confuse/data-connector/adapters/pipeline/neighbourtest"
	"github.com/confuse/data-connector/domain"
)

// The graph is told of a repository and of each state of its files, in order per
// file, through all trouble; a removal is recorded.
func TestGraphThroughTrouble(t *testing.T) {
	t.Parallel()

	const files, rounds = 40, 3
	dir := folder(t, nil)
	g := neighbourtest.NewGraph(t)
	g.Trouble = 0.2
	env := with(serveEnv(t, dir), patience("RELATION_GRAPH_URL="+g.URL(), "DISPATCH_LANES=16", "DISPATCH_WINDOW=50")...)
	server := startChild(t, env, "serve", "--roles", "api,projector,scheduler,syncer")
	dispatcher := startChild(t, env, "serve", "--roles", "dispatcher")
	cli := with(env, "DATA_CONNECTOR_URL="+server.URL)
	var source string
	for round := range rounds {
		for n := range files {
			put(t, dir, fmt.Sprintf("%d.md", n), fmt.Sprintf("# round %d of %d", round, n))
		}
		if source == "" {
			source = connect(t, cli, dir)
			continue
		}
		must(t, cli, "source", "sync", source, "--wait")
	}
	removeFile(t, dir, "0.md")
	must(t, cli, "source", "sync", source, "--wait")
	const want = files * rounds
	for k := range 4 {
		g.Await("some more", func() bool { return len(entityStates(g)) >= (k+1)*want/5 })
		dispatcher.kill(t)
		g.Stop()
		g.Start()
		dispatcher = startChild(t, env, "serve", "--roles", "dispatcher")
	}
	g.Await("all", func() bool { return len(entityStates(g)) == want })
	db := database(t, env)
	awaitRow(t, db, `SELECT count(*) FROM read.file_stages WHERE stage = 'graph' AND state = 'done'`, files-1)
	awaitRow(t, db, `SELECT count(*) FROM read.file_stages WHERE stage = 'graph' AND state = 'skipped' AND reason = 'no_way'`, 1)
	dispatcher.stop(t)
	server.stop(t)
	checkEntities(t, g, source, want)
	checkNoLetters(t, env)
	if refused := g.Refused(); len(refused) > 0 {
		t.Errorf("got refused: %q", refused)
	}
}

func entityStates(g *neighbourtest.Graph) map[string]domain.Revised {
	states := map[string]domain.Revised{}
	for _, e := range g.Entities {
		if e.Type == "file" {
			at := revisedOf(e)
			states[fmt.Sprint(e.SourceID, at)] = at
		}
	}
	return states
}

func revisedOf(e neighbourtest.GraphEntity) domain.Revised {
	return domain.Revised{Run: int64(e.Properties["run"].(float64)), Seq: int64(e.Properties["seq"].(float64))}
}

func checkEntities(t *testing.T, g *neighbourtest.Graph, source string, want int) {
	t.Helper()
	repositories, seen, last := 0, map[string]bool{}, map[string]domain.Revised{}
	for _, e := range g.Entities {
		if e.Type == "repository" {
			repositories++
			if e.SourceID != source || e.Source != "local_file" {
				t.Errorf("got repository %+v, want of source %s", e, source)
			}
			continue
		}
		at := revisedOf(e)
		key := fmt.Sprint(e.SourceID, at)
		if seen[key] {
			continue
		}
		seen[key] = true
		if !last[e.SourceID].Before(at) || e.Properties["repository"] != source {
			t.Errorf("got %+v behind %v", e, last[e.SourceID])
		}
		last[e.SourceID] = at
	}
	_, lost := g.Asked()
	if repeats := len(g.Entities) - repositories - want; repeats > lost+4*16 { // all lanes at each kill
		t.Errorf("got %d repeats, want at most %d", repeats, lost+4*16)
	}
	if repositories < 1 || repositories > 1+lost+4 {
		t.Errorf("got %d times the repository, want it told once but for lost answers", repositories)
	}
}

func removeFile(t *testing.T, dir, name string) {
	t.Helper()
	if err := os.Remove(filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
}

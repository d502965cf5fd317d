package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/confuse/data-connector/adapters/pipeline/neighbourtest"
	"github.com/confuse/data-connector/adapters/pipeline/webhook"
	"github.com/confuse/data-connector/domain"
)

// A neighbourhood is all neighbours at once.
type neighbourhood struct {
	t *testing.T
	r *receiver
	c *neighbourtest.Chunker
	g *neighbourtest.Graph
	e *neighbourtest.Embeddings
}

func newNeighbourhood(t *testing.T, trouble float64) neighbourhood {
	t.Helper()
	n := neighbourhood{t, newReceiver(t), neighbourtest.NewChunker(t), neighbourtest.NewGraph(t), neighbourtest.NewEmbeddings(t)}
	n.r.trouble, n.c.Trouble, n.g.Trouble, n.e.Trouble = trouble, trouble, trouble, trouble
	return n
}

// env names them; chunks come back to address.
func (n neighbourhood) env(address string) []string {
	n.c.Embed, n.c.Graph = "http://"+address, "http://"+address
	return append(n.r.env(), "CHUNKER_URL="+n.c.URL(), "RELATION_GRAPH_URL="+n.g.URL(), "EMBEDDINGS_URL="+n.e.URL())
}

// restart cuts all connections of one of them.
func (n neighbourhood) restart(which int) {
	n.t.Helper()
	switch which % 4 {
	case 0:
		n.r.stop()
		n.r.start()
	case 1:
		n.c.Stop()
		n.c.Start()
	case 2:
		n.g.Stop()
		n.g.Start()
	default:
		n.e.Stop()
		n.e.Start()
	}
}

// An arrival is what has to arrive at each, and what did.
type arrival struct{ webhooks, items, entities, chunks int }

func (a arrival) all() int { return a.webhooks + a.items + a.entities + a.chunks }

// arrived counts each state and chunk once. Chunks of a repeated item are chunks of
// their own, as at the real chunker: so those of each item are counted once.
func (n neighbourhood) arrived() arrival {
	n.r.mu.Lock()
	a := arrival{webhooks: len(states(n.r.taken))}
	n.r.mu.Unlock()
	n.c.Look(func() { a.items = len(itemsByID(n.c)) })
	n.g.Look(func() {
		a.entities = len(entityStates(n.g))
		a.chunks = len(chunksByContent(n.g))
	})
	return a
}

// chunksByContent are those of the graph, each text of a file once.
func chunksByContent(g *neighbourtest.Graph) map[string]neighbourtest.GraphChunk {
	chunks := map[string]neighbourtest.GraphChunk{}
	for _, c := range g.Chunks {
		chunks[c.Path+"\x00"+c.Content] = c
	}
	return chunks
}

// await returns when ok holds.
func (n neighbourhood) await(what string, ok func(arrival) bool) {
	n.t.Helper()
	awaitThat(n.t, func() (bool, string) {
		a := n.arrived()
		return ok(a), fmt.Sprintf("%s: got %+v; refused: %q", what, a, n.refused())
	})
}

// refused is what any of them refused because it was not as its contract says.
func (n neighbourhood) refused() []string {
	n.r.mu.Lock()
	all := append([]string(nil), n.r.contract...)
	n.r.mu.Unlock()
	all = append(append(append(all, n.c.Refused()...), n.g.Refused()...), n.e.Refused()...)
	n.c.Look(func() { all = append(all, n.c.Pushes...) })
	return all
}

// Every change of every file arrives at every neighbour, in order per file, whatever
// the neighbours do and however often the dispatcher is killed; what is gone is told
// where there is a way, and recorded elsewhere.
func TestStagesThroughTrouble(t *testing.T) {
	t.Parallel()

	const files, rounds, kills, window = 30, 3, 20, 40
	dir := folder(t, map[string]string{
		"empty.txt": "", "wide.txt": "\xff\xfeh\x00i\x00", "binary.bin": "\x00\x01\x02\xff\x00", "latin.txt": "caf\xe9 au lait, d\xe9j\xe0 vu",
		"page.html": "<html><script>x()</script><p>seen",
	})
	n := newNeighbourhood(t, 0.2)
	address := freeAddress(t)
	env := with(serveEnv(t, dir), append(n.env(address), "DISPATCH_LANES=16", fmt.Sprintf("DISPATCH_WINDOW=%d", window))...)
	server := startChild(t, env, "serve", "--roles", "api,projector,scheduler,syncer")
	// The chunker pushes once: whoever receives is not the one that is killed.
	receiver := startChild(t, with(env, "STAGES=embed", "EMBED_LISTEN="+address, "WORKER_NAME=receiver"), "serve", "--roles", "dispatcher")
	victim := with(env, "EMBED_LISTEN="+freeAddress(t), "WORKER_NAME=victim")
	dispatcher := startChild(t, victim, "serve", "--roles", "dispatcher")
	cli := with(env, "DATA_CONNECTOR_URL="+server.URL)
	source := changeOften(t, cli, dir, files, rounds)
	log := changes(t, env, source)
	want := arrival{webhooks: len(log), items: files*rounds + 3, entities: files*rounds + 6, chunks: files*rounds + 3} // of the others three are text; one file is renamed
	for k := range kills {
		n.await("some more", func(a arrival) bool { return a.all() >= min((k+1)*want.all()/(kills+1), want.all()) })
		dispatcher.kill(t)
		n.restart(k)
		dispatcher = startChild(t, victim, "serve", "--roles", "dispatcher")
	}
	n.await("all", func(a arrival) bool { return a == want })
	n.checkStages(env)
	for _, p := range []*child{dispatcher, receiver, server} {
		p.stop(t)
	}
	n.checkArrivals(want, log, source, kills*window) // all is in one partition
	checkNoLetters(t, env)
}

// changeOften makes files, changes each in all rounds, then removes one and renames
// another. It gives the source of dir.
func changeOften(t *testing.T, cli []string, dir string, files, rounds int) (source string) {
	t.Helper()
	for round := range rounds {
		for n := range files {
			put(t, dir, fmt.Sprintf("%d.go", n), fmt.Sprintf("package p%d // round %d\r\n", n, round))
		}
		if source == "" {
			source = connect(t, cli, dir)
			continue
		}
		must(t, cli, "source", "sync", source, "--wait")
	}
	removeFile(t, dir, "0.go")
	if err := os.Rename(filepath.Join(dir, "1.go"), filepath.Join(dir, "moved.go")); err != nil {
		t.Fatal(err)
	}
	must(t, cli, "source", "sync", source, "--wait")
	return source
}

// checkStages waits for the last state of each file in the tables.
func (n neighbourhood) checkStages(env []string) {
	n.t.Helper()
	db := database(n.t, env)
	const last = `SELECT count(*) FROM read.file_stages st JOIN read.files f USING (file_id) WHERE (st.run, st.seq) = (f.run, f.seq) AND `
	for where, want := range map[string]int{
		`stage = 'webhook' AND state = 'done'`: 35, `stage = 'chunk' AND state = 'done'`: 28 + 3, `stage = 'chunk' AND reason = 'empty'`: 1,
		`stage = 'chunk' AND reason = 'binary'`: 1, `stage = 'chunk' AND reason = 'no_way' AND f.removed`: 1, `stage = 'chunk' AND reason = 'no_way' AND f.path = 'moved.go'`: 1,
		`stage = 'graph' AND state = 'done'`: 34, `stage = 'graph' AND reason = 'no_way' AND f.removed`: 1,
		`stage = 'embed' AND state = 'done'`: 28 + 3,
	} {
		awaitRow(n.t, db, last+where, want)
	}
}

// checkArrivals looks at all that arrived after the last process has ended. most is
// how many repeats kills explain.
func (n neighbourhood) checkArrivals(want arrival, log []domain.FileChanged, source string, most int) {
	n.t.Helper()
	t := n.t
	n.r.checkOrder(want.webhooks, most)
	checkItems(t, n.c, log)
	_, lost := n.c.Asked()
	repeats := len(n.c.Items) - want.items
	if t.Logf("%d items, %d repeats, %d answers lost", len(n.c.Items), repeats, lost); repeats > most+lost*16 { // a batch of all lanes
		t.Errorf("got %d items repeated, want at most %d", repeats, most+lost*16)
	}
	checkEntities(t, n.g, source, want.entities, most)
	repeats = len(n.g.Chunks) - want.chunks
	t.Logf("%d chunks, %d repeats", len(n.g.Chunks), repeats)
	owners := map[string]int{}
	for _, c := range n.g.Chunks {
		owners[c.OwnerID]++
		if c.SourceID != source || len(c.Vector) != neighbourtest.Dimension || strings.Contains(c.Content, "\r") {
			t.Errorf("got chunk of %s with a vector of %d: %q", c.SourceID, len(c.Vector), c.Content)
		}
	}
	if len(owners) != 1 || owners[""] > 0 {
		t.Errorf("got chunks by owner %v", owners)
	}
	n.checkTold(domain.FileRemoved, "0.go")
	n.checkTold(domain.FileRenamed, "moved.go")
	if refused := n.refused(); len(refused) > 0 {
		t.Errorf("got refused: %q", refused)
	}
}

// checkTold looks whether the receiver was told of a change as such.
func (n neighbourhood) checkTold(change domain.FileChange, path string) {
	n.t.Helper()
	for _, d := range n.r.taken {
		if d.Type == webhook.TypeFile && d.File.Change == change && d.File.Path == path {
			return
		}
	}
	n.t.Errorf("the receiver was not told that %s was %s", path, change)
}

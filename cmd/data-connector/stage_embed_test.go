package main

import (
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/confuse/data-connector/adapters/pipeline/neighbourtest"
)

// Files become chunks, chunks get vectors, and the graph gets both with the owner:
// through a chunker that pushes as the real one does, and all trouble of the other
// two. Chunks that the graph refuses under a 200 are a dead letter, whatever becomes
// of the others of their file, until they are accepted or discarded.
func TestEmbed(t *testing.T) {
	t.Parallel()

	const files, chunks = 30, 3
	tree := map[string]string{"guilty.go": guilty("bad") + guilty("good") + guilty("bad") + guilty("good"), "worse.go": guilty("bad") + guilty("good")}
	for n := range files {
		tree[fmt.Sprintf("%d.go", n)] = strings.Repeat(fmt.Sprintf("// line of %d\n", n), chunks*40)
	}
	dir := folder(t, tree)
	c, g, e := neighbourtest.NewChunker(t), neighbourtest.NewGraph(t), neighbourtest.NewEmbeddings(t)
	g.Fault = func(chunk neighbourtest.GraphChunk) string {
		if strings.Contains(chunk.Content, "bad") {
			return "no entity in sight"
		}
		return ""
	}
	g.Trouble, e.Trouble = 0.2, 0.2
	address := freeAddress(t)
	c.Embed, c.Graph = "http://"+address, "http://"+address
	env := with(serveEnv(t, dir), patience(
		"STAGES=chunk,embed", "CHUNKER_URL="+c.URL(), "EMBEDDINGS_URL="+e.URL(), "RELATION_GRAPH_URL="+g.URL(), "EMBED_LISTEN="+address,
	)...)
	server := startChild(t, env, "serve", "--roles", "api,projector,scheduler,syncer,dispatcher")
	cli := with(env, "DATA_CONNECTOR_URL="+server.URL)
	source := connect(t, cli, dir)
	g.Await("all chunks", func() bool { return len(chunksByID(g)) == files*chunks+3 })
	db := database(t, env)
	awaitRow(t, db, `SELECT count(*) FROM read.file_stages st JOIN read.files f USING (file_id)
		WHERE st.stage = 'embed' AND st.state = 'done' AND (st.run, st.seq) = (f.run, f.seq)`, files)
	awaitRow(t, db, `SELECT count(*) FROM read.file_stages WHERE stage = 'embed' AND state = 'failed' AND error LIKE '2 chunks were refused%no entity%'`, 1)
	awaitRow(t, db, `SELECT count(*) FROM read.file_stages WHERE stage = 'embed' AND state = 'failed' AND error LIKE '%no entity%'`, 2)
	letters := listLetters(t, cli)
	if len(letters) != 2 {
		t.Fatalf("got %+v, want one for each file", letters)
	}
	for _, l := range letters {
		if l.Path == "worse.go" {
			must(t, cli, "dead-letters", "discard", l.ID)
		}
	}
	g.Look(func() { g.Fault = nil })
	must(t, cli, "dead-letters", "retry", "--all")
	awaitRow(t, db, `SELECT count(*) FROM read.file_stages WHERE stage = 'embed' AND state = 'discarded'`, 1)
	awaitRow(t, db, `SELECT count(*) FROM read.file_stages st JOIN read.files f USING (file_id)
		WHERE st.stage = 'embed' AND st.state = 'done' AND f.path = 'guilty.go' AND st.items >= 4`, 1)
	awaitRow(t, db, `SELECT count(*) FROM read.file_stages WHERE stage = 'embed' AND state = 'failed'`, 0)
	revisions := map[string]string{}
	for _, e := range changes(t, env, source) {
		revisions[e.Path] = e.Revision
	}
	server.stop(t)
	for _, one := range chunksByID(g) {
		if one.SourceID != source || one.OwnerID == "" || one.SourceKind != "code" || one.Language != "go" || one.Commit != revisions[one.Path] || one.Repo == "" ||
			len(one.Vector) != neighbourtest.Dimension || one.Vector[0] != float64(len(one.Content)) {
			t.Errorf("got chunk of %s, owner %q, source %s, kind %s, revision %q, vector of %d", one.Path, one.OwnerID, one.SourceID, one.SourceKind, one.Commit, len(one.Vector))
		}
	}
	for who, wrong := range map[string][]string{"chunker": append(c.Refused(), c.Pushes...), "graph": g.Refused(), "embeddings": e.Refused()} {
		if len(wrong) > 0 {
			t.Errorf("%s: got refused: %q", who, wrong)
		}
	}
}

// guilty is text for one chunk that holds a word.
func guilty(word string) string { return strings.Repeat("// "+word+"\n", 40) }

func chunksByID(g *neighbourtest.Graph) map[string]neighbourtest.GraphChunk {
	chunks := map[string]neighbourtest.GraphChunk{}
	for _, c := range g.Chunks {
		chunks[c.ID] = c
	}
	return chunks
}

// freeAddress is one that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return l.Addr().String()
}

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
// two. A chunk that the graph refuses under a 200 is a dead letter; the others
// arrive.
func TestEmbed(t *testing.T) {
	t.Parallel()

	const files, chunks = 30, 3
	tree := map[string]string{"guilty.go": "package guilty\n"}
	for n := range files {
		tree[fmt.Sprintf("%d.go", n)] = strings.Repeat(fmt.Sprintf("// line of %d\n", n), chunks*40)
	}
	dir := folder(t, tree)
	c, g, e := neighbourtest.NewChunker(t), neighbourtest.NewGraph(t), neighbourtest.NewEmbeddings(t)
	g.Fault = func(chunk neighbourtest.GraphChunk) string {
		if chunk.Path == "guilty.go" {
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
	source := connect(t, with(env, "DATA_CONNECTOR_URL="+server.URL), dir)
	g.Await("all chunks", func() bool { return len(chunksByID(g)) == files*chunks })
	db := database(t, env)
	awaitRow(t, db, `SELECT count(*) FROM read.file_stages st JOIN read.files f USING (file_id)
		WHERE st.stage = 'embed' AND st.state = 'done' AND (st.run, st.seq) = (f.run, f.seq)`, files)
	awaitRow(t, db, `SELECT count(*) FROM read.file_stages WHERE stage = 'embed' AND state = 'failed'`, 1)
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

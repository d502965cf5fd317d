package embed

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/confuse/data-connector/adapters/pipeline"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/wire"
)

// Dimension is what the graph's index of vectors has.
const Dimension = 384

var (
	errVectors = errors.New("embeddings did not answer for each chunk with 384 numbers")
	errStored  = errors.New("the graph stored fewer chunks than it was given, and says no error")
	errTold    = errors.New("the graph answered 200 with errors")
)

type toEmbed struct {
	ID      uuid.UUID `json:"id"`
	Content string    `json:"content"`
}

// give brings chunks to both neighbours, and tells which of them the graph refused.
func (c *Consumer) give(ctx context.Context, batch []*work) (map[uuid.UUID]error, error) {
	if len(batch) == 0 {
		return nil, nil
	}
	vectors, err := c.vectors(ctx, batch)
	if err != nil {
		return nil, &pipeline.FateError{Err: err} // the graph was not asked, and embeddings keeps nothing
	}
	return c.store(ctx, batch, vectors)
}

// vectors asks embeddings: a pure function, so asking again is harmless.
func (c *Consumer) vectors(ctx context.Context, batch []*work) (map[uuid.UUID][]float32, error) {
	in := struct {
		Chunks []toEmbed `json:"chunks"`
	}{make([]toEmbed, len(batch))}
	for n, w := range batch {
		in.Chunks[n] = toEmbed{w.chunk.ID, w.chunk.Content}
	}
	var out struct {
		Chunks []struct {
			ID        uuid.UUID `json:"id"`
			Embedding []float32 `json:"embedding"`
		} `json:"chunks"`
	}
	if err := c.Embeddings.PostJSON(ctx, "/batch/embed/chunks", keyOf(batch), in, &out); err != nil {
		return nil, fmt.Errorf("embeddings: %w", err)
	}
	all := make(map[uuid.UUID][]float32, len(batch))
	for _, one := range out.Chunks {
		all[one.ID] = one.Embedding
	}
	for _, w := range batch {
		if len(all[w.chunk.ID]) != Dimension {
			return nil, errVectors // another model: nothing about a chunk
		}
	}
	return all, nil
}

// keyOf is the same whenever the same chunks are sent together in the same turn, and no
// other ones have it: a neighbour that keeps keys must not take a half for the whole, nor
// the retry of a dead letter for what it has refused.
func keyOf(batch []*work) string {
	var all []byte
	for _, w := range batch {
		all = append(append(all, w.chunk.ID[:]...), w.msg.Metadata[wire.HeaderReplay]...)
	}
	return uuid.NewSHA1(uuid.Nil, all).String()
}

// A GraphChunk is one of POST /api/graph/chunks.
type GraphChunk struct {
	ID         uuid.UUID      `json:"id"`
	Content    string         `json:"content"`
	SourceKind string         `json:"source_kind"` // "code", or anything else for a document
	SourceType string         `json:"source_type"`
	SourceID   string         `json:"source_id"`
	OwnerID    domain.OwnerID `json:"owner_id"`
	FilePath   string         `json:"file_path,omitempty"`
	RepoName   string         `json:"repo_name,omitempty"`
	Language   string         `json:"language,omitempty"`
	Section    string         `json:"section_title,omitempty"`
	CommitSHA  string         `json:"commit_sha,omitempty"` // the revision of the file
	StartLine  *int32         `json:"start_line,omitempty"`
	EndLine    *int32         `json:"end_line,omitempty"`
	Metadata   map[string]any `json:"metadata"`
	Embedding  []float32      `json:"embedding"`
}

func graphChunk(w *work, vector []float32) GraphChunk {
	m := w.chunk.Metadata
	g := GraphChunk{
		ID: w.chunk.ID, Content: w.chunk.Content, SourceKind: "document", SourceType: pipeline.GraphSource(w.source.Provider),
		SourceID: w.item.SourceID.String(), OwnerID: w.item.OwnerID, FilePath: w.item.Path, RepoName: repository(w.source),
		CommitSHA: w.item.Revision, Embedding: vector,
		Metadata: map[string]any{
			"file_id": w.item.FileID, "source_item_id": w.item.ID, "run": w.item.At.Run, "seq": w.item.At.Seq, "sha256": w.item.Digest,
		},
	}
	if strings.HasPrefix(m.ContentType, "text/code:") {
		g.SourceKind = "code"
	}
	if m.Language != nil {
		g.Language = *m.Language
	}
	if m.Section != nil {
		g.Section = *m.Section
	}
	if len(m.LineRange) == 2 {
		g.StartLine, g.EndLine = &m.LineRange[0], &m.LineRange[1]
	}
	return g
}

func repository(s domain.Source) string {
	if s.Name != "" {
		return s.Name
	}
	return s.ExternalKey
}

// store gives chunks with vectors to the graph, and tells which of them it refused.
// What it says under a 200 counts: errors are final, and nothing stored without an
// error is its database away.
func (c *Consumer) store(ctx context.Context, batch []*work, vectors map[uuid.UUID][]float32) (map[uuid.UUID]error, error) {
	in := struct {
		Chunks   []GraphChunk `json:"chunks"`
		Entities bool         `json:"extract_entities"`
		Links    bool         `json:"create_cross_links"`
	}{make([]GraphChunk, len(batch)), true, true}
	for n, w := range batch {
		in.Chunks[n] = graphChunk(w, vectors[w.chunk.ID])
	}
	var out struct {
		Ingested int      `json:"chunks_ingested"`
		Errors   []string `json:"errors"`
	}
	if err := c.Graph.PostJSON(ctx, "/api/graph/chunks", keyOf(batch), in, &out); err != nil {
		return nil, fmt.Errorf("graph: %w", err)
	}
	if len(out.Errors) == 0 && out.Ingested < len(batch) {
		return nil, &pipeline.FateError{Err: errStored, MayHave: out.Ingested > 0}
	}
	if len(out.Errors) == 0 {
		return nil, nil
	}
	refused := named(batch, out.Errors)
	if len(refused) != len(out.Errors) || out.Ingested+len(refused) != len(batch) {
		return nil, told(out.Errors...) // nobody knows which: halves tell
	}
	return refused, nil
}

func told(errs ...string) error {
	return pipeline.Final(fmt.Errorf("%w: %.1000s", errTold, domain.Clean(strings.Join(errs, "; "))))
}

// named finds the chunks that errors tell of by their ids: the others of a batch are
// stored, and giving those once more would store them twice.
func named(batch []*work, errs []string) map[uuid.UUID]error {
	refused := make(map[uuid.UUID]error)
	for _, text := range errs {
		for _, w := range batch {
			if strings.Contains(text, w.chunk.ID.String()) {
				refused[w.chunk.ID] = told(text)
				break
			}
		}
	}
	return refused
}

package neighbourtest

import (
	"fmt"
	"testing"

	"github.com/google/uuid"
)

// Dimension is what the vectors of the graph have.
const Dimension = 384

// A GraphEntity is an entity that the graph took.
type GraphEntity struct {
	Type, Source, SourceID, Name string
	Properties                   map[string]any
}

// A GraphChunk is a chunk that the graph took.
type GraphChunk struct {
	ID, SourceID, SourceKind, SourceType, OwnerID, Content string
	Path, Repo, Language, Commit                           string
	Vector                                                 []any
}

// A Graph stands in for relation-graph. Nothing in it is idempotent.
type Graph struct {
	*Server
	Entities []GraphEntity
	Chunks   []GraphChunk
	// Fault gives what is wrong with a chunk; it is told under a 200. Nil: nothing is.
	Fault func(GraphChunk) string
	Empty bool // its database is away: 200, and nothing is stored
}

// NewGraph starts one for the time of a test.
func NewGraph(t *testing.T) *Graph {
	t.Helper()
	g := &Graph{}
	g.Server = newServer(t, map[string]route{
		"POST /api/graph/entities": g.entity, "POST /api/graph/chunks": g.chunks, "GET /health": healthy,
	})
	return g
}

var entityTypes = isOneOf("repository", "file", "function", "class", "module", "commit", "pull_request", "issue", "document", "section",
	"concept", "message", "thread", "channel", "person", "organization", "code_entity")

func (g *Graph) entity(body []byte) (func(), any, *refusal) {
	o, err := parse(body)
	if err == nil {
		err = o.required(map[string]check{"entity_type": isString, "source": isString, "source_id": isString, "name": isString})
	}
	if err == nil {
		err = o.optional(map[string]check{"properties": isMap, "text_for_embedding": isString})
	}
	if err != nil {
		return nil, nil, unprocessable(err.Error())
	}
	if err := entityTypes(o["entity_type"]); err != nil {
		return nil, nil, &refusal{400, `{"error":"Invalid entity type","status":400}`}
	}
	properties, _ := o["properties"].(map[string]any) // may be absent
	e := GraphEntity{o.text("entity_type"), o.text("source"), o.text("source_id"), o.text("name"), properties}
	id := uuid.NewString()
	take := func() { g.Entities = append(g.Entities, e) }
	return take, map[string]any{"entity_id": id, "neo4j_node_id": nil, "canonical_id": id, "resolved": false}, nil
}

func (g *Graph) chunks(body []byte) (func(), any, *refusal) {
	o, err := parse(body)
	if err != nil {
		return nil, nil, unprocessable(err.Error())
	}
	list, err := o.list("chunks")
	if err != nil {
		return nil, nil, unprocessable(err.Error())
	}
	var taken []GraphChunk
	errs := []string{}
	for _, one := range list {
		c, err := graphChunk(one)
		if err != nil {
			return nil, nil, unprocessable(err.Error())
		}
		if g.Fault != nil {
			if text := g.Fault(c); text != "" {
				errs = append(errs, fmt.Sprintf("chunk %s: %s", c.ID, text))
				continue
			}
		}
		taken = append(taken, c)
	}
	if g.Empty {
		taken, errs = nil, []string{}
	}
	return func() { g.Chunks = append(g.Chunks, taken...) }, map[string]any{
		"chunks_ingested": len(taken), "entities_extracted": 0, "relationships_created": 0, "vectors_stored": len(taken), "errors": errs,
	}, nil
}

func graphChunk(o object) (GraphChunk, error) {
	err := o.required(map[string]check{"content": isString, "source_kind": isString, "source_type": isString, "source_id": isString, "owner_id": isString})
	if err == nil {
		err = o.optional(map[string]check{
			"id": isUUID, "file_path": isString, "repo_name": isString, "branch": isString, "language": isString, "heading_path": isString,
			"section_title": isString, "author": isString, "commit_sha": isString, "commit_date": isTime, "start_line": isNumber, "end_line": isNumber,
			"token_count": isNumber, "metadata": isAny, "embedding": isFloats,
		})
	}
	if err != nil {
		return GraphChunk{}, err
	}
	vector, _ := o["embedding"].([]any) // may be absent
	return GraphChunk{
		ID: o.text("id"), SourceID: o.text("source_id"), SourceKind: o.text("source_kind"), SourceType: o.text("source_type"),
		OwnerID: o.text("owner_id"), Content: o.text("content"), Path: o.text("file_path"), Repo: o.text("repo_name"),
		Language: o.text("language"), Commit: o.text("commit_sha"), Vector: vector,
	}, nil
}

package neighbourtest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
)

// A ChunkItem is an item that the chunker accepted.
type ChunkItem struct {
	ID, SourceID, SourceKind, ContentType, Content string
	Metadata                                       map[string]any
	CreatedAt                                      string
}

// A Chunker stands in for the chunker. It accepts, forgets how far it is, and
// pushes chunks on to whoever is set up, without trying twice.
type Chunker struct {
	*Server
	Embed, Graph string // base URLs that it pushes to; empty: nobody
	Items        []ChunkItem
	Requests     []int    // items in each request
	Pushes       []string // what went wrong when pushing

	jobs   map[string]int
	pushes sync.WaitGroup
}

// NewChunker starts one for the time of a test.
func NewChunker(t *testing.T) *Chunker {
	t.Helper()
	c := &Chunker{jobs: map[string]int{}}
	c.Server = newServer(t, map[string]route{"POST /chunk/jobs": c.create, "GET /chunk/jobs/": c.status, "GET /health": healthy})
	t.Cleanup(c.pushes.Wait)
	return c
}

func healthy([]byte) (func(), any, *refusal) {
	return nil, map[string]string{"status": "healthy", "version": "test"}, nil
}

// status is what a job never gets beyond: the real one looks after another copy.
func (c *Chunker) status(id []byte) (func(), any, *refusal) {
	n, ok := c.jobs[string(id)]
	if !ok {
		return nil, nil, &refusal{http.StatusNotFound, "Job not found"}
	}
	return nil, map[string]any{"job_id": string(id), "status": "pending", "total_items": n, "processed_items": 0, "chunks_created": 0}, nil
}

var sourceKinds = isOneOf("code_repo", "document", "chat", "ticketing", "wiki", "email", "web", "other")

func (c *Chunker) create(body []byte) (func(), any, *refusal) {
	items, err := checkJob(body)
	if err != nil {
		return nil, nil, unprocessable("Failed to deserialize the JSON body into the target type: " + err.Error())
	}
	if len(items) == 0 {
		return nil, map[string]any{"job_id": uuid.Nil, "accepted": false, "items_count": 0, "message": "No items provided"}, nil
	}
	id := uuid.NewString()
	take := func() {
		c.Items, c.Requests = append(c.Items, items...), append(c.Requests, len(items))
		c.jobs[id] = len(items)
		if c.Embed != "" || c.Graph != "" {
			c.pushes.Go(func() { c.push(items) })
		}
	}
	return take, map[string]any{"job_id": id, "accepted": true, "items_count": len(items), "message": nil}, nil
}

func checkJob(body []byte) ([]ChunkItem, error) {
	job, err := parse(body)
	if err != nil {
		return nil, err
	}
	if err := job.required(map[string]check{"source_id": isUUID, "source_kind": sourceKinds}); err != nil {
		return nil, err
	}
	list, err := job.list("items")
	if err != nil {
		return nil, err
	}
	items := make([]ChunkItem, len(list))
	for i, o := range list {
		err := o.required(map[string]check{
			"id": isUUID, "source_id": isUUID, "source_kind": sourceKinds, "content_type": isString, "content": isString, "metadata": isAny,
		})
		if err == nil {
			err = o.optional(map[string]check{"created_at": isTime})
		}
		if err != nil {
			return nil, err
		}
		meta, _ := o["metadata"].(map[string]any) // null is allowed
		items[i] = ChunkItem{
			ID: o.text("id"), SourceID: o.text("source_id"), SourceKind: o.text("source_kind"), ContentType: o.text("content_type"),
			Content: o.text("content"), Metadata: meta, CreatedAt: o.text("created_at"),
		}
	}
	return items, nil
}

// linesOf a chunk, in place of the tokens of the real one.
const linesOf = 40

// push sends the chunks of items to both targets, 50 at a time.
func (c *Chunker) push(items []ChunkItem) {
	var embed, graph []any
	for _, i := range items {
		lines := strings.SplitAfter(i.Content, "\n")
		for n := 0; n*linesOf < len(lines); n++ {
			content := strings.Join(lines[n*linesOf:min((n+1)*linesOf, len(lines))], "")
			if content == "" {
				continue
			}
			meta := map[string]any{
				"content_type": i.ContentType, "language": i.Metadata["language"], "path": i.Metadata["path"], "section": nil, "symbol_name": nil,
				"parent_symbol": nil, "line_range": []int{n*linesOf + 1, n*linesOf + linesOf}, "author": nil, "thread_id": nil, "timestamp": nil, "extra": nil,
			}
			id := uuid.NewString()
			embed = append(embed, map[string]any{"id": id, "source_item_id": i.ID, "source_id": i.SourceID, "content": content, "metadata": meta})
			graph = append(graph, map[string]any{
				"id": id, "content": content, "source_kind": i.SourceKind, "source_type": "unknown", "source_id": i.SourceID,
				"file_path": i.Metadata["path"], "language": i.Metadata["language"], "owner_id": nil, "metadata": meta,
			})
		}
	}
	for at := 0; at < len(embed); at += 50 {
		to := min(at+50, len(embed))
		if c.Embed != "" {
			c.tell(c.Embed+"/embed/chunks", map[string]any{"chunks": embed[at:to]}, 30*time.Second, "embedded_count")
		}
		if c.Graph != "" {
			c.tell(c.Graph+"/api/graph/chunks", map[string]any{"chunks": graph[at:to], "extract_entities": true, "create_cross_links": true},
				time.Minute, "chunks_processed", "entities_created", "relationships_created")
		}
	}
}

// tell posts one batch; its answer has to hold numbers under these names.
func (c *Chunker) tell(url string, body any, timeout time.Duration, names ...string) {
	wrong := func(text string) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.Pushes = append(c.Pushes, url+": "+text)
	}
	data, err := json.Marshal(body)
	if err != nil {
		wrong(err.Error())
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(data))
	if err != nil {
		wrong(err.Error())
		return
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		wrong(err.Error())
		return
	}
	defer func() { _ = resp.Body.Close() }() // what was read counts
	text, _ := io.ReadAll(resp.Body)         // what came is enough to tell
	answer, err := parse(text)
	if resp.StatusCode/100 != 2 || err != nil {
		wrong(resp.Status + ": " + string(text))
		return
	}
	for _, name := range names {
		if err := answer.required(map[string]check{name: isNumber}); err != nil {
			wrong(err.Error())
		}
	}
}

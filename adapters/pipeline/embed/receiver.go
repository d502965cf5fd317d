package embed

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/uuid"

	"github.com/confuse/data-connector/domain/wire"
)

const (
	maxPush  = 32 << 20 // bytes of one push: 50 chunks, whatever their size
	maxChunk = 900_000  // bytes of a chunk that the log takes
)

// The headers of a chunk. headerPush tells which push it came with, headerRefused why it
// lies there without its content.
const (
	headerPush    = "push"
	headerRefused = "refused"
)

// The pushes of the chunker. Both hold the same chunks; only the first tells of
// which item each is, so only that one is worked off.
const (
	pushEmbed = "embed"
	pushGraph = "graph"
)

// A Receiver serves what the chunker pushes to: POST /embed/chunks and
// POST /api/graph/chunks. It answers once the chunks are durable (I5).
type Receiver struct {
	Topic  string
	Chunks message.Publisher
	Log    *slog.Logger
}

// Handler gives the routes.
func (r *Receiver) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /embed/chunks", r.take(pushEmbed, func(n int) any {
		return map[string]any{"embedded_count": n, "errors": []string{}}
	}))
	mux.HandleFunc("POST /api/graph/chunks", r.take(pushGraph, func(n int) any {
		return map[string]any{"chunks_processed": n, "entities_created": 0, "relationships_created": 0, "errors": []string{}}
	}))
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) { answer(w, map[string]string{"status": "healthy"}) })
	return mux
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the other side may be gone
}

func (r *Receiver) take(push string, say func(n int) any) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		messages, err := read(http.MaxBytesReader(w, req.Body, maxPush), push)
		if err != nil {
			http.Error(w, err.Error(), http.StatusUnprocessableEntity)
			return
		}
		if err := r.Chunks.Publish(r.Topic, messages...); err != nil {
			r.Log.ErrorContext(req.Context(), "pushed chunks are lost", "chunks", len(messages), "err", err)
			http.Error(w, "the log does not take chunks", http.StatusServiceUnavailable)
			return
		}
		answer(w, say(len(messages)))
	}
}

var errShape = errors.New("want {\"chunks\": [...]}, each with a UUID as id")

func read(body io.Reader, push string) ([]*message.Message, error) {
	var in struct {
		Chunks []json.RawMessage `json:"chunks"`
	}
	if err := json.NewDecoder(body).Decode(&in); err != nil {
		return nil, errShape
	}
	messages := make([]*message.Message, len(in.Chunks))
	for n, raw := range in.Chunks {
		var c Chunk
		if json.Unmarshal(raw, &c) != nil || c.ID == uuid.Nil || push == pushEmbed && c.ItemID == uuid.Nil {
			return nil, errShape
		}
		m := message.NewMessage(c.ID.String(), message.Payload(raw))
		if len(raw) > maxChunk { // the others of its push come but once
			m.Metadata[headerRefused] = fmt.Sprintf("a chunk of %d bytes is larger than the log takes", len(raw))
			m.Payload, _ = json.Marshal(Chunk{ID: c.ID, ItemID: c.ItemID, SourceID: c.SourceID}) // never fails
		}
		m.Metadata[wire.MetaKey], m.Metadata[headerPush] = c.ID.String(), push
		if c.ItemID != uuid.Nil {
			m.Metadata[wire.HeaderCorrelation] = c.ItemID.String() // items go under the ids of their events
		}
		messages[n] = m
	}
	return messages, nil
}

// A Chunk is what the chunker pushes to /embed/chunks.
type Chunk struct {
	ID       uuid.UUID `json:"id"` // random: the same text gets another one each time
	ItemID   uuid.UUID `json:"source_item_id"`
	SourceID uuid.UUID `json:"source_id"`
	Content  string    `json:"content"`
	Metadata struct {
		ContentType string  `json:"content_type"`
		Language    *string `json:"language"`
		Path        *string `json:"path"`
		Section     *string `json:"section"`
		LineRange   []int32 `json:"line_range"`
	} `json:"metadata"`
}

package embed_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/uuid"

	"github.com/confuse/data-connector/adapters/clock"
	"github.com/confuse/data-connector/adapters/pipeline"
	"github.com/confuse/data-connector/adapters/pipeline/embed"
	"github.com/confuse/data-connector/adapters/pipeline/neighbourtest"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/wire"
)

// A world is what a Consumer has around it. Its tables are away for a while.
type world struct {
	t       *testing.T
	item    domain.HandedItem
	graph   *neighbourtest.Graph
	vectors *neighbourtest.Embeddings

	mu      sync.Mutex
	vain    int // so often the tables fail
	parts   domain.Parts
	taken   map[uuid.UUID]bool
	letters []*message.Message
	told    []pipeline.Observed
	reports chan domain.StageReported
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return &world{
		t: t, graph: neighbourtest.NewGraph(t), vectors: neighbourtest.NewEmbeddings(t), reports: make(chan domain.StageReported, 10), taken: map[uuid.UUID]bool{},
		item: domain.HandedItem{
			ID: uuid.New(), SourceID: domain.SourceID{UUID: uuid.New()}, OwnerID: "ann", FileID: domain.FileID{UUID: uuid.New()},
			At: domain.Revised{Run: 1, Seq: 1}, Path: "a.go", Revision: "r",
		},
	}
}

func (w *world) away() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.gone()
}

func (w *world) gone() error {
	if w.vain--; w.vain >= 0 {
		return errors.New("no database")
	}
	return nil
}

// Find implements embed.Items, as do the next four.
func (w *world) Find(context.Context, string, []uuid.UUID) (map[uuid.UUID]domain.HandedItem, error) {
	return map[uuid.UUID]domain.HandedItem{w.item.ID: w.item}, w.away()
}

func (w *world) Taken(context.Context, string, []domain.HandedPart) (map[uuid.UUID]bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.taken), w.gone()
}

func (w *world) Take(_ context.Context, _ string, parts []domain.HandedPart) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range parts {
		if !w.taken[p.ID] {
			w.parts.Accepted++
		}
		w.taken[p.ID] = true
	}
	w.parts.Refused = slices.DeleteFunc(w.parts.Refused, func(r domain.RefusedPart) bool { return slices.Contains(parts, r.HandedPart) })
	return nil
}

func (w *world) Refuse(_ context.Context, _ string, p domain.RefusedPart) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.parts.Refused = append(w.parts.Refused, p)
	return nil
}

func (w *world) Parts(context.Context, string, []uuid.UUID) (map[uuid.UUID]domain.Parts, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return map[uuid.UUID]domain.Parts{w.item.ID: w.parts}, nil
}

// A log takes reports.
type log struct {
	domain.Log
	*world
}

func (l log) Append(_ context.Context, messages ...domain.Message) ([]domain.Position, error) {
	for _, m := range messages {
		l.reports <- m.Event.(domain.StageReported) //nolint:forcetypeassert // nothing else is reported
	}
	return make([]domain.Position, len(messages)), nil
}

// Publish implements message.Publisher: of dead letters.
func (w *world) Publish(_ string, messages ...*message.Message) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range messages {
		m.Metadata[wire.MetaOffset] = strconv.Itoa(len(w.letters))
		w.letters = append(w.letters, m)
	}
	return nil
}

func (w *world) Close() error { return nil }

func (w *world) observe(o pipeline.Observed) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.told = append(w.told, o)
}

// A topic keeps what is published to it, and hands it out once.
type topic struct{ messages chan *message.Message }

func (p topic) Publish(_ string, messages ...*message.Message) error {
	for _, m := range messages {
		m.Metadata[wire.MetaTopic], m.Metadata[wire.MetaPartition], m.Metadata[wire.MetaOffset] = "chunks", "0", "7"
		p.messages <- m
	}
	return nil
}

func (p topic) Subscribe(ctx context.Context, _ string) (<-chan *message.Message, error) {
	out := make(chan *message.Message)
	go func() {
		defer close(out)
		for {
			select {
			case m := <-p.messages:
				m.SetContext(ctx)
				out <- m
			case <-ctx.Done():
				return
			}
		}
	}()
	return out, nil
}

func (p topic) Close() error { return nil }

// push gives chunks of the item with these texts to a receiver, as the chunker does.
func (w *world) push(to topic, texts ...string) {
	w.t.Helper()
	var chunks []any
	for _, text := range texts {
		chunks = append(chunks, map[string]any{"id": uuid.New(), "source_item_id": w.item.ID, "source_id": w.item.SourceID, "content": text, "metadata": map[string]any{}})
	}
	body, err := json.Marshal(map[string]any{"chunks": chunks})
	if err != nil {
		w.t.Fatal(err)
	}
	receiver := &embed.Receiver{Topic: "chunks", Chunks: to, Log: slog.New(slog.DiscardHandler)}
	answer := httptest.NewRecorder()
	receiver.Handler().ServeHTTP(answer, httptest.NewRequestWithContext(w.t.Context(), http.MethodPost, "/embed/chunks", bytes.NewReader(body)))
	if answer.Code != http.StatusOK {
		w.t.Fatalf("the receiver answered %d: %s", answer.Code, answer.Body)
	}
}

// consume works live and again off until the test ends.
func (w *world) consume(live, again topic) {
	client := func(url string) pipeline.Client { return pipeline.Client{URL: url, HTTP: pipeline.HTTPClient(1)} }
	c := &embed.Consumer{
		Live: pipeline.Feed{Topic: "chunks", Subscriber: live}, Again: pipeline.Feed{Topic: "replay", Subscriber: again},
		Embeddings: client(w.vectors.URL()), Graph: client(w.graph.URL()), Items: w,
		Sources: func(context.Context, domain.SourceID) (domain.Source, error) {
			return domain.Source{ID: w.item.SourceID, Registered: true}, w.away()
		},
		Dead: w, DeadTopic: "dead", Reports: log{world: w}, Clock: clock.System{}, Log: slog.New(slog.DiscardHandler), Observe: w.observe,
		Patience: pipeline.Patience{First: time.Millisecond, Last: time.Millisecond, Trips: 2, Open: time.Millisecond},
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(w.t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	w.t.Cleanup(func() { stop(); <-ended })
}

// reported waits for the next report.
func (w *world) reported() domain.StageReported {
	w.t.Helper()
	select {
	case r := <-w.reports:
		return r
	case <-time.After(20 * time.Second):
		w.t.Fatal("nothing is reported")
		panic("unreachable")
	}
}

func newTopic() topic { return topic{make(chan *message.Message, 10)} }

package embed_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/confuse/data-connector/adapters/clock"
	"github.com/confuse/data-connector/adapters/pipeline"
	"github.com/confuse/data-connector/adapters/pipeline/embed"
	"github.com/confuse/data-connector/adapters/pipeline/neighbourtest"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/wire"
	"github.com/confuse/data-connector/projections"
)

// Tables that are away are no trouble of the neighbours: nobody is told so, and no
// circuit opens.
func TestTroubleOfTheTablesIsOurOwn(t *testing.T) {
	t.Parallel()

	w, live := newWorld(t), newTopic()
	w.vain = 9
	w.push(live, "package a")
	w.consume(live, newTopic())
	if r := w.reported(); r.State != domain.StageDone || r.Items != 1 {
		t.Errorf("got %+v", r)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, o := range w.told {
		if o.Trouble || o.Changed || o.Repeats > 0 {
			t.Errorf("got told %+v", o)
		}
	}
}

// A letterbox holds the one dead letter of the item.
type letterbox struct{ *world }

func (b letterbox) ListLetters(context.Context, domain.OwnerID, projections.LetterPage) ([]projections.LetterRow, *projections.LetterKey, error) {
	return []projections.LetterRow{{
		LetterKey: projections.LetterKey{Stage: embed.Name, File: b.item.FileID}, SourceID: b.item.SourceID, Owner: b.item.OwnerID, Letter: &domain.Letter{},
	}}, nil, nil
}

func (b letterbox) GetLetter(context.Context, domain.OwnerID, projections.LetterKey) (projections.LetterRow, error) {
	return projections.LetterRow{}, nil
}

// retry has the first dead letter handed on again.
func (w *world) retry(again topic) {
	w.t.Helper()
	desk := &pipeline.Desk{
		Letters: letterbox{w}, Dead: "dead", Again: again, Topic: "replay", Clock: clock.System{},
		Messages: func(_ context.Context, _ string, _ int32, offsets []int64) (map[int64]*message.Message, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			return map[int64]*message.Message{offsets[0]: w.letters[0]}, nil
		},
	}
	if retried, gone, err := desk.Retry(w.t.Context(), "ann", projections.LetterPage{}); retried != 1 || gone != 0 || err != nil {
		w.t.Fatalf("got %d retried, %d gone, %v", retried, gone, err)
	}
}

// The id of the event of a file is carried to its chunks, to their dead letters, and to
// what a retry makes of those. Each retry has an idempotency key of its own: a neighbour
// that keeps keys is not to answer as before.
func TestDeadLettersOfChunksNameTheEvent(t *testing.T) {
	t.Parallel()

	w, live, again := newWorld(t), newTopic(), newTopic()
	keys := map[string]bool{}
	w.graph.Fault = func(neighbourtest.GraphChunk) string { return "no entity in sight" }
	w.graph.Reply = func(r *http.Request, _ []byte) (int, string) {
		keys[r.Header.Get(pipeline.HeaderKey)] = true
		return 0, ""
	}
	w.push(live, "package a")
	w.consume(live, again)
	w.reported()
	w.retry(again)
	w.reported()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.letters) != 2 {
		t.Fatalf("got %d dead letters, want one of each try", len(w.letters))
	}
	for n, letter := range w.letters {
		if got := letter.Metadata["correlation_id"]; got != w.item.ID.String() {
			t.Errorf("letter %d: got %q, want the event %s; the chunk is %s", n+1, got, w.item.ID, letter.UUID)
		}
	}
	if len(keys) != 2 {
		t.Errorf("got the keys %v, want one of each try", keys)
	}
	if w.graph.Refused() != nil {
		t.Errorf("the graph refused %q", w.graph.Refused())
	}
}

// What the graph has is not given to it again when its record comes again behind a crash:
// nothing there is idempotent. Its file is reported again.
func TestChunksThatTheGraphHas(t *testing.T) {
	t.Parallel()

	w, live := newWorld(t), newTopic()
	w.push(live, "package a")
	m := <-live.messages
	again := m.Copy()
	live.messages <- m
	w.consume(live, newTopic())
	w.reported()
	live.messages <- again
	w.push(live, "package b")
	for r := w.reported(); r.Items < 2; r = w.reported() {
		if r.State != domain.StageDone || r.Items != 1 {
			t.Errorf("got %+v", r)
		}
	}
	w.graph.Look(func() {
		if len(w.graph.Chunks) != 2 {
			t.Errorf("the graph got %d chunks, want each of two once", len(w.graph.Chunks))
		}
	})
}

// A chunk that the log does not take is in plain sight as a dead letter, and takes no
// other chunk of its push with it, which the chunker would not push again. It has no content
// any more, so a retry fails again.
func TestChunkThatTheLogDoesNotTake(t *testing.T) {
	t.Parallel()

	w, live := newWorld(t), newTopic()
	w.push(live, strings.Repeat("x", 1_000_000), "package a")
	if n := len(live.messages); n != 2 {
		t.Fatalf("%d chunks are on the log", n)
	}
	again := newTopic()
	w.consume(live, again)
	for range 2 {
		w.reported()
	}
	w.retry(again)
	last := w.reported()
	if last.State != domain.StageFailed || !strings.Contains(last.Error, "bytes is larger than the log takes") || last.Letter == nil {
		t.Errorf("got %+v", last)
	}
	w.graph.Look(func() {
		if len(w.graph.Chunks) != 1 || w.graph.Chunks[0].Content != "package a" {
			t.Errorf("the graph got %d chunks", len(w.graph.Chunks))
		}
	})
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.letters) != 2 {
		t.Errorf("got %d dead letters, want one of each try", len(w.letters))
	}
	for _, letter := range w.letters {
		if len(letter.Payload) > 1000 || letter.Metadata[wire.HeaderSubject] != w.item.FileID.String() {
			t.Errorf("got a letter of %d bytes under %q", len(letter.Payload), letter.Metadata[wire.HeaderSubject])
		}
	}
}

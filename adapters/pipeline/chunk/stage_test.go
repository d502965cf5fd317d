package chunk_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/confuse/data-connector/adapters/pipeline"
	"github.com/confuse/data-connector/adapters/pipeline/chunk"
	"github.com/confuse/data-connector/adapters/pipeline/neighbourtest"
	"github.com/confuse/data-connector/adapters/pipeline/normalize"
	"github.com/confuse/data-connector/domain"
)

// A table remembers what was given, and is away for a while.
type table struct {
	domain.HandedItems
	mu       sync.Mutex
	offered  error // is what Offer gives
	vain     int   // so often Accept fails
	accepted map[uuid.UUID]bool
}

func (t *table) Offer(_ context.Context, _, _ string, items []domain.HandedItem) ([]domain.HandedBefore, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	before := make([]domain.HandedBefore, len(items))
	for n, i := range items {
		before[n].Accepted = t.accepted[i.ID]
	}
	return before, t.offered
}

func (t *table) Accept(_ context.Context, _, _ string, ids []uuid.UUID) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.vain--; t.vain >= 0 {
		return errors.New("no database")
	}
	for _, id := range ids {
		t.accepted[id] = true
	}
	return nil
}

// handed is a batch of texts, each of another file.
func handed(texts ...string) []pipeline.Handover {
	source := domain.SourceID{UUID: uuid.New()}
	batch := make([]pipeline.Handover, len(texts))
	for n, text := range texts {
		batch[n] = pipeline.Handover{
			ID: domain.EventID{UUID: uuid.New()}, Time: time.Now(), Source: domain.Source{ID: source},
			File: domain.FileChanged{
				SourceID: source, OwnerID: "ann", FileID: domain.FileID{UUID: uuid.New()}, Run: 1, Seq: int64(n + 1), Change: domain.FileAdded,
				FileState: domain.FileState{
					Path: fmt.Sprintf("%d.txt", n), Kind: domain.KindFile, Revision: "r",
					Content: &domain.ClaimCheck{SHA256: sha256.Sum256([]byte(text)), Size: int64(len(text))},
				},
			},
			Open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil },
		}
	}
	return batch
}

func newStage(t *testing.T) (*chunk.Stage, *neighbourtest.Chunker, *table) {
	t.Helper()
	c, given := neighbourtest.NewChunker(t), &table{accepted: map[uuid.UUID]bool{}}
	return chunk.New(pipeline.Client{URL: c.URL(), HTTP: pipeline.HTTPClient(1)}, normalize.New(nil, 1<<20), given), c, given
}

// A 200 is the last word of the chunker: what it does not say to be accepted is a dead
// letter that tells so, and nothing of the request is sent again.
func TestNothingIsSentAgainAfter200(t *testing.T) {
	t.Parallel()

	for name, tt := range map[string]struct {
		answer string
		want   string // in the error; empty: all are done
	}{
		"all":          {`{"accepted": true, "items_count": 3}`, ""},
		"more":         {`{"accepted": true, "items_count": 4}`, ""},
		"some":         {`{"accepted": true, "items_count": 2, "message": "as I say"}`, `has accepted 2 of 3 items, and not which: "as I say"`},
		"none":         {`{"accepted": false, "message": "as I say"}`, `has accepted none of 3 items: "as I say"`},
		"nothing":      {"", "cannot be read"},
		"a word":       {"ok", "cannot be read"},
		"a text":       {`{"accepted": true, "items_count": "3"}`, "cannot be read"},
		"another id":   {`{"job_id": "x", "accepted": true, "items_count": 3}`, "cannot be read"},
		"another form": {"[]", "cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			s, c, given := newStage(t)
			c.Reply = func(*http.Request, []byte) (int, string) {
				return http.StatusOK, tt.answer
			}
			outcomes, err := s.Handle(t.Context(), handed("a", "b", "c"))
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range outcomes {
				failed := o.State == domain.StageFailed && strings.Contains(o.Err.Error(), tt.want)
				if tt.want == "" && o.State != domain.StageDone || tt.want != "" && !failed {
					t.Errorf("got %+v", o)
				}
			}
			if asked, _ := c.Asked(); asked != 1 {
				t.Errorf("the chunker was asked %d times", asked)
			}
			if want := tt.want == ""; (len(given.accepted) == 3) != want || (len(given.accepted) == 0) == want {
				t.Errorf("%d are remembered as accepted", len(given.accepted))
			}
		})
	}
}

// Nothing that the chunker has accepted is sent again while the table of it is away.
func TestAcceptedIsKeptInTheEnd(t *testing.T) {
	t.Parallel()

	s, c, given := newStage(t)
	given.vain = 2
	batch := handed("a", "b")
	outcomes, err := s.Handle(t.Context(), batch)
	if err != nil || outcomes[0].State != domain.StageDone || outcomes[1].State != domain.StageDone || len(c.Items) != 2 {
		t.Errorf("got %+v, %v and %d items", outcomes, err, len(c.Items))
	}
	if !given.accepted[batch[0].ID.UUID] || !given.accepted[batch[1].ID.UUID] {
		t.Errorf("got accepted %v", given.accepted)
	}
}

// A table that is away is no trouble of the chunker.
func TestTroubleOfTheTableIsOurOwn(t *testing.T) {
	t.Parallel()

	s, c, given := newStage(t)
	given.offered = errors.New("no database")
	_, err := s.Handle(t.Context(), handed("a"))
	if own := new(pipeline.OwnError); !errors.As(err, &own) {
		t.Errorf("got %v", err)
	}
	if asked, _ := c.Asked(); asked > 0 {
		t.Error("the chunker was asked")
	}
}

// Trouble behind an accepted part of a batch takes nothing back: that is done, and only
// the rest is handed in again.
func TestTroubleBehindWhatIsAccepted(t *testing.T) {
	t.Parallel()

	s, c, _ := newStage(t)
	c.Reply = func(_ *http.Request, body []byte) (int, string) {
		if bytes.Contains(body, []byte(`"chat"`)) {
			return http.StatusServiceUnavailable, "later"
		}
		return 0, ""
	}
	batch := handed("a", "b", "c")
	batch[1].File.Kind = domain.KindCommentThread // which goes by itself
	batch[2].Replay = "r"                         // likewise, behind it
	_, err := s.Handle(t.Context(), batch)
	part := new(pipeline.PartError)
	if !errors.As(err, &part) {
		t.Fatalf("got %v", err)
	}
	if o := part.Outcomes; o[0].State != domain.StageDone || o[1].State != "" || !errors.Is(err, o[1].Err) || o[2] != (pipeline.Outcome{}) || len(c.Items) != 1 {
		t.Errorf("got %+v and %d items", o, len(c.Items))
	}
}

// A cut is a normalizer that is cut off.
type cut struct{}

func (cut) Process(context.Context, pipeline.Handover, normalize.Text) (normalize.Text, error) {
	return normalize.Text{}, io.ErrUnexpectedEOF
}

// Trouble on the way to the text brings nothing to the chunker.
func TestTroubleOfTheText(t *testing.T) {
	t.Parallel()

	c := neighbourtest.NewChunker(t)
	s := chunk.New(pipeline.Client{URL: c.URL(), HTTP: pipeline.HTTPClient(1)}, normalize.New(cut{}, 1<<20), &table{accepted: map[uuid.UUID]bool{}})
	_, err := s.Handle(t.Context(), handed("a", "b"))
	if fate := new(pipeline.FateError); !errors.As(err, &fate) || fate.MayHave {
		t.Errorf("got %v (%T), want that nothing is there", err, err)
	}
}

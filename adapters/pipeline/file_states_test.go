package pipeline_test

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/uuid"

	"github.com/confuse/data-connector/adapters/clock"
	"github.com/confuse/data-connector/adapters/pipeline"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/wire"
	"github.com/confuse/data-connector/projections"
)

// A shelf is a log of one partition, the topic of last states, and the table.
type shelf struct {
	t      *testing.T
	log    []*message.Message
	events []domain.FileChanged
	mu     sync.Mutex
	topic  []*message.Message
	rows   map[domain.FileID]int // of live files: the offset of their last event
	read   int64                 // offsets that were gone through for events
	behind func()                // is called once something was published
}

func newShelf(t *testing.T) *shelf {
	t.Helper()
	return &shelf{t: t, rows: map[domain.FileID]int{}, behind: func() {}}
}

func (s *shelf) states() *pipeline.FileStates {
	return &pipeline.FileStates{
		Live: pipeline.Feed{Topic: "events"}, Out: s, Topic: "states", All: s.all, Messages: s.messages, Tables: s,
		Ends:  func(context.Context) (map[int32]int64, error) { return map[int32]int64{1: int64(len(s.log))}, nil },
		Clock: clock.System{}, Log: slog.New(slog.DiscardHandler),
	}
}

// happens puts a change of a file on the log, and its row into the table.
func (s *shelf) happens(file domain.FileID, change domain.FileChange) *message.Message {
	e := domain.FileChanged{
		FileID: file, SourceID: domain.SourceID{UUID: uuid.New()}, OwnerID: "ann", JobID: domain.JobID{UUID: uuid.New()}, Run: 1,
		RunID: domain.RunID{UUID: uuid.New()}, Seq: int64(len(s.log) + 1), Change: change, FileState: domain.FileState{Path: "a", Kind: domain.KindFile, Revision: "r"},
	}
	m := messageOf(s.t, e)
	m.Metadata[wire.MetaOffset] = strconv.Itoa(len(s.log))
	s.log, s.events = append(s.log, m), append(s.events, e)
	if s.rows[file] = len(s.log) - 1; change == domain.FileRemoved {
		delete(s.rows, file)
	}
	return m
}

// Publish implements message.Publisher.
func (s *shelf) Publish(_ string, messages ...*message.Message) error {
	s.mu.Lock() // the router publishes side by side
	defer s.mu.Unlock()
	s.topic = append(s.topic, messages...)
	s.behind()
	return nil
}

func (s *shelf) Close() error { return nil }

func (s *shelf) all(context.Context, string, int32) iter.Seq2[domain.Record, error] {
	return func(yield func(domain.Record, error) bool) {
		for _, m := range slices.Clone(s.topic) {
			r := domain.Record{Key: []byte(m.Metadata[wire.MetaKey]), Headers: m.Metadata, Raw: m.Payload}
			if r.Event, r.Err = wire.Decode(r.Headers, r.Raw); !yield(r, nil) {
				return
			}
		}
	}
}

func (s *shelf) messages(_ context.Context, _ string, _ int32, offsets []int64) (map[int64]*message.Message, error) {
	found := map[int64]*message.Message{}
	for _, o := range offsets {
		found[o] = s.log[o]
	}
	if len(offsets) > 0 {
		s.read += slices.Max(offsets) - slices.Min(offsets) + 1
	}
	return found, nil
}

func (s *shelf) Places(_ context.Context, files []domain.FileID) (map[domain.FileID]domain.Position, error) {
	places := map[domain.FileID]domain.Position{}
	for _, id := range files {
		if at, ok := s.rows[id]; ok {
			places[id] = domain.Position{Partition: 1, Offset: int64(at)}
		}
	}
	return places, nil
}

func (s *shelf) FilePlaces(context.Context, int32) iter.Seq2[projections.FilePlace, error] {
	return func(yield func(projections.FilePlace, error) bool) {
		for id, at := range s.rows {
			if !yield(projections.FilePlace{ID: id, At: s.events[at].Revised(), Offset: int64(at)}, nil) {
				return
			}
		}
	}
}

// check compares what a reader of the topic knows with the table.
func (s *shelf) check() {
	s.t.Helper()
	got := map[string]string{}
	for r := range s.all(s.t.Context(), "", 1) {
		key := string(r.Key)
		if delete(got, key); len(r.Raw) > 0 {
			got[key] = string(r.Raw)
		}
	}
	for id, at := range s.rows {
		if got[id.String()] != string(s.log[at].Payload) {
			s.t.Errorf("file %s: got %q, want %q", id, got[id.String()], s.log[at].Payload)
		}
		delete(got, id.String())
	}
	if len(got) > 0 {
		s.t.Errorf("got %d files that are not there", len(got))
	}
}

// Whatever a topic says, once it is mended it says what the table does, and there
// is nothing left to mend; the log is read once for that.
func TestMend(t *testing.T) {
	t.Parallel()

	for seed := range uint64(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()

			r, s := rand.New(rand.NewPCG(seed, 1)), newShelf(t)
			files := make([]domain.FileID, 1+r.IntN(3000))
			for i := range files {
				files[i] = domain.FileID{UUID: uuid.New()}
			}
			for range 2 * len(files) {
				change := domain.FileModified
				if r.IntN(5) == 0 {
					change = domain.FileRemoved
				}
				m := s.happens(files[r.IntN(len(files))], change)
				if r.IntN(3) > 0 { // what is left out is old, missing or too much in the end
					state := message.NewMessage(m.UUID, m.Payload)
					if state.Metadata = m.Metadata; change == domain.FileRemoved {
						state.Payload = nil
					}
					s.topic = append(s.topic, state)
				}
			}
			states := s.states()
			if n, err := states.Mend(t.Context()); err != nil || n == 0 && len(files) > 20 {
				t.Fatalf("mended %d, %v", n, err)
			}
			s.check()
			if s.read > int64(2*len(s.log)) {
				t.Errorf("mending went through %d offsets of a log of %d", s.read, len(s.log))
			}
			before := len(s.topic)
			if n, err := states.Mend(t.Context()); err != nil || n != 0 || len(s.topic) != before {
				t.Errorf("mended %d more, %v", n, err)
			}
		})
	}
}

// A file that changes while its state is mended does not end in the old one.
func TestMendBesideChanges(t *testing.T) {
	t.Parallel()

	s := newShelf(t)
	stays, goes := domain.FileID{UUID: uuid.New()}, domain.FileID{UUID: uuid.New()}
	s.happens(stays, domain.FileAdded)
	s.happens(goes, domain.FileAdded)
	s.behind = func() {
		s.behind = func() {}
		newer := s.happens(stays, domain.FileModified)
		removed := s.happens(goes, domain.FileRemoved)
		// Somebody else publishes them, and the old ones land behind.
		old := slices.Clone(s.topic)
		s.topic = append(append(s.topic[:0:0], newer, removed), old...)
	}
	if _, err := s.states().Mend(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.check()
}

// A state is the event as it stands on the log, under the file's id and in its
// partition; of a removed file there is a key without a value.
func TestStateOfFile(t *testing.T) {
	t.Parallel()

	s := newShelf(t)
	lives, gone := domain.FileID{UUID: uuid.New()}, domain.FileID{UUID: uuid.New()}
	added, removed := s.happens(lives, domain.FileAdded), s.happens(gone, domain.FileRemoved)
	added.Metadata[wire.HeaderReplay], added.Metadata["correlation_id"] = "", "1"
	broken := message.NewMessage("1", []byte("{"))
	broken.Metadata = message.Metadata{wire.HeaderType: "confuse.FileChanged.v1"}
	states, done := s.states(), make(chan struct{})
	s.behind = func() {
		if len(s.topic) == 2 {
			close(done)
		}
	}
	states.Live.Subscriber, states.Every = feed{[]*message.Message{broken, added, removed}}, 1<<62
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- states.Run(ctx) }()
	<-done
	stop()
	<-ended
	for _, want := range []struct {
		file    domain.FileID
		payload string
	}{{lives, string(added.Payload)}, {gone, ""}} {
		got := s.topic[slices.IndexFunc(s.topic, func(m *message.Message) bool { return m.Metadata[wire.MetaKey] == want.file.String() })]
		if got.Metadata[wire.MetaKey] != want.file.String() || string(got.Payload) != want.payload || got.Metadata[wire.MetaPartition] != "1" || got.Metadata[wire.MetaOffset] != "" {
			t.Errorf("got %v %q, want %q of %s", got.Metadata, got.Payload, want.payload, want.file)
		}
	}
}

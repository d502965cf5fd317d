package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/uuid"

	"github.com/confuse/data-connector/adapters/clock"
	"github.com/confuse/data-connector/adapters/pipeline"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/wire"
)

// A stage is the neighbour and its client in one.
type stage struct {
	mu      sync.Mutex
	limits  pipeline.Limits
	answer  func(batch []string) error // by paths
	batches []int                      // how many items each had
	taken   []string                   // paths
}

func (s *stage) Name() string            { return "test" }
func (s *stage) Limits() pipeline.Limits { return s.limits }

func (s *stage) Handle(_ context.Context, batch []pipeline.Handover) ([]pipeline.Outcome, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var paths []string
	for _, h := range batch {
		paths = append(paths, h.File.Path)
	}
	s.batches = append(s.batches, len(batch))
	if err := s.answer(paths); err != nil {
		return nil, err
	}
	s.taken = append(s.taken, paths...)
	outcomes := make([]pipeline.Outcome, len(batch))
	for i := range outcomes {
		outcomes[i] = pipeline.Done(2)
	}
	return outcomes, nil
}

// A feed hands out messages once.
type feed struct{ messages []*message.Message }

func (f feed) Subscribe(ctx context.Context, _ string) (<-chan *message.Message, error) {
	out := make(chan *message.Message, len(f.messages))
	for _, m := range f.messages {
		out <- m
	}
	context.AfterFunc(ctx, func() { close(out) })
	return out, nil
}

func (f feed) Close() error { return nil }

// A reports is the log and the topic of dead letters.
type reports struct {
	domain.Log
	mu      sync.Mutex
	all     []domain.StageReported
	letters []*message.Message
	done    chan struct{} // closed after so many reports
	want    int
	trouble atomic.Int32 // of the neighbour, as it was told
	repeats atomic.Int32 // that were told
	told    func(pipeline.Observed)
}

func (r *reports) observe(o pipeline.Observed) {
	if r.told != nil {
		r.told(o)
	}
	if o.Trouble {
		r.trouble.Add(1)
	}
	r.repeats.Add(int32(o.Repeats)) //nolint:gosec // a few
}

func (r *reports) Append(_ context.Context, messages ...domain.Message) ([]domain.Position, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range messages {
		r.all = append(r.all, m.Event.(domain.StageReported)) //nolint:forcetypeassert // nothing else is reported
	}
	if len(r.all) == r.want {
		close(r.done)
	}
	return make([]domain.Position, len(messages)), nil
}

func (r *reports) Publish(_ string, messages ...*message.Message) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range messages {
		m.Metadata[wire.MetaOffset] = strconv.Itoa(len(r.letters))
		r.letters = append(r.letters, m)
	}
	return nil
}

func (r *reports) Close() error { return nil }

// dispatch hands n files on to s and gives what was reported of each path.
func dispatch(t *testing.T, s *stage, n int) (map[string]domain.StageReported, *reports) {
	t.Helper()
	var messages []*message.Message
	paths := map[domain.FileID]string{}
	source := domain.SourceID{UUID: uuid.New()}
	for i := range n {
		e := domain.FileChanged{
			SourceID: source, OwnerID: "ann", FileID: domain.FileID{UUID: uuid.New()}, JobID: domain.JobID{UUID: uuid.New()},
			RunID: domain.RunID{UUID: uuid.New()}, Run: 1, Seq: int64(i + 1), Change: domain.FileAdded,
			FileState: domain.FileState{Path: fmt.Sprintf("%d.md", i), Kind: domain.KindFile, Revision: "r"},
		}
		paths[e.FileID] = e.Path
		messages = append(messages, messageOf(t, e))
	}
	r := &reports{done: make(chan struct{}), want: n}
	run(t, s, source, r, r, messages...)
	reported := map[string]domain.StageReported{}
	for _, one := range r.all {
		reported[paths[one.FileID]] = one
	}
	return reported, r
}

// changes are n files of source.
func changes(t *testing.T, source domain.SourceID, n int) []*message.Message {
	t.Helper()
	messages := make([]*message.Message, n)
	for i := range messages {
		messages[i] = messageOf(t, domain.FileChanged{
			SourceID: source, OwnerID: "ann", FileID: domain.FileID{UUID: uuid.New()}, JobID: domain.JobID{UUID: uuid.New()}, RunID: domain.RunID{UUID: uuid.New()},
			Run: 1, Seq: int64(i + 1), Change: domain.FileAdded, FileState: domain.FileState{Path: fmt.Sprint(i), Kind: domain.KindFile, Revision: "r"},
		})
	}
	return messages
}

// run gives messages of source to s until all that r wants is reported to log.
func run(t *testing.T, s pipeline.Stage, source domain.SourceID, r *reports, log domain.Log, messages ...*message.Message) {
	t.Helper()
	runInto(t, s, source, r, log, r, messages...)
}

// runInto is run with a topic of dead letters.
func runInto(t *testing.T, s pipeline.Stage, source domain.SourceID, r *reports, log domain.Log, dead message.Publisher, messages ...*message.Message) {
	t.Helper()
	d := &pipeline.Dispatcher{
		Stage: s, Live: pipeline.Feed{Topic: "events", Subscriber: calls{feed{messages}}}, Dead: dead, DeadTopic: "dead", Reports: log,
		Sources: func(context.Context, domain.SourceID) (domain.Source, error) { return domain.Source{ID: source}, nil },
		Clock:   clock.System{}, Log: slog.New(slog.DiscardHandler),
		Patience: pipeline.Patience{First: time.Millisecond, Last: 5 * time.Millisecond, Trips: 3, Open: 5 * time.Millisecond},
		Observe:  r.observe,
	}
	runUntilReported(t, d, r)
}

func messageOf(t *testing.T, e domain.Event) *message.Message {
	t.Helper()
	id := domain.EventID{UUID: uuid.New()}
	enc, err := wire.Encode(domain.Message{ID: id, Time: time.Now(), Event: e})
	if err != nil {
		t.Fatal(err)
	}
	m := message.NewMessage(id.String(), enc.Value)
	for _, h := range enc.Headers {
		m.Metadata[h.Key] = string(h.Value)
	}
	m.Metadata[wire.MetaTopic], m.Metadata[wire.MetaPartition], m.Metadata[wire.MetaOffset], m.Metadata[wire.MetaKey] = "events", "1", "41", string(enc.Key)
	return m
}

// One bad item is set aside alone; the others of its batch are accepted.
func TestGuiltyItemIsIsolated(t *testing.T) {
	t.Parallel()

	for name, refuse := range map[string]func() error{
		"refused":  func() error { return pipeline.Final(errors.New("missing field")) },
		"panicked": func() error { panic("missing field") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			s := &stage{limits: pipeline.Limits{Items: 16, Wait: time.Second}, answer: func(batch []string) error {
				if slices.Contains(batch, "11.md") {
					return refuse()
				}
				return nil
			}}
			reported, r := dispatch(t, s, 16)
			if s.batches[0] != 16 {
				t.Errorf("got a first batch of %d, want all", s.batches[0])
			}
			for path, one := range reported {
				if want := path == "11.md"; want != (one.State == domain.StageFailed) || !want && one.Items != 2 {
					t.Errorf("%s: got %+v", path, one)
				}
			}
			bad := reported["11.md"]
			if !strings.Contains(bad.Error, "missing field") || bad.Letter == nil || bad.Letter.OriginOffset != 41 || bad.Letter.OriginTopic != "events" || bad.Letter.Attempts != 5 {
				t.Errorf("got %+v, letter %+v", bad, bad.Letter)
			}
			if len(r.letters) != 1 || r.letters[0].Metadata[wire.HeaderStage] != "test" || r.letters[0].Metadata[wire.HeaderFirstFailure] == "" {
				t.Errorf("got letters %+v", r.letters)
			}
		})
	}
}

// A neighbour that is down delays and loses nothing.
func TestTroubleIsWaitedOut(t *testing.T) {
	t.Parallel()

	down := 12
	s := &stage{limits: pipeline.Limits{Items: 4}, answer: func([]string) error {
		if down--; down >= 0 {
			return &pipeline.LaterError{Err: errors.New("restarting")}
		}
		return nil
	}}
	reported, r := dispatch(t, s, 20)
	for path, one := range reported {
		if one.State != domain.StageDone {
			t.Errorf("%s: got %+v, want it done", path, one)
		}
	}
	if len(r.letters) != 0 || len(s.taken) != 20 {
		t.Errorf("got %d letters and %d taken, want none and 20", len(r.letters), len(s.taken))
	}
}

// A sourceStage is a neighbour that is told of sources, too.
type sourceStage struct {
	stage
	refuse error
}

func (s *sourceStage) HandleSource(context.Context, pipeline.SourceHandover) error { return s.refuse }

// An event of a source that is refused is in plain sight under the source's own id,
// and no more once it was accepted in a retry.
func TestRefusedSourceEvent(t *testing.T) {
	t.Parallel()

	source := domain.SourceID{UUID: uuid.New()}
	event := domain.SourceChanged{SourceID: source, OwnerID: "ann", Provider: "localfs", Change: domain.SourcePaused, Version: 1, At: time.Now().UTC()}
	for name, tt := range map[string]struct {
		refuse error
		again  bool
		want   domain.StageState
	}{
		"refused": {pipeline.Final(errors.New("no such type")), false, domain.StageFailed},
		"retried": {nil, true, domain.StageDone},
		"in vain": {pipeline.Final(errors.New("no such type")), true, domain.StageFailed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			m := messageOf(t, event)
			if tt.again {
				m.Metadata[wire.HeaderReplay], m.Metadata[wire.HeaderStage] = uuid.NewString(), "test"
			}
			r := &reports{done: make(chan struct{}), want: 1}
			run(t, &sourceStage{refuse: tt.refuse}, source, r, r, m)
			got := r.all[0]
			if got.State != tt.want || got.FileID.UUID != source.UUID || got.OwnerID != "ann" || (got.Letter != nil) != (tt.refuse != nil) {
				t.Errorf("got %+v, want %s of the source", got, tt.want)
			}
			for _, letter := range r.letters {
				if letter.Metadata["correlation_id"] != m.UUID {
					t.Errorf("got a letter with %v, want it found by its event", letter.Metadata)
				}
			}
		})
	}
}

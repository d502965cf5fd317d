package pipeline_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/gochannel"
	"github.com/google/uuid"

	"github.com/confuse/data-connector/adapters/clock"
	"github.com/confuse/data-connector/adapters/pipeline"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/wire"
	"github.com/confuse/data-connector/projections"
)

// A platform is a log with its tables, and a neighbour. Several dispatchers of one
// stage work there, which know nothing of each other. Paths are those of a file and
// the number of its state: "notes 9".
type platform struct {
	domain.Log
	t      *testing.T
	source domain.SourceID
	topics *gochannel.GoChannel // "events", and "replay" for what is handed on again

	mu    sync.Mutex
	log   map[int64]*message.Message // by the number of the state
	rows  map[domain.FileID]projections.FilePlace
	calls []string          // paths that the neighbour has answered, in this order
	while map[string]func() // is called once, while the neighbour has a path
	news  chan struct{}     // closed when it has answered again
}

func newPlatform(t *testing.T) *platform {
	t.Helper()
	p := &platform{
		t: t, source: domain.SourceID{UUID: uuid.New()}, log: map[int64]*message.Message{}, rows: map[domain.FileID]projections.FilePlace{},
		while: map[string]func(){}, news: make(chan struct{}), topics: gochannel.NewGoChannel(gochannel.Config{Persistent: true}, watermill.NopLogger{}),
	}
	t.Cleanup(func() { _ = p.topics.Close() }) // never fails
	return p
}

// changed puts the state seq of a file into the log and the tables.
func (p *platform) changed(name string, change domain.FileChange, seq int64) *message.Message {
	p.t.Helper()
	e := domain.FileChanged{
		SourceID: p.source, OwnerID: "ann", FileID: domain.NewPathFileID(p.source, []byte(name), 0), JobID: domain.JobID{UUID: uuid.New()},
		RunID: domain.RunID{UUID: uuid.New()}, Run: 1, Seq: seq, Change: change,
		FileState: domain.FileState{Path: name + " " + string(rune('0'+seq)), Kind: domain.KindFile, Revision: "r"},
	}
	m := messageOf(p.t, e)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.log[seq], p.rows[e.FileID] = m, projections.FilePlace{ID: e.FileID, At: e.Revised(), Offset: seq}
	return m
}

// again hands m on again; repeat: a process that has died may have had it.
func (p *platform) again(m *message.Message, repeat bool) {
	p.t.Helper()
	copied := m.Copy()
	copied.Metadata[wire.HeaderReplay] = uuid.NewString()
	if repeat {
		copied.Metadata[wire.MetaRepeat] = "1"
	}
	p.publish("replay", copied)
}

func (p *platform) publish(topic string, m *message.Message) {
	p.t.Helper()
	if err := p.topics.Publish(topic, m); err != nil {
		p.t.Error(err)
	}
}

func (p *platform) Name() string            { return "test" }
func (p *platform) Limits() pipeline.Limits { return pipeline.Limits{Items: 1} }

// Handle implements pipeline.Stage.
func (p *platform) Handle(_ context.Context, batch []pipeline.Handover) ([]pipeline.Outcome, error) {
	path := batch[0].File.Path
	p.mu.Lock()
	meanwhile := p.while[path]
	delete(p.while, path)
	p.mu.Unlock()
	if meanwhile != nil {
		meanwhile()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls = append(p.calls, path)
	close(p.news)
	p.news = make(chan struct{})
	return []pipeline.Outcome{pipeline.Done(1)}, nil
}

// await waits until the neighbour was asked for all of these, in whatever order,
// and gives all that it was asked for.
func (p *platform) await(paths ...string) []string {
	p.t.Helper()
	late := time.After(20 * time.Second)
	for {
		p.mu.Lock()
		calls, news := slices.Clone(p.calls), p.news
		p.mu.Unlock()
		left := slices.Clone(calls)
		if !slices.ContainsFunc(paths, func(path string) bool {
			n := slices.Index(left, path)
			if n >= 0 {
				left = slices.Delete(left, n, n+1)
			}
			return n < 0
		}) {
			return calls
		}
		select {
		case <-news:
		case <-late:
			p.t.Errorf("the neighbour was asked for %q, want %q", calls, paths)
			return calls
		}
	}
}

func (p *platform) Append(_ context.Context, messages ...domain.Message) ([]domain.Position, error) {
	return make([]domain.Position, len(messages)), nil
}

// dispatch runs a dispatcher on its topics, "" for none, until the test ends.
func (p *platform) dispatch(live, again string) {
	d := &pipeline.Dispatcher{
		Stage: p, Live: pipeline.Feed{Topic: "events", Subscriber: topicOf{p.topics, live}}, Dead: p.topics, DeadTopic: "dead", Reports: p,
		Again: pipeline.Again{
			Feed: pipeline.Feed{Topic: "replay", Subscriber: topicOf{p.topics, again}}, Out: p.topics,
			Last: func(_ context.Context, files []domain.FileID) (map[domain.FileID]projections.FilePlace, error) {
				p.mu.Lock()
				defer p.mu.Unlock()
				rows := map[domain.FileID]projections.FilePlace{}
				for _, id := range files {
					rows[id] = p.rows[id]
				}
				return rows, nil
			},
			Messages: func(_ context.Context, topic string, _ int32, offsets []int64) (map[int64]*message.Message, error) {
				p.mu.Lock()
				defer p.mu.Unlock()
				if topic != "events" {
					return nil, errors.New("no such topic")
				}
				return map[int64]*message.Message{offsets[0]: p.log[offsets[0]]}, nil
			},
		},
		Sources: func(context.Context, domain.SourceID) (domain.Source, error) { return domain.Source{ID: p.source}, nil },
		Clock:   clock.System{}, Log: slog.New(slog.DiscardHandler), Parallel: 4,
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(p.t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	p.t.Cleanup(func() {
		stop()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			p.t.Errorf("got %v", err)
		}
	})
}

// A topicOf subscribes to a topic whatever it is asked for.
type topicOf struct {
	message.Subscriber
	name string
}

func (s topicOf) Subscribe(ctx context.Context, _ string) (<-chan *message.Message, error) {
	return s.Subscriber.Subscribe(ctx, s.name)
}

func (s topicOf) Close() error { return nil } // others use it

// A replay has a state of a file in the hands of one process while another one, or
// the same, hands a newer state on: whichever the neighbour takes first, the newest
// is the last that it is given.
func TestReplayTakesNothingBack(t *testing.T) {
	t.Parallel()

	for name, processes := range map[string][][2]string{
		"two processes": {{"events", "none"}, {"none", "replay"}},
		"one process":   {{"events", "replay"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			p := newPlatform(t)
			p.again(p.changed("notes", domain.FileAdded, 5), false)
			p.again(p.changed("other", domain.FileAdded, 1), false)
			p.while["notes 5"] = func() {
				p.publish("events", p.changed("notes", domain.FileModified, 9))
				if len(processes) == 2 {
					p.await("notes 9")
				}
			}
			for _, topics := range processes {
				p.dispatch(topics[0], topics[1])
			}
			calls := p.await("notes 5", "notes 9", "notes 9", "other 1")
			if first := slices.Index(calls, "notes 9") < slices.Index(calls, "notes 5"); first != (len(processes) == 2) {
				t.Errorf("the neighbour was given %q: not what this test is about", calls)
			}
			var notes []string
			for _, call := range calls {
				if strings.HasPrefix(call, "notes") {
					notes = append(notes, call)
				}
			}
			if notes[len(notes)-1] != "notes 9" {
				t.Errorf("the neighbour was given %q: a replay took something back", calls)
			}
		})
	}
}

// What is old when a replay brings it is left out. If a process that has died may
// have handed it on, behind what is new, then that is handed on once more.
func TestReplayOfOldStates(t *testing.T) {
	t.Parallel()

	p := newPlatform(t)
	for _, file := range []struct {
		name   string
		last   domain.FileChange
		seq    int64
		repeat bool
	}{
		{"left", domain.FileModified, 2, false},
		{"crashed", domain.FileModified, 3, true},
		{"removed", domain.FileRemoved, 4, true},
	} {
		old := p.changed(file.name, domain.FileAdded, 1)
		p.changed(file.name, file.last, file.seq)
		p.again(old, file.repeat)
	}
	p.again(p.changed("same", domain.FileAdded, 8), true)
	p.dispatch("none", "replay")
	calls := p.await("crashed 3", "removed 4", "same 8")
	p.again(p.changed("end", domain.FileAdded, 9), false)
	calls = append(calls, p.await("end 9")...)
	for _, call := range calls {
		if strings.HasSuffix(call, " 1") || strings.HasPrefix(call, "left") {
			t.Errorf("the neighbour was given %s", call)
		}
	}
}

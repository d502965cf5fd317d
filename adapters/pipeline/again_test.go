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
	calls []string               // paths that the neighbour has answered, in this order
	turns map[string][][2]string // by path: replay and turn of each call
	fails map[string]int         // by path: how often the neighbour answered it with 500, which it does for ever
	wide  bool                   // messages come side by side
	most  int                    // items in a batch; 0: 1
	ended map[string]bool        // replays that were cancelled
	while map[string]func()      // is called once, while the neighbour has a path
	news  chan struct{}          // closed when it has answered again
	away  int                    // so often the tables fail
}

func newPlatform(t *testing.T) *platform {
	t.Helper()
	p := &platform{
		t: t, source: domain.SourceID{UUID: uuid.New()}, log: map[int64]*message.Message{}, rows: map[domain.FileID]projections.FilePlace{},
		turns: map[string][][2]string{}, ended: map[string]bool{}, fails: map[string]int{}, while: map[string]func(){}, news: make(chan struct{}), topics: gochannel.NewGoChannel(gochannel.Config{Persistent: true}, watermill.NopLogger{}),
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

// again hands m on again in a replay of its own; repeat: a process that has died may
// have had it.
func (p *platform) again(m *message.Message, repeat bool) (replay string) {
	p.t.Helper()
	replay = uuid.NewString()
	p.againIn(replay, m, repeat)
	return replay
}

func (p *platform) againIn(replay string, m *message.Message, repeat bool) {
	p.t.Helper()
	copied := m.Copy()
	copied.Metadata[wire.HeaderReplay] = replay
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
func (p *platform) Limits() pipeline.Limits { return pipeline.Limits{Items: max(1, p.most)} }

// Handle implements pipeline.Stage.
func (p *platform) Handle(_ context.Context, batch []pipeline.Handover) ([]pipeline.Outcome, error) {
	if p.refuses(batch) {
		return nil, &pipeline.StatusError{Status: 500}
	}
	outcomes := make([]pipeline.Outcome, len(batch))
	for n := range batch {
		p.take(batch[n])
		outcomes[n] = pipeline.Done(1)
	}
	return outcomes, nil
}

// refuses tells whether the neighbour fails for one of batch.
func (p *platform) refuses(batch []pipeline.Handover) (refused bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, h := range batch {
		if n, fails := p.fails[h.File.Path]; fails {
			p.fails[h.File.Path] = n + 1
			refused = true
		}
	}
	if refused {
		close(p.news)
		p.news = make(chan struct{})
	}
	return refused
}

func (p *platform) take(h pipeline.Handover) {
	path := h.File.Path
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
	p.turns[path] = append(p.turns[path], [2]string{h.Replay, h.Turn()})
	close(p.news)
	p.news = make(chan struct{})
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
		Stage: p, Live: pipeline.Feed{Topic: "events", Subscriber: topicOf{p.topics, live, p.wide}}, Dead: p.topics, DeadTopic: "dead", Reports: p,
		Again: pipeline.Again{
			Feed: pipeline.Feed{Topic: "replay", Subscriber: topicOf{p.topics, again, p.wide}}, Out: p.topics,
			Last: func(_ context.Context, files []domain.FileID) (map[domain.FileID]projections.FilePlace, error) {
				p.mu.Lock()
				defer p.mu.Unlock()
				if p.away--; p.away >= 0 {
					return nil, errors.New("no database")
				}
				rows := map[domain.FileID]projections.FilePlace{}
				for _, id := range files {
					rows[id] = p.rows[id]
				}
				return rows, nil
			},
			Cancelled: func(_ context.Context, replay string) (bool, error) {
				p.mu.Lock()
				defer p.mu.Unlock()
				return p.ended[replay], nil
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
		Patience: pipeline.Patience{First: time.Millisecond, Last: 10 * time.Millisecond, Trips: 20, Open: time.Hour},
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

// A topicOf subscribes to a topic whatever it is asked for. A wide one has a lane for
// each message.
type topicOf struct {
	message.Subscriber
	name string
	wide bool
}

func (s topicOf) Subscribe(ctx context.Context, _ string) (<-chan *message.Message, error) {
	in, err := s.Subscriber.Subscribe(ctx, s.name)
	if err != nil || !s.wide {
		return in, err
	}
	out := make(chan *message.Message)
	go func() {
		defer close(out)
		for m := range in {
			copied := m.Copy()
			copied.SetContext(ctx)
			select {
			case out <- copied:
				m.Ack()
			case <-ctx.Done():
				return
			}
		}
	}()
	return out, nil
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

// What is handed on once more, since a replay may have taken it back, counts in that
// replay, is given again though the neighbour may have had it in the same replay, is
// the same however often a crash repeats it, and is given even if the replay ends.
func TestReplayPutsRightInItself(t *testing.T) {
	t.Parallel()

	p := newPlatform(t)
	var replays []string
	for n, name := range []string{"goes on", "ended"} {
		old := p.changed(name, domain.FileAdded, int64(2*n+1))
		p.changed(name, domain.FileModified, int64(2*n+2))
		replay := p.again(old, true)
		p.againIn(replay, old, true)
		replays = append(replays, replay)
	}
	p.ended[replays[1]] = true
	p.dispatch("none", "replay")
	p.await("goes on 2", "goes on 2", "ended 4", "ended 4")
	p.mu.Lock()
	defer p.mu.Unlock()
	for n, path := range []string{"goes on 2", "ended 4"} {
		for _, got := range p.turns[path] {
			if got[0] != replays[n] || got[1] == "" || got[1] == got[0] || got != p.turns[path][0] {
				t.Errorf("%s: got replay and turn %q, want replay %s and one turn of its own", path, p.turns[path], replays[n])
			}
		}
	}
}

// A neighbour that has trouble with old states for ever, which no stage may hold
// against them, keeps nothing new waiting: not other files, however many old states it
// fails at, nor the new state of such a file, behind which the old one is left out.
func TestReplayInTroubleHoldsNothingNew(t *testing.T) {
	t.Parallel()

	for name, most := range map[string]int{"alone": 1, "in batches": 10} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			const files = 12 // more than there are calls
			p := newPlatform(t)
			p.most, p.wide = most, true
			for n := range files {
				file := string(rune('a' + n))
				p.fails[file+" 1"] = 0
				p.again(p.changed(file, domain.FileAdded, 1), false)
			}
			p.dispatch("events", "replay")
			p.awaitFailures(20) // nobody asks for them any more
			want := []string{"new 3"}
			p.publish("events", p.changed("new", domain.FileAdded, 3))
			for n := range files {
				file := string(rune('a' + n))
				want = append(want, file+" 2")
				p.publish("events", p.changed(file, domain.FileModified, 2))
			}
			p.await(want...)
		})
	}
}

// awaitFailures waits until the neighbour has failed so often.
func (p *platform) awaitFailures(want int) {
	p.t.Helper()
	late := time.After(20 * time.Second)
	for {
		p.mu.Lock()
		failed, news := 0, p.news
		for _, n := range p.fails {
			failed += n
		}
		p.mu.Unlock()
		if failed >= want {
			return
		}
		select {
		case <-news:
		case <-late:
			p.t.Fatalf("the neighbour has failed %d times, want %d", failed, want)
		}
	}
}

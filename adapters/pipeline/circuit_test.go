package pipeline_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/confuse/data-connector/adapters/clock"
	"github.com/confuse/data-connector/adapters/pipeline"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/wire"
	"github.com/confuse/data-connector/projections"
)

// The circuit of what is handed on again is told of by itself: that of what is new says
// nothing of it.
func TestCircuitOfWhatIsHandedOnAgain(t *testing.T) {
	t.Parallel()

	source := domain.SourceID{UUID: uuid.New()}
	all := changes(t, source, 2)
	all[0].Metadata[wire.HeaderReplay] = uuid.NewString()
	s := &stage{limits: pipeline.Limits{Items: 1}, answer: func(paths []string) error {
		if paths[0] == "0" {
			return errors.New("an old state")
		}
		return nil
	}}
	opened, done := make(chan bool, 1), make(chan bool, 1)
	var news atomic.Int32 // of the circuit of what is new
	r := &reports{}
	d := &pipeline.Dispatcher{
		Stage: s, Live: pipeline.Feed{Topic: "events", Subscriber: calls{feed{all}}}, Dead: r, DeadTopic: "dead", Reports: r,
		Again: pipeline.Again{Last: func(context.Context, []domain.FileID) (map[domain.FileID]projections.FilePlace, error) {
			return nil, nil
		}},
		Sources: func(context.Context, domain.SourceID) (domain.Source, error) { return domain.Source{ID: source}, nil },
		Clock:   clock.System{}, Log: slog.New(slog.DiscardHandler),
		Patience: pipeline.Patience{First: time.Millisecond, Last: time.Millisecond, Trips: 3, Open: time.Hour},
		Observe: func(o pipeline.Observed) {
			switch {
			case o.Changed && o.Again && o.Open:
				opened <- true
			case o.Changed, o.Trouble && !o.Again:
				news.Add(1)
			case o.State == domain.StageDone:
				done <- o.Again
			}
		},
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	late := time.After(20 * time.Second)
	for range 2 {
		select {
		case <-opened:
		case again := <-done:
			if again {
				t.Error("what fails is done")
			}
		case <-late:
			t.Fatal("no circuit opens, or what is new waits")
		}
	}
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that it was stopped", err)
	}
	if n := news.Load(); n > 0 {
		t.Errorf("trouble of what is new was told %d times", n)
	}
}

// A circuit is open until the neighbour is back: a probe does not close it.
func TestProbesCloseNoCircuit(t *testing.T) {
	t.Parallel()

	source := domain.SourceID{UUID: uuid.New()}
	var asked atomic.Int32
	s := &stage{limits: pipeline.Limits{Items: 1}, answer: func([]string) error {
		if asked.Add(1) <= 5 {
			return errors.New("down")
		}
		return nil
	}}
	var mu sync.Mutex
	var told []bool
	done := make(chan struct{})
	r := &reports{}
	d := &pipeline.Dispatcher{
		Stage: s, Live: pipeline.Feed{Topic: "events", Subscriber: calls{feed{changes(t, source, 1)}}}, Dead: r, DeadTopic: "dead", Reports: r,
		Sources: func(context.Context, domain.SourceID) (domain.Source, error) { return domain.Source{ID: source}, nil },
		Clock:   clock.System{}, Log: slog.New(slog.DiscardHandler),
		Patience: pipeline.Patience{First: time.Millisecond, Last: time.Millisecond, Trips: 1, Open: time.Millisecond},
		Observe: func(o pipeline.Observed) {
			mu.Lock()
			defer mu.Unlock()
			switch {
			case o.Changed:
				told = append(told, o.Open)
			case o.State == domain.StageDone:
				close(done)
			}
		},
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Error("it is not done")
	}
	stop()
	<-ended
	mu.Lock()
	defer mu.Unlock()
	if !slices.Equal(told, []bool{true, false}) {
		t.Errorf("got told %v, want that it opened once and closed once, after %d tries", told, asked.Load())
	}
}

// Trouble of our own servers is waited out and says nothing about a neighbour: neither
// what is tried in vain nor a probe of a neighbour in trouble is told as its trouble.
func TestOwnTroubleOpensNoCircuit(t *testing.T) {
	t.Parallel()

	for _, most := range []int{1, 4} {
		asked := 0
		var opened atomic.Int32
		s := &stage{limits: pipeline.Limits{Items: most}, answer: func([]string) error {
			switch asked++; {
			case asked > 20:
				return nil
			case asked > 10 && asked <= 13:
				return errors.New("down")
			}
			return pipeline.Own(errors.New("no database"))
		}}
		source := domain.SourceID{UUID: uuid.New()}
		r := &reports{done: make(chan struct{}), want: 1}
		r.told = func(o pipeline.Observed) {
			if o.Changed && o.Open {
				opened.Add(1)
			}
		}
		run(t, s, source, r, r, changes(t, source, 1)...)
		if r.trouble.Load() != 3 || opened.Load() != 1 || r.all[0].State != domain.StageDone {
			t.Errorf("at most %d: got trouble told %d times, %d circuits opened and %+v", most, r.trouble.Load(), opened.Load(), r.all)
		}
	}
}

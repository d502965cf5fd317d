package pipeline_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/uuid"

	"github.com/confuse/data-connector/adapters/clock"
	"github.com/confuse/data-connector/adapters/pipeline"
	"github.com/confuse/data-connector/domain"
)

// A calls is a feed that hands out by calls, again after an error.
type calls struct{ feed }

func (c calls) Serve(ctx context.Context, _ string, handle func(*message.Message) error) error {
	for _, m := range c.messages {
		go func() {
			one := m.Copy()
			one.SetContext(ctx)
			for handle(one) != nil && ctx.Err() == nil {
				one = m.Copy()
				one.SetContext(ctx)
			}
		}()
	}
	<-ctx.Done()
	return ctx.Err()
}

// A shakyDesk takes no dead letter the first time.
type shakyDesk struct {
	*reports
	once sync.Once
}

func (d *shakyDesk) Publish(topic string, messages ...*message.Message) error {
	d.once.Do(func() { panic("no desk") })
	return d.reports.Publish(topic, messages...)
}

// What panics on the way to a dead letter ends nothing: the message comes again.
func TestPanicOnTheWayToADeadLetter(t *testing.T) {
	t.Parallel()

	source := domain.SourceID{UUID: uuid.New()}
	r := &reports{done: make(chan struct{}), want: 1}
	s := &stage{limits: pipeline.Limits{Items: 1}, answer: func([]string) error { return pipeline.Final(errors.New("no")) }}
	runInto(t, s, source, r, r, &shakyDesk{reports: r}, changes(t, source, 1)...)
	if len(r.letters) != 1 || r.all[0].State != domain.StageFailed || len(s.batches) != 2 {
		t.Errorf("got %d letters and %+v after %d tries", len(r.letters), r.all[0], len(s.batches))
	}
}

// Who stops while a neighbour is in trouble does not wait for answers that nobody
// has asked for.
func TestStopsInTrouble(t *testing.T) {
	t.Parallel()

	for name, tt := range map[string]struct {
		most  int // of a batch
		calls bool
	}{"batches": {4, false}, "alone": {1, false}, "calls for batches": {4, true}, "calls alone": {1, true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			asked := make(chan struct{}, 1000)
			s := &stage{limits: pipeline.Limits{Items: tt.most}, answer: func([]string) error {
				asked <- struct{}{}
				return &pipeline.LaterError{After: time.Hour, Err: errors.New("down for the day")}
			}}
			r, source := &reports{}, domain.SourceID{UUID: uuid.New()}
			var from message.Subscriber = feed{changes(t, source, 40)}
			if tt.calls {
				from = calls{feed{changes(t, source, 40)}}
			}
			d := &pipeline.Dispatcher{
				Stage: s, Live: pipeline.Feed{Topic: "events", Subscriber: from}, Dead: r, DeadTopic: "dead", Reports: r, Parallel: 2,
				Sources: func(context.Context, domain.SourceID) (domain.Source, error) { return domain.Source{ID: source}, nil },
				Clock:   clock.System{}, Log: slog.New(slog.DiscardHandler),
			}
			ctx, stop := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- d.Run(ctx) }()
			<-asked
			stop()
			select {
			case <-ended:
			case <-time.After(4 * time.Second):
				t.Error("it waits for what nobody asks for")
			}
			if len(r.all)+len(r.letters) > 0 {
				t.Errorf("got reports %+v and letters %+v", r.all, r.letters)
			}
		})
	}
}

// A lost is a feed whose log has forgotten what was not read yet.
type lost struct{ calls }

func (lost) Serve(context.Context, string, func(*message.Message) error) error {
	return domain.ErrLogLost
}

// A feed that ends by itself ends the stage, whatever else feeds it: nobody is to take
// a stage for alive that is given nothing new.
func TestLosesItsPlace(t *testing.T) {
	t.Parallel()

	r := &reports{}
	d := &pipeline.Dispatcher{
		Stage: &stage{}, Live: pipeline.Feed{Topic: "events", Subscriber: lost{}}, Again: pipeline.Again{Feed: pipeline.Feed{Topic: "again", Subscriber: calls{}}},
		Dead: r, DeadTopic: "dead", Reports: r, Clock: clock.System{}, Log: slog.New(slog.DiscardHandler),
	}
	ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
	defer stop()
	if err := d.Run(ctx); !errors.Is(err, domain.ErrLogLost) {
		t.Errorf("got %v, want what its feed ended with", err)
	}
}

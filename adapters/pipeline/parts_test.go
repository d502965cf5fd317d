package pipeline_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/confuse/data-connector/adapters/clock"
	"github.com/confuse/data-connector/adapters/pipeline"
	"github.com/confuse/data-connector/domain"
)

// A stage of parts accepts the first of a batch, gets no answer about the second and does
// not ask about the third: once.
type parts struct {
	stage
	asked [][]string
}

func (s *parts) Handle(ctx context.Context, batch []pipeline.Handover) ([]pipeline.Outcome, error) {
	outcomes, err := s.stage.Handle(ctx, batch)
	if len(s.batches) > 1 || err != nil {
		return outcomes, err
	}
	return nil, &pipeline.PartError{Err: io.ErrUnexpectedEOF, Outcomes: []pipeline.Outcome{pipeline.Done(1), {Err: io.ErrUnexpectedEOF}, {}}}
}

// What is answered of a batch stands: it is not handed in again for the trouble with the
// rest. Of that only what has no answer is a repeat.
func TestTroubleWithAPart(t *testing.T) {
	t.Parallel()

	s := &parts{}
	s.limits = pipeline.Limits{Items: 3, Wait: 10 * time.Second}
	s.answer = func(batch []string) error { s.asked = append(s.asked, slices.Clone(batch)); return nil }
	source := domain.SourceID{UUID: uuid.New()}
	r := &reports{done: make(chan struct{}), want: 3}
	run(t, s, source, r, r, changes(t, source, 3)...)
	if len(s.asked) != 2 || len(s.asked[0]) != 3 || len(s.asked[1]) != 2 || slices.Contains(s.asked[1], s.asked[0][0]) {
		t.Errorf("got asked for %q", s.asked)
	}
	repeated := 0
	for _, one := range r.all {
		if one.Repeated {
			repeated++
		}
	}
	if repeated != 1 || r.repeats.Load() != 1 {
		t.Errorf("got %d marked and %d counted, want the one without an answer", repeated, r.repeats.Load())
	}
}

// What is due to a server of our own is tried until it is done, but not when that will
// never be: the neighbour has what it has. The log tells of each try.
func TestInsistEnds(t *testing.T) {
	t.Parallel()

	for want, trouble := range map[int]error{1: pipeline.Final(errors.New("no such table")), 2: errors.New("no database")} {
		tries := 0
		s := &stage{limits: pipeline.Limits{Items: 1}}
		keeps := keeper{s, func(context.Context) error {
			if tries++; tries == 3 {
				return nil
			}
			return trouble
		}}
		source := domain.SourceID{UUID: uuid.New()}
		r := &reports{done: make(chan struct{}), want: 1}
		var log bytes.Buffer
		d := &pipeline.Dispatcher{
			Stage: keeps, Live: pipeline.Feed{Topic: "events", Subscriber: calls{feed{changes(t, source, 1)}}}, Dead: r, DeadTopic: "dead", Reports: r,
			Sources: func(context.Context, domain.SourceID) (domain.Source, error) { return domain.Source{ID: source}, nil },
			Clock:   clock.System{}, Log: slog.New(slog.NewTextHandler(&log, nil)),
		}
		runUntilReported(t, d, r)
		if got := strings.Count(log.String(), "is not kept yet"); got != want || tries != min(2*want-1, 3) || r.all[0].State != domain.StageDone {
			t.Errorf("%v: got %d lines after %d tries, %+v:\n%s", trouble, got, tries, r.all, log.String())
		}
	}
}

// A keeper is a stage that has something to keep of what its neighbour has answered.
type keeper struct {
	*stage
	keep func(context.Context) error
}

func (k keeper) Handle(ctx context.Context, _ []pipeline.Handover) ([]pipeline.Outcome, error) {
	return []pipeline.Outcome{pipeline.Done(1)}, pipeline.Insist(ctx, k.keep)
}

// runUntilReported runs d until all is reported.
func runUntilReported(t *testing.T, d *pipeline.Dispatcher, r *reports) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	select {
	case <-r.done:
	case <-time.After(20 * time.Second):
		t.Fatalf("%d of %d are reported", len(r.all), r.want)
	}
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that it was stopped", err)
	}
}

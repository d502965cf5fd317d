package pipeline_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

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
// never be: the neighbour has what it has.
func TestInsistEnds(t *testing.T) {
	t.Parallel()

	for want, err := range map[int32]error{1: pipeline.Final(errors.New("no such table")), 2: errors.New("no database")} {
		var tries atomic.Int32
		got := pipeline.Insist(t.Context(), func(context.Context) error {
			if tries.Add(1) == 2 {
				return nil
			}
			return err
		})
		if got != nil || tries.Load() != want {
			t.Errorf("%v: got %v after %d tries, want %d", err, got, tries.Load(), want)
		}
	}
}

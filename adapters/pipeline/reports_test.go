package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/confuse/data-connector/adapters/pipeline"
	"github.com/confuse/data-connector/domain"
)

// A pickyLog refuses all messages of a call when one of them has no wire form, for
// some time, and fails now and then.
type pickyLog struct {
	reports
	calls  int
	refuse int // so many times
	ids    map[domain.EventID]domain.FileID
	double []domain.FileID // reports of them came under an id of others
}

func (l *pickyLog) Append(ctx context.Context, messages ...domain.Message) ([]domain.Position, error) {
	<-time.After(2 * time.Millisecond) // as a broker takes
	l.mu.Lock()
	l.calls++
	trouble := l.calls%3 == 1
	for _, m := range messages {
		r := m.Event.(domain.StageReported) //nolint:forcetypeassert // nothing else is reported
		if file, known := l.ids[m.ID]; known && file != r.FileID {
			l.double = append(l.double, r.FileID)
		}
		l.ids[m.ID] = r.FileID
		if r.Reason == "\xff" && l.refuse > 0 {
			l.refuse--
			l.mu.Unlock()
			return nil, errors.New("not UTF-8")
		}
	}
	l.mu.Unlock()
	if trouble {
		return nil, fmt.Errorf("%w: no broker", domain.ErrUnavailable)
	}
	return l.reports.Append(ctx, messages...)
}

// A skipper skips files; what it says of one of them cannot be written.
type skipper struct{ stage }

func (s *skipper) Handle(_ context.Context, batch []pipeline.Handover) ([]pipeline.Outcome, error) {
	outcomes := make([]pipeline.Outcome, len(batch))
	for i, h := range batch {
		outcomes[i] = pipeline.Skipped(pipeline.ReasonBinary)
		if h.File.Seq == 7 {
			outcomes[i] = pipeline.Skipped("\xff")
		}
	}
	return outcomes, nil
}

// Reports go to the log together. One that it refuses holds up no other one, and
// trouble of the log is waited out.
func TestReportsTogether(t *testing.T) {
	t.Parallel()

	source := domain.SourceID{UUID: uuid.New()}
	l := &pickyLog{reports: reports{done: make(chan struct{}), want: 200}, refuse: 2, ids: map[domain.EventID]domain.FileID{}}
	run(t, &skipper{stage{limits: pipeline.Limits{Items: 1}}}, source, &l.reports, l, changes(t, source, 200)...)
	if len(l.all) != 200 || l.calls >= 220 {
		t.Errorf("got %d reports in %d calls, want all of 200, few of them alone", len(l.all), l.calls)
	}
	if n := l.trouble.Load(); n > 0 {
		t.Errorf("trouble of the log counts %d times as trouble of the neighbour", n)
	}
	if len(l.double) > 0 {
		t.Errorf("got reports of %v under ids of others", l.double)
	}
}

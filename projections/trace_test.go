package projections_test

import (
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/wire"
	"github.com/confuse/data-connector/projections"
)

// Traceparents of two requests, and of one that nobody looks at.
const (
	firstTrace   = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	secondTrace  = "00-1af7651916cd43dd8448eb211c80319c-c7ad6b7169203331-01"
	thirdTrace   = "00-2af7651916cd43dd8448eb211c80319c-d7ad6b7169203331-01"
	unseenTrace  = "00-3af7651916cd43dd8448eb211c80319c-e7ad6b7169203331-00"
	invalidTrace = "00-nonsense"
)

func traceRunner() *projections.Runner {
	return projections.NewRunner(nil, projections.NewWaiters(nil, eventsTopic, &handClock{noon}, nil), slog.New(slog.DiscardHandler))
}

func tracedRecord(at time.Time, header string) domain.Record {
	return domain.Record{Headers: map[string]string{wire.HeaderTime: at.Format(time.RFC3339Nano), wire.HeaderTrace: header}}
}

// Each trace in a batch gets one span below the append; what is old, or not
// sampled, gets none.
func TestRowsAreTraced(t *testing.T) {
	t.Parallel()

	spans, r := tracetest.NewInMemoryExporter(), traceRunner()
	r.Tracer = sdk.NewTracerProvider(sdk.WithSyncer(spans)).Tracer("test")
	records := []domain.Record{
		tracedRecord(noon, firstTrace), tracedRecord(noon, firstTrace), tracedRecord(noon, ""), tracedRecord(noon.Add(-time.Hour), thirdTrace),
		tracedRecord(noon, unseenTrace), tracedRecord(noon, invalidTrace), tracedRecord(noon, secondTrace),
	}
	r.Trace(t.Context(), eventsTopic, records)(nil)
	r.Trace(t.Context(), eventsTopic, records[:1])(errors.New("no database"))
	var got []string
	for _, s := range spans.GetSpans() {
		got = append(got, "00-"+s.SpanContext.TraceID().String()+"-"+s.Parent.SpanID().String()+"-01 "+s.Name+" "+s.Status.Code.String())
	}
	want := []string{firstTrace + " rows Unset", secondTrace + " rows Unset", firstTrace + " rows Error"}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// Without a tracer a batch spends nothing on traces, whatever its records carry.
func TestNoTracerCostsNothing(t *testing.T) {
	r, records := traceRunner(), slices.Repeat([]domain.Record{tracedRecord(noon, firstTrace)}, 1000)
	if n := testing.AllocsPerRun(100, func() { r.Trace(t.Context(), eventsTopic, records)(nil) }); n != 0 {
		t.Errorf("got %v allocations, want none", n)
	}
}

// A job carries the trace of the record that opened it, and later ones do not
// change it: the run goes on with it, whichever process it is in.
func TestJobCarriesTrace(t *testing.T) {
	t.Parallel()

	w, l := newWorld(t), newLog(eventsTopic, 0)
	s := newStory(t, l, "ann")
	s.request(domain.SyncIncremental)
	s.request(domain.SyncFull) // merges
	for i, header := range []string{"", firstTrace, secondTrace} {
		if l.records[i].Headers[wire.HeaderTrace] = header; header == "" {
			delete(l.records[i].Headers, wire.HeaderTrace)
		}
	}
	w.project(t, l)
	src, err := w.Source(t.Context(), s.src.ID)
	if err != nil {
		t.Fatal(err)
	}
	if len(src.Jobs) != 1 || src.Jobs[0].Trace != firstTrace {
		t.Errorf("got jobs %+v, want one of trace %s", src.Jobs, firstTrace)
	}
}

package kafka_test

import (
	"slices"
	"testing"

	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/confuse/data-connector/adapters/kafka"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/wire"
)

// A record carries the span of its append, unless it has a trace already.
func TestAppendIsTraced(t *testing.T) {
	t.Parallel()

	onBoth(t, func(t *testing.T, w world) {
		spans := tracetest.NewInMemoryExporter()
		traces := sdk.NewTracerProvider(sdk.WithSyncer(spans))
		w.Traces = traces
		const own = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
		messages := []domain.Message{numbered(t, 0, 1), numbered(t, 0, 2)}
		messages[1].Trace = own
		ctx, request := traces.Tracer("test").Start(t.Context(), "request")
		if _, err := w.newLog(t).Append(ctx, messages...); err != nil {
			t.Fatal(err)
		}
		got := spans.GetSpans()
		if len(got) != 1 || got[0].Name != "append" || got[0].Parent.SpanID() != request.SpanContext().SpanID() {
			t.Fatalf("got %v, want one span below the request", got)
		}
		span := got[0].SpanContext
		want := []string{"00-" + span.TraceID().String() + "-" + span.SpanID().String() + "-01", own}
		var headers []string
		for rec, err := range kafka.NewReader(w.Options).Read(t.Context(), 0, 0, 2) {
			if err != nil {
				t.Fatal(err)
			}
			headers = append(headers, rec.Headers[wire.HeaderTrace])
		}
		if !slices.Equal(headers, want) || messages[0].Trace != "" {
			t.Errorf("got traces %q, want %q, and the caller's message as it was", headers, want)
		}
	})
}

// Without traces a record has no header and the messages are not looked at.
func TestAppendIsNotTraced(t *testing.T) {
	t.Parallel()

	onBoth(t, func(t *testing.T, w world) {
		w.write(t, 0, 1, 1)
		for rec, err := range kafka.NewReader(w.Options).Read(t.Context(), 0, 0, 1) {
			if header, ok := rec.Headers[wire.HeaderTrace]; ok || err != nil {
				t.Errorf("got trace %q, %v, want none", header, err)
			}
		}
	})
}

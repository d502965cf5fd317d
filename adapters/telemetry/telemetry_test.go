package telemetry_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/confuse/data-connector/adapters/telemetry"
)

// A collector is away for as long as err is set.
type collector struct {
	tracetest.InMemoryExporter
	err error
}

func (c *collector) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	if c.err != nil {
		return c.err
	}
	return c.InMemoryExporter.ExportSpans(ctx, spans)
}

// A collector that is away costs one line, and one when it is back.
func TestOutageIsLoggedOnce(t *testing.T) {
	t.Parallel()

	var lines bytes.Buffer
	c := &collector{err: errors.New("connection refused")}
	traces, err := telemetry.OpenWith(t.Context(), telemetry.Options{Service: "test", Version: "v1", Log: slog.New(slog.NewTextHandler(&lines, nil))}, c)
	if err != nil {
		t.Fatal(err)
	}
	send := func() {
		t.Helper()
		_, span := traces.Tracer("test").Start(t.Context(), "work")
		span.End()
		if err := traces.ForceFlush(t.Context()); err != nil {
			t.Errorf("got error %v, want none", err)
		}
	}
	send()
	send()
	c.err = nil
	send()
	if spans := c.GetSpans(); len(spans) != 1 || !strings.Contains(spans[0].Resource.String(), "service.name=test,service.version=v1") {
		t.Errorf("got %v, want the span of the time after the outage, with the name of the service", spans)
	}
	if err := traces.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	got := lines.String()
	if strings.Count(got, "spans are not sent") != 1 || !strings.Contains(got, "connection refused") || !strings.Contains(got, `msg="spans are sent again" lost=2`) {
		t.Errorf("got lines\n%s\nwant one for the outage and one for its end", got)
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()

	for protocol, ok := range map[telemetry.Protocol]bool{telemetry.HTTP: true, telemetry.GRPC: true, "": false, "http/json": false} {
		traces, err := telemetry.Open(t.Context(), telemetry.Options{Protocol: protocol, Service: "test", Version: "v1", Log: slog.New(slog.DiscardHandler)})
		if (err == nil) != ok {
			t.Errorf("%q: got error %v, want one: %v", protocol, err, !ok)
		}
		if err == nil {
			if err := traces.Shutdown(t.Context()); err != nil {
				t.Error(err)
			}
		}
	}
}

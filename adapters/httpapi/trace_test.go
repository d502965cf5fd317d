package httpapi_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/confuse/data-connector/adapters/httpapi"
)

// callerTrace is of a caller whose trace goes on here.
const callerTrace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

// A request is a span that shows its route and nothing that the caller chose; the
// line of the log names its trace.
func TestRequestsAreTraced(t *testing.T) {
	t.Parallel()

	var lines bytes.Buffer
	spans := tracetest.NewInMemoryExporter()
	p := parts(newWorld())
	p.Traces, p.Log = sdk.NewTracerProvider(sdk.WithSyncer(spans)), slog.New(slog.NewTextHandler(&lines, nil))
	api := httpapi.New(p)
	tests := []struct{ method, path, name, method2, route, status string }{
		{http.MethodGet, "/sources/" + annSource.String() + "?token=sesame", "GET /sources/{id}", "GET", "/sources/{id}", "400"},
		{http.MethodGet, "/sesame", "HTTP", "GET", "none", "404"},
		{"SESAME", "/sources", "HTTP", "_OTHER", "none", "405"},
		{http.MethodGet, "/livez", "", "", "", ""},
		{http.MethodGet, "/metrics", "", "", "", ""},
	}
	for _, tt := range tests {
		spans.Reset()
		lines.Reset()
		call(t, api, tt.method, tt.path, "", "Traceparent", callerTrace, "X-Api-Key", "sesame")
		got := spans.GetSpans()
		if tt.name == "" {
			if len(got) != 0 {
				t.Errorf("%s: got a span, want none", tt.path)
			}
			continue
		}
		if len(got) != 1 {
			t.Fatalf("%s: got %d spans, want 1", tt.path, len(got))
		}
		about := attribute.NewSet(got[0].Attributes...)
		want := "http.request.method=" + tt.method2 + ",http.response.status_code=" + tt.status + ",http.route=" + tt.route
		if text := about.Encoded(attribute.DefaultEncoder()); text != want || got[0].Name != tt.name {
			t.Errorf("got %q %s, want %q %s", got[0].Name, text, tt.name, want)
		}
		if parent := got[0].Parent; !strings.Contains(callerTrace, parent.TraceID().String()+"-"+parent.SpanID().String()) {
			t.Errorf("got parent %v, want the caller's span", parent)
		}
		if want := "trace_id=" + got[0].SpanContext.TraceID().String(); !strings.Contains(lines.String(), want) {
			t.Errorf("got lines\n%s\nwant %s", lines.String(), want)
		}
	}
}

// Without traces there is no trace of a trace, whatever the caller sends.
func TestRequestsAreNotTraced(t *testing.T) {
	t.Parallel()

	var lines bytes.Buffer
	p := parts(newWorld())
	p.Log = slog.New(slog.NewTextHandler(&lines, nil))
	call(t, httpapi.New(p), http.MethodGet, "/sources", "", "Traceparent", callerTrace)
	if got := lines.String(); !strings.Contains(got, "request") || strings.Contains(got, "trace") {
		t.Errorf("got %s, want the line without a trace", got)
	}
}

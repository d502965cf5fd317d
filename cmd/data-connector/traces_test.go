package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	span "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/confuse/data-connector/adapters/kafka"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/wire"
)

// A spanCollector is an OpenTelemetry collector that keeps spans.
type spanCollector struct {
	url string

	mu    sync.Mutex
	spans []*span.Span
}

func newSpanCollector(t *testing.T) *spanCollector {
	t.Helper()
	c := &spanCollector{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(r.Body)
		var got collector.ExportTraceServiceRequest
		if err == nil {
			err = proto.Unmarshal(raw, &got)
		}
		if err != nil || r.URL.Path != "/v1/traces" {
			t.Errorf("collector: got %s, %v", r.URL.Path, err)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, resource := range got.GetResourceSpans() {
			for _, scope := range resource.GetScopeSpans() {
				c.spans = append(c.spans, scope.GetSpans()...)
			}
		}
	}))
	t.Cleanup(server.Close)
	c.url = server.URL
	return c
}

// of are the spans of a trace as "name < name of its parent".
func (c *spanCollector) of(trace string) map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	names := map[string]string{}
	for _, s := range c.spans {
		names[string(s.GetSpanId())] = s.GetName()
	}
	got := map[string]int{}
	for _, s := range c.spans {
		if hex.EncodeToString(s.GetTraceId()) == trace {
			got[s.GetName()+" < "+names[string(s.GetParentSpanId())]]++
		}
	}
	return got
}

// One request is one trace: what the caller began goes on in the request, in the
// records it appends, in the rows they become, and in the run of the job that it
// has opened, to the rows of the files.
func TestTraces(t *testing.T) {
	t.Parallel()

	const caller = "0af7651916cd43dd8448eb211c80319c"
	dir := folder(t, map[string]string{"a": "a", "b": "b"})
	spans := newSpanCollector(t)
	env := serveEnv(t, dir)
	server := startChild(t, with(env, "OTEL_EXPORTER_OTLP_ENDPOINT="+spans.url), "serve")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/sources", strings.NewReader(
		fmt.Sprintf(`{"type":"localfs","config":{"rootPath":%q}}`, dir)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Traceparent", "00-"+caller+"-b7ad6b7169203331-01")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }() // read to its end
	var source struct{ ID string }
	if err := json.NewDecoder(resp.Body).Decode(&source); err != nil || resp.StatusCode != http.StatusCreated {
		t.Fatalf("got %d, %v", resp.StatusCode, err)
	}
	end := checkTraceOnLog(t, env, source.ID, caller)
	fetchAt(t, server.URL+"/sources/"+source.ID, end.String(), &source) // all rows are there
	server.stop(t)                                                      // sends what is left
	if !strings.Contains(server.log(), `"trace_id":"`+caller+`"`) {
		t.Errorf("got log\n%s\nwant the line of the request to name its trace", server.log())
	}
	got := spans.of(caller)
	for name, atLeast := range map[string]int{
		"POST /sources < ":           1,
		"append < POST /sources":     1,
		"rows < append":              4, // of the request, the claim, the page, its progress and the end; batches may join two
		"sync localfs < append":      1,
		"append < sync localfs":      4,
		"pack commit < sync localfs": 1,
	} {
		if got[name] < atLeast {
			t.Errorf("got %d spans %q, want at least %d, among\n%v", got[name], name, atLeast, got)
		}
	}
}

// checkTraceOnLog waits until a source is synced and looks at its records; it gives
// where the last one stands.
func checkTraceOnLog(t *testing.T, env []string, source, trace string) domain.Position {
	t.Helper()
	cfg, err := loadConfig(mapOf(env))
	if err != nil {
		t.Fatal(err)
	}
	options, err := cfg.kafkaOptions(cfg.newLogger(t.Output()))
	if err != nil {
		t.Fatal(err)
	}
	for rec, err := range kafka.NewReader(options).Read(t.Context(), partitionOf(t, env, source), 0, kafka.Follow) {
		if err != nil {
			t.Fatal(err)
		}
		if header := rec.Headers[wire.HeaderTrace]; !strings.HasPrefix(header, "00-"+trace+"-") || !strings.HasSuffix(header, "-01") {
			t.Errorf("offset %d: got traceparent %q, want one of trace %s", rec.Position.Offset, header, trace)
		}
		if strings.Contains(string(rec.Raw), `"sync_completed"`) {
			return rec.Position
		}
	}
	t.Fatal("the log ends before the sync")
	return domain.Position{}
}

func TestTracing(t *testing.T) {
	t.Parallel()

	for name, tt := range map[string]struct {
		env  []string
		want bool
	}{
		"nothing is set":        {nil, false},
		"an endpoint":           {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318"}, true},
		"an endpoint of traces": {[]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://localhost:4318/v1/traces"}, true},
		"an exporter":           {[]string{"OTEL_TRACES_EXPORTER=otlp"}, true},
		"no exporter":           {[]string{"OTEL_TRACES_EXPORTER=none", "OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318"}, false},
		"switched off":          {[]string{"OTEL_TRACES_EXPORTER=otlp", "OTEL_SDK_DISABLED=true"}, false},
	} {
		cfg, err := loadConfig(mapOf(tt.env))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got := cfg.tracing(); got != tt.want {
			t.Errorf("%s: got %v, want %v", name, got, tt.want)
		}
	}
	for _, wrong := range []string{"OTEL_TRACES_EXPORTER=zipkin", "OTEL_EXPORTER_OTLP_PROTOCOL=http/json", "OTEL_EXPORTER_OTLP_ENDPOINT=localhost:4318"} {
		if _, err := loadConfig(mapOf([]string{wrong})); err == nil {
			t.Errorf("%s: got no error", wrong)
		}
	}
}

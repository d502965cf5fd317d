package main

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/confuse/data-connector/adapters/httpapi"
	"github.com/confuse/data-connector/connectors/rest"
)

// scraped is what Prometheus gets from the collectors.
func scraped(t *testing.T, all ...prometheus.Collector) string {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(all...)
	w := httptest.NewRecorder()
	req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil)
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError}).ServeHTTP(w, req)
	return w.Body.String()
}

// Callers cannot make metrics by asking for what there is not.
func TestCallersMakeNoMetrics(t *testing.T) {
	t.Parallel()

	c := newCounters()
	for _, method := range []string{"BREW", "SIP", http.MethodGet} {
		c.answered(httpapi.Answered{Method: method, Status: http.StatusNotFound, Took: time.Second})
	}
	c.answered(httpapi.Answered{Method: http.MethodGet, Route: "/sources/{id}", Status: http.StatusOK, Took: 5 * time.Millisecond})
	got := scraped(t, c.all()...)
	for _, want := range []string{
		`dataconnector_http_requests_total{method="other",route="other",status="404"} 2`,
		`dataconnector_http_requests_total{method="GET",route="other",status="404"} 1`,
		`dataconnector_http_requests_total{method="GET",route="/sources/{id}",status="200"} 1`,
		`dataconnector_http_request_duration_seconds_bucket{method="GET",route="/sources/{id}",le="0.016"} 1`,
	} {
		if !strings.Contains(got, want+"\n") {
			t.Errorf("got\n%s\nwant %s", got, want)
		}
	}
}

// What cannot be measured is missing, and what can be is there.
func TestMetricsOfAServerThatIsAway(t *testing.T) {
	t.Parallel()

	away := gauges{
		kind: prometheus.GaugeValue, names: []*prometheus.Desc{metric("away", "Not there.")},
		take: func(context.Context, func(int, float64, ...string)) error { return errors.New("away") },
	}
	here := gauges{
		kind: prometheus.GaugeValue, names: []*prometheus.Desc{metric("here", "There.")},
		take: func(_ context.Context, put func(int, float64, ...string)) error { put(0, 7); return nil },
	}
	if got := scraped(t, away, here); !strings.Contains(got, "dataconnector_here 7\n") || strings.Contains(got, "dataconnector_away") {
		t.Errorf("got\n%s\nwant what can be measured alone", got)
	}
}

// Calls to providers are counted by what became of them; a provider that says
// nothing of its budget leaves what was known.
func TestProviderMetrics(t *testing.T) {
	t.Parallel()

	c := newCounters()
	for _, call := range []rest.Call{
		{Provider: "hub", Status: 200, Duration: 20 * time.Millisecond, Remaining: 41}, {Provider: "hub", Status: 304, Remaining: -1},
		{Provider: "hub", Status: 404, Remaining: -1}, {Provider: "hub", Status: 429, Remaining: 0}, {Provider: "hub", Status: 502, Remaining: -1},
		{Provider: "hub", Remaining: -1, Duration: time.Hour},
	} {
		c.called(call)
	}
	got := scraped(t, c.all()...)
	for _, want := range []string{
		`dataconnector_provider_calls_total{outcome="ok",provider="hub"} 2`, `dataconnector_provider_calls_total{outcome="refused",provider="hub"} 1`,
		`dataconnector_provider_calls_total{outcome="limited",provider="hub"} 1`, `dataconnector_provider_calls_total{outcome="failed",provider="hub"} 1`,
		`dataconnector_provider_calls_total{outcome="unanswered",provider="hub"} 1`, `dataconnector_provider_budget_remaining{provider="hub"} 0`,
		`dataconnector_provider_call_duration_seconds_count{provider="hub"} 5`,
	} {
		if !strings.Contains(got, want+"\n") {
			t.Errorf("got\n%s\nwant %s", got, want)
		}
	}
}

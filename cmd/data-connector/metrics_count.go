package main

import (
	"net/http"
	"slices"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/confuse/data-connector/adapters/httpapi"
	"github.com/confuse/data-connector/domain/ingest"
)

// other stands for words that callers choose, so that they make no metrics.
const other = "other"

// counters are what this process has done since it started.
type counters struct {
	requests                         *prometheus.CounterVec
	took                             *prometheus.HistogramVec
	pages, events, bytes, unreadable *prometheus.CounterVec
	calls                            *prometheus.CounterVec
	callTook                         *prometheus.HistogramVec
	budget                           *prometheus.GaugeVec
	uncounted                        prometheus.Counter
	lost                             prometheus.Counter

	stages stageCounters
}

func newCounters() *counters {
	count := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "dataconnector_" + name, Help: help}, labels)
	}
	return &counters{
		stages:   newStageCounters(),
		requests: count("http_requests_total", "Requests that were answered.", "method", "route", "status"),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "dataconnector_http_request_duration_seconds", Help: "Time to answer requests; a stream of events takes as long as it is open.",
			Buckets: prometheus.ExponentialBuckets(0.001, 4, 9),
		}, []string{"method", "route"}),
		pages:      count("committed_pages_total", "Pages of syncs that have become durable.", "provider"),
		events:     count("committed_events_total", "Events of files on these pages.", "provider"),
		bytes:      count("committed_content_bytes_total", "Bytes of content on these pages.", "provider"),
		lost:       prometheus.NewCounter(prometheus.CounterOpts{Name: "dataconnector_lost_content_total", Help: "Reads of content that is missing or damaged in the content store."}),
		unreadable: count("unreadable_items_total", "Items that could not be read; of each page at most 20 are counted.", "provider"),
		calls:      count("provider_calls_total", "Calls to the APIs of providers.", "provider", "outcome"),
		callTook: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "dataconnector_provider_call_duration_seconds", Help: "Time until a provider answered a call.",
			Buckets: prometheus.ExponentialBuckets(0.01, 4, 8),
		}, []string{"provider"}),
		budget: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "dataconnector_provider_budget_remaining", Help: "Calls left until the provider's limit resets, by its last answer that said so; -1 before.",
		}, []string{"provider"}),
		uncounted: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "dataconnector_uncounted_requests_total", Help: "Times that a request could not be counted for its rate limit and was let through.",
		}),
	}
}

func (c *counters) all() []prometheus.Collector {
	return append(c.stages.all(),
		c.requests, c.took, c.pages, c.events, c.bytes, c.unreadable, c.lost, c.calls, c.callTook, c.budget, c.uncounted,
	)
}

// answered is httpapi.Parts.Observe.
func (c *counters) answered(a httpapi.Answered) {
	method, route := a.Method, a.Route
	if !slices.Contains([]string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPatch, http.MethodDelete, http.MethodOptions}, method) {
		method = other
	}
	if route == "" {
		route = other
	}
	c.requests.WithLabelValues(method, route, strconv.Itoa(a.Status)).Inc()
	c.took.WithLabelValues(method, route).Observe(a.Took.Seconds())
}

// committed is ingest.Engine.Observe.
func (c *counters) committed(p ingest.Committed) {
	provider := string(p.Provider)
	c.pages.WithLabelValues(provider).Inc()
	c.events.WithLabelValues(provider).Add(float64(p.Events))
	c.bytes.WithLabelValues(provider).Add(float64(p.Bytes))
	c.unreadable.WithLabelValues(provider).Add(float64(p.Unreadable))
}

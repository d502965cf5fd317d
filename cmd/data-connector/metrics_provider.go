package main

import (
	"net/http"
	"time"

	"github.com/go-chi/httprate"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/confuse/data-connector/connectors/rest"
	"github.com/confuse/data-connector/domain/ingest"
)

// Outcomes of calls to providers.
const (
	callOK         = "ok"
	callLimited    = "limited"
	callRefused    = "refused"
	callFailed     = "failed"
	callUnanswered = "unanswered"
)

// expect makes the metrics of the providers be there before the first call.
func (c *counters) expect(connectors ingest.Connectors) {
	for _, conn := range connectors {
		provider := string(conn.Describe().Provider)
		for _, outcome := range []string{callOK, callLimited, callRefused, callFailed, callUnanswered} {
			c.calls.WithLabelValues(provider, outcome)
		}
		c.callTook.WithLabelValues(provider)
		c.budget.WithLabelValues(provider).Set(-1)
	}
}

// called is rest.Options.Observe.
func (c *counters) called(call rest.Call) {
	provider := string(call.Provider)
	c.calls.WithLabelValues(provider, outcomeOf(call.Status)).Inc()
	if call.Status != 0 {
		c.callTook.WithLabelValues(provider).Observe(call.Duration.Seconds())
	}
	if call.Remaining >= 0 {
		c.budget.WithLabelValues(provider).Set(float64(call.Remaining))
	}
}

func outcomeOf(status int) string {
	switch {
	case status == 0:
		return callUnanswered
	case status == http.StatusTooManyRequests:
		return callLimited
	case status >= http.StatusInternalServerError:
		return callFailed
	case status >= http.StatusBadRequest:
		return callRefused
	}
	return callOK
}

// countedLimit counts how often a limit could not be kept.
type countedLimit struct {
	httprate.LimitCounter
	uncounted prometheus.Counter
}

// Get implements httprate.LimitCounter.
func (l countedLimit) Get(key string, current, previous time.Time) (int, int, error) {
	now, before, err := l.LimitCounter.Get(key, current, previous)
	if err != nil {
		l.uncounted.Inc()
	}
	return now, before, err
}

package main

import (
	"context"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/confuse/data-connector/adapters/redis"
	"github.com/confuse/data-connector/projections"
)

// scrapeTime is what looking at one server may take; Prometheus gives up after
// 10 s.
const scrapeTime = 3 * time.Second

// A gauges is a collector that measures when it is asked: its metrics, named in
// docs/operations.md, are what take hands to put.
type gauges struct {
	names []*prometheus.Desc
	take  func(ctx context.Context, put func(name int, value float64, labels ...string)) error
	kind  prometheus.ValueType
}

// Describe implements prometheus.Collector.
func (g gauges) Describe(out chan<- *prometheus.Desc) {
	for _, name := range g.names {
		out <- name
	}
}

// Collect implements prometheus.Collector. What cannot be measured is not there,
// and the scrape says why; the other collectors go on.
func (g gauges) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTime)
	defer cancel()
	err := g.take(ctx, func(name int, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(g.names[name], g.kind, value, labels...)
	})
	if err != nil {
		out <- prometheus.NewInvalidMetric(g.names[0], err)
	}
}

// metric names one. All begin with dataconnector_.
func metric(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("dataconnector_"+name, help, labels, nil)
}

// metrics answers /metrics: those of the process, and how the log, the tables and
// the queue do, which are the same from all processes.
func (s *service) metrics(c *counters) http.Handler {
	b := readBuild()
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "dataconnector_build_info", Help: "Always 1; the labels say what runs.",
		ConstLabels: prometheus.Labels{"version": b.version, "revision": b.revision, "go": b.goVersion},
	})
	info.Set(1)
	c.expect(s.connectors())
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), info,
		lagGauges(s.tableStates()), foldedCounter(s.runner), tallyGauges(s.reader), queueGauges(s.queue), s.stageGauges(),
	)
	registry.MustRegister(c.all()...)
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError, Registry: registry})
}

func tallyGauges(tables *projections.Reader) gauges {
	const (
		sources = iota
		jobs
		retrying
		held
		holding
	)
	return gauges{
		kind: prometheus.GaugeValue,
		names: []*prometheus.Desc{
			sources:  metric("sources", "Sources that are not being removed.", "provider", "status"),
			jobs:     metric("open_jobs", "Jobs that have not ended.", "provider", "status"),
			retrying: metric("retrying_jobs", "Open jobs that wait for their next attempt."),
			held:     metric("held_deletes", "Deletes that wait for a release."),
			holding:  metric("holding_sources", "Sources that hold deletes."),
		},
		take: func(ctx context.Context, put func(int, float64, ...string)) error {
			t, err := tables.Tally(ctx)
			if err != nil {
				return err
			}
			for _, c := range t.Sources {
				put(sources, float64(c.Number), c.Provider, c.Status)
			}
			for _, c := range t.Jobs {
				put(jobs, float64(c.Number), c.Provider, c.Status)
			}
			put(retrying, float64(t.Retrying))
			put(held, float64(t.Held))
			put(holding, float64(t.Holding))
			return nil
		},
	}
}

func queueGauges(queue *redis.Queue) gauges {
	const (
		tickets = iota
		oldest
	)
	return gauges{
		kind: prometheus.GaugeValue,
		names: []*prometheus.Desc{
			tickets: metric("queue_tickets", "Tickets in the queue: due, waiting for their time, leased by workers.", "state"),
			oldest:  metric("queue_oldest_seconds", "How long the first due ticket has been due."),
		},
		take: func(ctx context.Context, put func(int, float64, ...string)) error {
			q, err := queue.Stats(ctx)
			if err != nil {
				return err
			}
			put(tickets, float64(q.Due), "due")
			put(tickets, float64(q.Waiting), "waiting")
			put(tickets, float64(q.Leased), "leased")
			put(oldest, q.Oldest.Seconds())
			return nil
		},
	}
}

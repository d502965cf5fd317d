package main

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/projections"
)

// scrapeTime is what looking at the lag may take; Prometheus gives up after 10 s.
const scrapeTime = 3 * time.Second

// metrics answers /metrics: those of the process, and how far the tables are
// behind the log.
func (s *service) metrics() http.Handler {
	b := readBuild()
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "dataconnector_build_info", Help: "Always 1; the labels say what runs.",
		ConstLabels: prometheus.Labels{"version": b.version, "revision": b.revision, "go": b.goVersion},
	})
	info.Set(1)
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), info,
		lagCollector{log: s.commands, tables: s.reader, topic: s.kafka.Layout.Events()},
	)
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError})
}

// A lagCollector measures when it is asked.
type lagCollector struct {
	log    domain.Log
	tables *projections.Reader
	topic  string
}

func (lagCollector) behind() *prometheus.Desc {
	return prometheus.NewDesc("dataconnector_projection_lag", "Events that the tables are behind the log.", []string{"partition"}, nil)
}

func (lagCollector) poison() *prometheus.Desc {
	return prometheus.NewDesc("dataconnector_projection_poison", "Records that were set aside.", []string{"partition"}, nil)
}

// Describe implements prometheus.Collector.
func (l lagCollector) Describe(out chan<- *prometheus.Desc) {
	out <- l.behind()
	out <- l.poison()
}

// Collect implements prometheus.Collector.
func (l lagCollector) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTime)
	defer cancel()
	lags, err := measureLag(ctx, l.log, l.tables, l.topic)
	if err != nil {
		out <- prometheus.NewInvalidMetric(l.behind(), err)
		return
	}
	for _, lag := range lags {
		partition := strconv.Itoa(int(lag.Partition))
		out <- prometheus.MustNewConstMetric(l.behind(), prometheus.GaugeValue, float64(lag.Behind), partition)
		out <- prometheus.MustNewConstMetric(l.poison(), prometheus.GaugeValue, float64(lag.Poison), partition)
	}
}

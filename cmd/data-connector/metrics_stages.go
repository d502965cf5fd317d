package main

import (
	"context"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/confuse/data-connector/adapters/pipeline"
	"github.com/confuse/data-connector/adapters/pipeline/embed"
)

// stageCounters are what the stages of this process have done.
type stageCounters struct {
	handed, items, trouble, repeats *prometheus.CounterVec
	circuit                         *prometheus.GaugeVec
}

func newStageCounters() stageCounters {
	count := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "dataconnector_stage_" + name, Help: help}, labels)
	}
	return stageCounters{
		handed:  count("files_total", "Changes of files that a stage has answered for.", "stage", "state", "again"),
		items:   count("items_total", "What the neighbour of a stage made of them.", "stage"),
		trouble: count("trouble_total", "Tries that the neighbour of a stage did not answer, or not so that it helps.", "stage", "again"),
		repeats: count("repeats_total", "What was asked for again though the neighbour of a stage may have had it: no answer had come.", "stage", "again"),
		circuit: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "dataconnector_stage_circuit_open", Help: "1 while a stage only probes its neighbour, for what is new or for what is handed on again.",
		}, []string{"stage", "again"}),
	}
}

func (c stageCounters) all() []prometheus.Collector {
	return []prometheus.Collector{c.handed, c.items, c.trouble, c.repeats, c.circuit}
}

// dispatched is pipeline.Dispatcher.Observe.
func (c stageCounters) dispatched(o pipeline.Observed) {
	again := strconv.FormatBool(o.Again)
	switch {
	case o.Trouble:
		c.trouble.WithLabelValues(o.Stage, again).Inc()
	case o.Repeats > 0:
		c.repeats.WithLabelValues(o.Stage, again).Add(float64(o.Repeats))
	case o.Changed && o.Open:
		c.circuit.WithLabelValues(o.Stage, again).Set(1)
	case o.Changed:
		c.circuit.WithLabelValues(o.Stage, again).Set(0)
	default:
		c.handed.WithLabelValues(o.Stage, string(o.State), again).Inc()
		c.items.WithLabelValues(o.Stage).Add(float64(o.Items))
	}
}

// stageGauges tell how the stages do, the same from all processes.
func (s *service) stageGauges() gauges {
	const (
		lag = iota
		letters
	)
	return gauges{
		kind: prometheus.GaugeValue,
		names: []*prometheus.Desc{
			lag:     metric("stage_lag", "Records that a stage has not done with, on each of its topics.", "stage", "topic"),
			letters: metric("stage_dead_letters", "Dead letters that wait for a decision.", "stage"),
		},
		take: func(ctx context.Context, put func(int, float64, ...string)) error {
			counts, err := s.reader.CountLetters(ctx)
			if err != nil {
				return err
			}
			for stage, n := range counts {
				put(letters, float64(n), stage)
			}
			for _, name := range stageNames() {
				topics := map[string]string{
					s.kafka.Layout.Events(): s.stageGroup(name), s.kafka.Layout.Replay(): s.stageGroup(name) + againSuffix,
				}
				if name == embed.Name {
					delete(topics, s.kafka.Layout.Events())
					topics[s.kafka.Layout.Chunks()] = s.stageGroup(name)
				}
				for topic, group := range topics {
					behind, err := s.commands.GroupLag(ctx, group, topic)
					if err != nil {
						return err
					}
					if behind >= 0 {
						put(lag, float64(behind), name, topic)
					}
				}
			}
			return nil
		},
	}
}

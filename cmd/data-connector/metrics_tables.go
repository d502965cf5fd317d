package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/confuse/data-connector/projections"
)

// lagGauges tell how far the tables are behind the log, of every partition that
// the log has now.
func lagGauges(t tableStates) gauges {
	const (
		lag = iota
		poison
		parked
	)
	return gauges{
		kind: prometheus.GaugeValue,
		names: []*prometheus.Desc{
			lag:    metric("projection_lag", "Events that the tables are behind the log.", "partition"),
			poison: metric("projection_poison", "Records that were set aside.", "topic", "partition"),
			parked: metric("projection_parked_sources", "Sources that were set aside.", "topic", "partition"),
		},
		take: func(ctx context.Context, put func(int, float64, ...string)) error {
			checkpoints, err := t.tables.Checkpoints(ctx)
			if err != nil {
				return err
			}
			folded := map[int32]int64{}
			for _, c := range checkpoints {
				put(poison, float64(c.Poison), c.Topic, partitionLabel(c.Partition))
				put(parked, float64(c.Parked), c.Topic, partitionLabel(c.Partition))
				if c.Topic == t.events {
					folded[c.Partition] = c.Position
				}
			}
			n, err := t.log.Partitions(ctx)
			if err != nil {
				return err
			}
			var errs []error
			for p := range n {
				end, err := t.log.End(ctx, p)
				if err != nil {
					errs = append(errs, fmt.Errorf("partition %d: %w", p, err))
					continue
				}
				put(lag, float64(end-folded[p]), partitionLabel(p))
			}
			return errors.Join(errs...)
		},
	}
}

// foldedCounter tells what this process has folded.
func foldedCounter(r *projections.Runner) gauges {
	return gauges{
		kind:  prometheus.CounterValue,
		names: []*prometheus.Desc{metric("projection_folded_records_total", "Records that this process has folded.", "topic", "partition")},
		take: func(_ context.Context, put func(int, float64, ...string)) error {
			for _, f := range r.Folded() {
				put(0, float64(f.Records), f.Topic, partitionLabel(f.Partition))
			}
			return nil
		},
	}
}

func partitionLabel(p int32) string { return strconv.Itoa(int(p)) }

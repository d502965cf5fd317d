package main

import (
	"context"

	"github.com/confuse/data-connector/adapters/httpapi"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/projections"
)

// tableStates is httpapi.Projections: the checkpoints beside the ends of the log
// and what this process folds.
type tableStates struct {
	log    domain.Log
	tables *projections.Reader
	runner *projections.Runner
	events string // the topic whose ends log knows
}

func (s *service) tableStates() tableStates {
	return tableStates{log: s.commands, tables: s.reader, runner: s.runner, events: s.kafka.Layout.Events()}
}

// Projections implements httpapi.Projections. The ends are read after the
// checkpoints; one that the broker does not tell is not known.
func (t tableStates) Projections(ctx context.Context) ([]httpapi.Projection, error) {
	checkpoints, err := t.tables.Checkpoints(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]httpapi.Projection, 0, len(checkpoints))
	for _, c := range checkpoints {
		p := httpapi.Projection{Checkpoint: c, End: -1, PerSecond: t.rate(c.Topic, c.Partition)}
		if c.Topic == t.events {
			if end, err := t.log.End(ctx, c.Partition); err == nil {
				p.End = end
			}
		}
		all = append(all, p)
	}
	return all, nil
}

// Rebuilding implements httpapi.Projections.
func (t tableStates) Rebuilding(ctx context.Context) (*projections.Progress, error) {
	return t.tables.Rebuilding(ctx)
}

// rate is 0 for what another process folds.
func (t tableStates) rate(topic string, partition int32) float64 {
	for _, f := range t.runner.Folded() {
		if f.Topic == topic && f.Partition == partition {
			return f.PerSecond
		}
	}
	return 0
}

package projections

import (
	"context"

	"github.com/confuse/data-connector/domain"
)

// Trace is the part of a batch that makes spans.
func (r *Runner) Trace(ctx context.Context, topic string, records []domain.Record) (end func(error)) {
	return r.trace(ctx, place{topic: topic}, records)
}

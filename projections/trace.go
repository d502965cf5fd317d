package projections

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/wire"
)

const (
	// traceAge is how old a record may be to be traced: filling the tables anew
	// adds nothing to traces of long ago.
	traceAge = 10 * time.Minute
	// tracesPerBatch bounds the spans of one transaction.
	tracesPerBatch = 64
)

// trace begins a span in each trace that records belong to: their way ends with
// the commit of the rows, which end tells about. It costs nothing without Tracer.
func (r *Runner) trace(ctx context.Context, at place, records []domain.Record) (end func(error)) {
	if r.Tracer == nil {
		return untraced
	}
	var spans []trace.Span
	for _, origin := range r.origins(records) {
		_, span := r.Tracer.Start(trace.ContextWithRemoteSpanContext(ctx, origin), "rows", trace.WithSpanKind(trace.SpanKindConsumer), trace.WithAttributes(
			attribute.String("messaging.destination.name", at.topic),
			attribute.Int("messaging.destination.partition.id", int(at.number)),
			attribute.Int64("messaging.kafka.offset", records[0].Position.Offset),
			attribute.Int("messaging.batch.message_count", len(records)),
		))
		spans = append(spans, span)
	}
	return func(err error) {
		for _, span := range spans {
			if err != nil {
				span.SetStatus(codes.Error, "the rows are not committed")
			}
			span.End()
		}
	}
}

func untraced(error) {}

// origins are the spans, each once, that appended records.
func (r *Runner) origins(records []domain.Record) []trace.SpanContext {
	var origins []trace.SpanContext
	seen, oldest := map[string]bool{}, r.waiters.clock.Now().Add(-traceAge)
	for i := range records {
		header := records[i].Headers[wire.HeaderTrace]
		if header == "" || seen[header] || len(origins) == tracesPerBatch {
			continue
		}
		seen[header] = true
		at, err := time.Parse(time.RFC3339Nano, records[i].Headers[wire.HeaderTime])
		if err != nil || at.Before(oldest) {
			continue
		}
		ctx := propagation.TraceContext{}.Extract(context.Background(), propagation.MapCarrier(records[i].Headers))
		if origin := trace.SpanContextFromContext(ctx); origin.IsSampled() {
			origins = append(origins, origin)
		}
	}
	return origins
}

// traceJobs lets the jobs that rec has opened carry its trace on to their runs.
// old is the source before rec, s behind it.
func traceJobs(old, s *domain.Source, rec *domain.Record) {
	header := rec.Headers[wire.HeaderTrace]
	if header == "" {
		return
	}
	for i := range s.Jobs {
		if j := &s.Jobs[i]; !hasJob(old, j.ID) {
			j.Trace = header // the fold has made room for a new job, so old does not see it
		}
	}
}

func hasJob(s *domain.Source, id domain.JobID) bool {
	for i := range s.Jobs {
		if s.Jobs[i].ID == id {
			return true
		}
	}
	return false
}

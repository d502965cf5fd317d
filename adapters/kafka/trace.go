package kafka

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/wire"
)

// tracer is nil when no spans are to be made.
func (o Options) tracer() trace.Tracer {
	if o.Traces == nil {
		return nil
	}
	return o.Traces.Tracer("github.com/confuse/data-connector/adapters/kafka")
}

// traced appends messages, of which there is one at least, within a span.
func (l *Log) traced(ctx context.Context, messages []domain.Message) ([]domain.Position, error) {
	ctx, span := l.tracer.Start(ctx, "append", trace.WithSpanKind(trace.SpanKindProducer), trace.WithAttributes(
		attribute.String("messaging.system", "kafka"),
		attribute.String("messaging.destination.name", l.topics.of(messages[0].Event)),
		attribute.Int("messaging.batch.message_count", len(messages)),
	))
	defer span.End()
	header := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, header)
	at, err := l.append(ctx, header[wire.HeaderTrace], messages)
	if err != nil {
		span.SetStatus(codes.Error, err.Error())
		return nil, err
	}
	span.SetAttributes(attribute.Int("messaging.destination.partition.id", int(at[0].Partition)), attribute.Int64("messaging.kafka.offset", at[0].Offset))
	return at, nil
}

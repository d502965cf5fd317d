package telemetry

import (
	"context"
	"log/slog"

	sdk "go.opentelemetry.io/otel/sdk/trace"
)

// outages is an exporter that logs when a collector goes away and when it is
// back. The library calls it from one goroutine at a time.
type outages struct {
	sdk.SpanExporter
	log  *slog.Logger
	away bool
	lost int // spans since it is away
}

// ExportSpans sends spans. Those that cannot be sent are lost, which is no error:
// the library could only print it.
func (o *outages) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	err := o.SpanExporter.ExportSpans(ctx, spans)
	switch {
	case err != nil && !o.away:
		o.away, o.lost = true, len(spans)
		o.log.WarnContext(ctx, "spans are not sent", "err", err)
	case err != nil:
		o.lost += len(spans)
	case o.away:
		o.away = false
		o.log.InfoContext(ctx, "spans are sent again", "lost", o.lost)
	}
	return nil
}

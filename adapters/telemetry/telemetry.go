package telemetry

import (
	"context"
	"fmt"
	"log/slog"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
)

// A Protocol is how spans are sent.
type Protocol string

// The protocols, by their names in OTEL_EXPORTER_OTLP_PROTOCOL.
const (
	HTTP Protocol = "http/protobuf"
	GRPC Protocol = "grpc"
)

// Options are what the environment does not say to the library. All are required.
type Options struct {
	Protocol Protocol
	Service  string // service.name, unless OTEL_SERVICE_NAME or OTEL_RESOURCE_ATTRIBUTES say otherwise
	Version  string // service.version, likewise
	Log      *slog.Logger
}

// Open makes a provider that sends spans in the background, without waiting for
// the collector. The caller ends it with Shutdown, which sends what is left.
// Spans are dropped when the collector does not keep up.
func Open(ctx context.Context, o Options) (*sdk.TracerProvider, error) {
	exporter, err := newExporter(ctx, o.Protocol)
	if err != nil {
		return nil, fmt.Errorf("telemetry: %w", err)
	}
	return open(ctx, o, exporter)
}

func open(ctx context.Context, o Options, exporter sdk.SpanExporter) (*sdk.TracerProvider, error) {
	about, err := resource.New(ctx,
		resource.WithTelemetrySDK(),
		resource.WithAttributes(attribute.String("service.name", o.Service), attribute.String("service.version", o.Version)),
		resource.WithFromEnv(), // the last one wins
	)
	if err != nil {
		return nil, fmt.Errorf("telemetry: OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	return sdk.NewTracerProvider(sdk.WithBatcher(&outages{SpanExporter: exporter, log: o.Log}), sdk.WithResource(about)), nil
}

func newExporter(ctx context.Context, p Protocol) (sdk.SpanExporter, error) {
	switch p {
	case HTTP:
		return otlptracehttp.New(ctx)
	case GRPC:
		return otlptracegrpc.New(ctx)
	}
	return nil, fmt.Errorf("protocol %q is none of %s, %s", p, HTTP, GRPC)
}

package main

import (
	"cmp"
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/confuse/data-connector/adapters/telemetry"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/wire"
)

// Values of OTEL_TRACES_EXPORTER.
const (
	exportOTLP = "otlp"
	exportNone = "none"
)

// lastSpans is what a stop waits for the collector.
const lastSpans = 3 * time.Second

// tracing tells whether spans are made: only when the operator has named where
// they go.
func (c config) tracing() bool {
	exporter := c.TracesExporter
	if exporter == "" && (c.OTLPEndpoint != "" || c.OTLPTracesEndpoint != "") {
		exporter = exportOTLP
	}
	return exporter == exportOTLP && !c.SDKDisabled
}

// openTraces leaves s.traces nil when there are to be none, and nobody spends
// anything on them.
func (s *service) openTraces(ctx context.Context) error {
	if !s.tracing() {
		return nil
	}
	traces, err := telemetry.Open(ctx, telemetry.Options{
		Protocol: telemetry.Protocol(cmp.Or(s.OTLPTracesProtocol, s.OTLPProtocol)), Service: "data-connector", Version: readBuild().version, Log: s.log,
	})
	if err != nil {
		return err
	}
	s.traces = traces
	s.closers = append(s.closers, func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastSpans)
		defer cancel()
		if err := traces.Shutdown(ctx); err != nil {
			s.log.WarnContext(ctx, "last spans are not sent", "err", err)
		}
		return nil
	})
	return nil
}

// tracer is nil when no spans are to be made.
func (s *service) tracer() trace.Tracer {
	if s.traces == nil {
		return nil
	}
	return s.traces.Tracer("github.com/confuse/data-connector")
}

// beginRun is ingest.Engine.Begin: a run is a span in the trace of the request
// that has opened its job, also when another process works on it.
func beginRun(tracer trace.Tracer) func(context.Context, domain.Source) (context.Context, func(error)) {
	if tracer == nil {
		return nil
	}
	return func(ctx context.Context, src domain.Source) (context.Context, func(error)) {
		job := src.Jobs[0]
		ctx = propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{wire.HeaderTrace: job.Trace})
		ctx, span := tracer.Start(ctx, "sync "+string(src.Provider), trace.WithSpanKind(trace.SpanKindConsumer), trace.WithAttributes(
			attribute.String("dataconnector.source", src.ID.String()), attribute.String("dataconnector.job", job.ID.String()),
			attribute.String("dataconnector.mode", string(job.Mode)), attribute.Int("dataconnector.attempt", job.Attempt+1),
		))
		return ctx, func(err error) { endSpan(span, err) }
	}
}

// endSpan shows no text of an error: providers put names and addresses there.
func endSpan(span trace.Span, err error) {
	if err != nil {
		span.SetStatus(codes.Error, "")
	}
	span.End()
}

// tracedPacks is packs whose commits are spans.
func tracedPacks(packs domain.Packs, tracer trace.Tracer) domain.Packs {
	if tracer == nil {
		return packs
	}
	return packTraces{packs, tracer}
}

type packTraces struct {
	domain.Packs
	tracer trace.Tracer
}

// Create implements domain.Packs.
func (p packTraces) Create(ctx context.Context, name string) (domain.PackWriter, error) {
	w, err := p.Packs.Create(ctx, name)
	if err != nil {
		return nil, err
	}
	return packTrace{w, p.tracer}, nil
}

type packTrace struct {
	domain.PackWriter
	tracer trace.Tracer
}

// Commit implements domain.PackWriter.
func (p packTrace) Commit(ctx context.Context) error {
	ctx, span := p.tracer.Start(ctx, "pack commit")
	err := p.PackWriter.Commit(ctx)
	endSpan(span, err)
	return err
}

// Package telemetry sends spans to an OpenTelemetry collector.
//
// [Open] makes the tracer provider that wiring hands to the parts which make
// spans. Endpoint, headers, certificates, sampler and limits are those of the
// standard OTEL_* variables, which the library reads by itself; what decides
// whether there are traces at all is an option.
//
// It sets nothing global: a part that was given no provider makes no spans and
// spends nothing on them.
//
// # Why
//
// The two plain OTLP exporters instead of the library that picks any exporter:
// that one brings Prometheus servers and consoles with it. Spans that cannot be
// sent are dropped and logged by us, once for each outage, because the library
// would write each failure to standard error in its own form.
package telemetry

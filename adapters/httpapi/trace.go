package httpapi

import (
	"cmp"
	"context"
	"net/http"
	"slices"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"go.opentelemetry.io/otel/attribute"
	otelcodes "go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// trace makes a span of each request, which goes on with the caller's trace. It
// is named by the route and holds no path, query, header or body, so no ids and
// no secrets. What load balancers and Prometheus ask for again and again has none.
func (s *Server) trace(next http.Handler) http.Handler {
	if s.Traces == nil {
		return next
	}
	tracer := s.Traces.Tracer("github.com/confuse/data-connector/adapters/httpapi")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if slices.Contains([]string{"/health", "/livez", "/readyz", "/metrics"}, r.URL.Path) {
			next.ServeHTTP(w, r)
			return
		}
		ctx := propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
		ctx, span := tracer.Start(ctx, "HTTP", trace.WithSpanKind(trace.SpanKindServer))
		answer := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
		defer func() { endRequest(span, r.Method, chi.RouteContext(ctx).RoutePattern(), answer.Status()) }() // also of a panic that cuts the connection
		next.ServeHTTP(answer, r.WithContext(ctx))
	})
}

// endRequest says what became of a request. A method that we do not know is the
// caller's word and not shown.
func endRequest(span trace.Span, method, route string, status int) {
	defer span.End()
	if !slices.Contains([]string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPatch, http.MethodDelete, http.MethodOptions}, method) {
		method = "_OTHER"
	}
	if route != "" {
		span.SetName(method + " " + route)
	}
	span.SetAttributes(attribute.String("http.request.method", method), attribute.String("http.route", cmp.Or(route, "none")),
		attribute.Int("http.response.status_code", status))
	if status == 0 || status >= http.StatusInternalServerError {
		span.SetStatus(otelcodes.Error, "")
	}
}

// traceOf is the id of the trace that ctx belongs to; "" outside of one.
func traceOf(ctx context.Context) string {
	if at := trace.SpanContextFromContext(ctx); at.HasTraceID() {
		return at.TraceID().String()
	}
	return ""
}

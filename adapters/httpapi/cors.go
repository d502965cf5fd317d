package httpapi

import (
	"net/http"

	"github.com/go-chi/cors"
)

// crossOrigin lets pages of Origins call from a browser. Credentials are never
// shared: a page sends its key itself. The headers that only a trusted gateway
// sends are not among the allowed ones.
func (s *Server) crossOrigin() func(http.Handler) http.Handler {
	if len(s.Origins) == 0 {
		return func(next http.Handler) http.Handler { return next }
	}
	return cors.Handler(cors.Options{
		AllowedOrigins: s.Origins,
		AllowedMethods: []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPatch, http.MethodDelete},
		AllowedHeaders: []string{
			"Authorization", "X-API-Key", "Accept", "Content-Type", "X-Correlation-Id", "Idempotency-Key", minPositionHeader,
			"If-None-Match", "If-Range", "Range", lastEventHeader,
		},
		ExposedHeaders: []string{
			"X-Correlation-Id", positionHeader, "Retry-After", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset",
			"ETag", "Accept-Ranges", "Content-Range", "Content-Disposition",
		},
		MaxAge: 600, // seconds, as long as browsers keep it at most
	})
}

// secure sets the headers by which browsers take a reply for nothing but data.
func secure(h http.Header) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
}

package httpapi

import (
	"context"
	"net/http"

	"github.com/google/uuid"
)

type contextKey int

const (
	correlationKey contextKey = iota
	identityKey
	recordKey
	stoppingKey
)

// maxCorrelation bounds what a caller may put into our log lines.
const maxCorrelation = 128

// correlate takes the caller's X-Correlation-Id, or makes one, and echoes it. It
// also sets the headers that all replies have.
func (s *Server) correlate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get("X-Correlation-Id")
		if !plain(id) {
			id = uuid.NewString()
		}
		w.Header().Set("X-Correlation-Id", id)
		secure(w.Header())
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), correlationKey, id)))
	})
}

// plain reports whether id is usable: 1 to 128 letters, digits, '-', '_', '.' or ':'.
func plain(id string) bool {
	if id == "" || len(id) > maxCorrelation {
		return false
	}
	for _, c := range id {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && c != '-' && c != '_' && c != '.' && c != ':' {
			return false
		}
	}
	return true
}

// correlation is the id of the request that ctx belongs to.
func correlation(ctx context.Context) string {
	id, _ := ctx.Value(correlationKey).(string) // "" outside a request
	return id
}

package httpapi

import (
	"net/http"
	"slices"
	"time"
)

// refuseWhileFilling answers 503 while the tables are not known to hold what was on
// the log before they were made: a source that is not there yet must not be taken for one that is
// gone, by a client or by a webhook that is then not kept.
func (s *Server) refuseWhileFilling(next http.Handler) http.Handler {
	if s.Filling == nil {
		return next
	}
	open := []string{"/health", "/livez", "/readyz", "/metrics", "/openapi.json", "/asyncapi.json", "/docs"}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.Filling() && !slices.Contains(open, r.URL.Path) {
			s.refuse(w, r, newErrorReply(http.StatusServiceUnavailable, codeUnavailable, "the service is starting: its tables are compared with the log, or filled from it; try again").after(time.Second))
			return
		}
		next.ServeHTTP(w, r)
	})
}

package httpapi

import (
	"context"
	"net"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/google/uuid"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/ingest"
)

// A record is what the audit line of one request will say. The handlers of the
// request fill it, one after the other.
type record struct {
	command string // id of the operation; "": no command
	who     Identity
	source  domain.SourceID // zero: none
	job     domain.JobID    // zero: none
	poison  string          // the record that it names; "": none
	code    string          // of the error that was answered; "": none
}

// audit writes one line for each command, also for a refused one: who asked for
// what, and what became of it. It tells no bodies, no options and no keys.
func (s *Server) audit(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := &record{}
		r = r.WithContext(context.WithValue(r.Context(), recordKey, rec))
		defer func() {
			if rec.command != "" {
				s.Log.InfoContext(r.Context(), "audit", rec.attributes(w, r)...)
			}
		}()
		next.ServeHTTP(w, r)
	})
}

func (rec *record) attributes(w http.ResponseWriter, r *http.Request) []any {
	status := 0
	if sent, ok := w.(middleware.WrapResponseWriter); ok {
		status = sent.Status()
	}
	list := []any{"command", rec.command, "outcome", outcome(status, rec.code), "status", status, "owner", rec.who.Owner, "peer", peerOf(r)}
	if rec.who.KeyID != "" {
		list = append(list, "key", rec.who.KeyID)
	}
	source, job := rec.targets(r)
	if source != "" {
		list = append(list, "source", source)
	}
	if job != "" {
		list = append(list, "job", job)
	}
	if rec.poison != "" {
		list = append(list, "record", rec.poison)
	}
	return append(list, "correlation", correlation(r.Context()))
}

// targets are the ids of what the command was about: those of its answer, else
// the one in the path.
func (rec *record) targets(r *http.Request) (source, job string) {
	if rec.source != (domain.SourceID{}) {
		source = rec.source.String()
	}
	if rec.job != (domain.JobID{}) {
		job = rec.job.String()
	}
	id, err := uuid.Parse(chi.URLParam(r, "id"))
	switch ofJob := strings.HasPrefix(chi.RouteContext(r.Context()).RoutePattern(), "/jobs/"); {
	case err != nil:
	case ofJob && job == "":
		job = id.String()
	case !ofJob && source == "":
		source = id.String()
	}
	return source, job
}

// outcome is done, accepted (durable, its effect is not visible yet) or the code
// of the error.
func outcome(status int, code string) string {
	switch {
	case code != "":
		return code
	case status == http.StatusAccepted:
		return "accepted"
	case status >= http.StatusOK && status < http.StatusMultipleChoices:
		return "done"
	}
	return "unknown" // the connection broke
}

// peerOf is the address at the other end of the connection, without the port.
func peerOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// begin notes the command that a request is.
func (s *Server) begin(ctx huma.Context, next func(huma.Context)) {
	if op := ctx.Operation(); op.Method != http.MethodGet && !isOpen(op) {
		recordOf(ctx.Context()).command = op.OperationID
	}
	next(ctx)
}

// noteAccepted notes what a command was about.
func noteAccepted(ctx context.Context, a ingest.Accepted) {
	rec := recordOf(ctx)
	rec.source, rec.job = a.Source.ID, a.Job.ID
}

// recordOf is the record of the request that ctx belongs to.
func recordOf(ctx context.Context) *record {
	if rec, ok := ctx.Value(recordKey).(*record); ok {
		return rec
	}
	return &record{} // outside of a request nobody reads it
}

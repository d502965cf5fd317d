package httpapi

import (
	"errors"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
)

// An Answered is a request that was answered.
type Answered struct {
	Method string
	Route  string // the pattern; empty: there is no such endpoint
	Status int    // 0: the connection was given up before a status was sent
	Took   time.Duration
}

// logAccess writes one line per request: no query, no headers, so no secrets.
// The route is the pattern; the ids in a path are not shown.
func (s *Server) logAccess(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun := s.Clock.Now()
		counted := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
		defer func() {
			a := Answered{Method: r.Method, Route: chi.RouteContext(r.Context()).RoutePattern(), Status: counted.Status(), Took: s.Clock.Now().Sub(begun)}
			log := s.Log
			if id := traceOf(r.Context()); id != "" {
				log = log.With("trace_id", id)
			}
			log.InfoContext(r.Context(), "request", "method", a.Method, "route", a.Route,
				"status", a.Status, "bytes", counted.BytesWritten(), "duration", a.Took, "correlation", correlation(r.Context()))
			if s.Observe != nil {
				s.Observe(a)
			}
		}()
		next.ServeHTTP(counted, r)
	})
}

// recoverPanic answers a panic with a 500 if nothing was sent yet, and cuts the
// connection otherwise, so that no half reply looks like a whole one.
func (s *Server) recoverPanic(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			cause := recover()
			if cause == nil {
				return
			}
			if err, ok := cause.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(http.ErrAbortHandler)
			}
			s.Log.ErrorContext(r.Context(), "panic", "correlation", correlation(r.Context()), "err", cause, "stack", string(debug.Stack()))
			if sent, ok := w.(middleware.WrapResponseWriter); !ok || sent.Status() != 0 {
				panic(http.ErrAbortHandler)
			}
			s.refuse(w, r, s.classify(errPanic))
		}()
		next.ServeHTTP(w, r)
	})
}

var errPanic = errors.New("httpapi: panic")

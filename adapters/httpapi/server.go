package httpapi

import (
	"log/slog"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"go.opentelemetry.io/otel/trace"

	"github.com/confuse/data-connector/domain"
)

// Parts are what a [Server] is made of. All down to Log are required, Checks may
// be empty. What stands behind Log is off while it is zero.
type Parts struct {
	Version  string // of the binary, for /health and /openapi.json
	Commands Commands
	Sources  Sources
	Files    Files
	Jobs     Jobs
	Events   Events
	Contents Contents
	Folds    Folds
	Auth     Authenticator
	Checks   []Check
	Metrics  http.Handler // of /metrics
	AsyncAPI []byte       // of /asyncapi.json
	Clock    domain.Clock
	Log      *slog.Logger

	Changes       Changes              // of sources and jobs; nil: there are no such endpoints
	Deliveries    Deliveries           // of webhooks
	Ends          Ends                 // of the log; nil: a position behind it is 503, as one that is not folded yet
	SourceHooks   SourceHooks          // nil: sources have no webhooks of their own
	Hints         Hints                // nil: there is no such endpoint
	Runs          Runs                 // likewise
	Poison        Poison               // likewise; with Mend
	Mend          Mend                 // of what Poison lists
	Letters       Letters              // nil: there are no such endpoints; with Desk
	Desk          Desk                 // for what Letters lists
	Replays       Replays              // nil: there are no such endpoints
	Projections   Projections          // nil: there is no such endpoint
	Options       Options              // of the connectors, for what a trusted gateway sends beside them
	Limits        Limits               // of requests, per key or owner
	Counter       Counter              // where Limits count; nil: in this process
	Lost          Lost                 // is told of content that cannot be read; nil: nobody is
	Observe       func(Answered)       // is told of each request that was answered, by several at once; nil: nobody is
	Traces        trace.TracerProvider // of requests; nil: no spans are made
	Origins       []string             // of pages in browsers that may call: "https://app.example.com", or "*"
	Notifications Notifications        // nil: there are no such endpoints
	Filling       func() bool          // tells whether the tables still lack what the log held when they were made; nil: they never do
}

// A Server is the REST API as a handler. It may be used concurrently.
type Server struct {
	Parts
	api     huma.API
	router  chi.Router
	limits  limiters
	streams streams
}

// New makes the server. It sets huma.NewError, once per process: huma has no
// other way to answer with our error envelope.
func New(parts Parts) *Server {
	installEnvelope()
	s := &Server{Parts: parts, router: chi.NewMux()}
	s.limits = s.newLimiters()
	s.router.Use(s.correlate, s.trace, s.logAccess, s.audit, s.recoverPanic, s.crossOrigin(), s.refuseWhileFilling, middleware.GetHead)
	s.router.NotFound(s.unknownRoute)
	s.router.MethodNotAllowed(s.refusedMethod)
	s.api = humachi.New(s.router, s.humaConfig())
	s.api.UseMiddleware(s.begin, s.authenticate, s.limit, s.checkQuery, s.awaitPosition, s.checkBody)
	s.routes()
	s.publish()
	return s
}

// ServeHTTP makes s an http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.router.ServeHTTP(w, r) }

func (s *Server) routes() {
	s.sourceRoutes()
	s.syncRoutes()
	s.fileRoutes()
	s.eventRoutes()
	s.jobRoutes()
	if s.Changes != nil {
		s.changeRoutes()
		s.credentialRoutes()
		s.jobCommandRoutes()
	}
	if s.SourceHooks != nil {
		s.sourceHookRoutes()
	}
	if s.Deliveries.Webhooks != nil {
		s.webhookRoutes()
	}
	if s.Hints != nil {
		s.hintRoutes()
	}
	if s.Runs != nil {
		s.runRoutes()
	}
	if s.Poison != nil && s.Mend != nil {
		s.poisonRoutes()
	}
	if s.Notifications != nil {
		s.notificationRoutes()
	}
	if s.Letters != nil && s.Desk != nil {
		s.letterRoutes()
	}
	if s.Replays != nil {
		s.replayRoutes()
	}
	if s.Projections != nil {
		s.projectionRoutes()
	}
	s.healthRoutes()
	s.router.Method(http.MethodGet, "/metrics", s.Metrics)
}

func (s *Server) unknownRoute(w http.ResponseWriter, r *http.Request) {
	s.refuse(w, r, newErrorReply(http.StatusNotFound, "NOT_FOUND", "there is no such endpoint; GET /docs lists them all"))
}

// refusedMethod answers 405 with what the route allows.
func (s *Server) refusedMethod(w http.ResponseWriter, r *http.Request) {
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPatch, http.MethodDelete} {
		asked := method
		if method == http.MethodHead {
			asked = http.MethodGet
		}
		if s.router.Match(chi.NewRouteContext(), asked, r.URL.Path) {
			w.Header().Add("Allow", method)
		}
	}
	s.refuse(w, r, newErrorReply(http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED", "this endpoint does not take "+r.Method))
}

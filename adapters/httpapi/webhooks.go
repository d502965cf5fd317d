package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/httprate"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/ingest"
)

// Webhooks takes the deliveries of providers.
type Webhooks interface {
	// Takes reports whether those of a provider are taken at all.
	Takes(provider string) bool
	Take(ctx context.Context, a ingest.Arrival) (ingest.Taken, error)
}

// A Gatekeeper tells whether a request comes from a trusted gateway.
type Gatekeeper interface {
	IsGateway(r *http.Request) bool
}

// A Deliveries is how webhooks come in.
type Deliveries struct {
	Webhooks Webhooks   // nil: there are no such endpoints
	Limit    int        // that one peer may send to one address in a minute; 0: any number
	Gateway  Gatekeeper // whose relayed deliveries are taken though their signature does not fit; nil: nobody's
}

// deliveries is what the endpoints share.
type deliveries struct {
	Deliveries
	rooms rooms
	limit *httprate.RateLimiter // nil: none
}

func (s *Server) webhookRoutes() {
	d := &deliveries{Deliveries: s.Deliveries, rooms: newRooms()}
	if s.Deliveries.Limit > 0 {
		d.limit = httprate.NewRateLimiter(s.Deliveries.Limit, time.Minute)
	}
	take := func(w http.ResponseWriter, r *http.Request) { s.takeDelivery(w, r, d) }
	s.router.Post("/webhooks/{provider}", take)
	s.router.Post("/webhooks/{provider}/{key}", take)
	s.describeWebhooks()
}

// A deliveryReply is the answer to a delivery.
type deliveryReply struct {
	Received bool   `json:"received" doc:"Always true: the delivery is authentic, and what it means is durable."`
	JobID    string `json:"jobId,omitempty" doc:"The job that looks after it, where it is about one source. It may not be open yet."`
	Ignored  string `json:"ignored,omitempty" doc:"Why it means nothing here: a ping, an event of another kind, about nothing that is connected."`
	Repeated bool   `json:"repeated,omitempty" doc:"It was taken before."`
}

// takeDelivery handles a delivery. Cheap checks come before the body is read, and
// nothing tells an unknown address, a removed source and a wrong signature apart.
func (s *Server) takeDelivery(w http.ResponseWriter, r *http.Request, d *deliveries) {
	provider := chi.URLParam(r, "provider")
	if !d.Webhooks.Takes(provider) {
		s.unknownRoute(w, r)
		return
	}
	if d.limit != nil && d.limit.OnLimit(w, r, peerOf(r)+" "+r.URL.Path) {
		s.refuse(w, r, newErrorReply(http.StatusTooManyRequests, "RATE_LIMITED", "too many deliveries; Retry-After says when it is safe to come back"))
		return
	}
	body, free, refusal := s.readDelivery(w, r, d)
	if refusal != nil {
		s.refuse(w, r, refusal)
		return
	}
	defer free()
	taken, err := d.Webhooks.Take(r.Context(), ingest.Arrival{
		Provider: provider, Key: chi.URLParam(r, "key"), Header: r.Header, Body: body, Relayed: d.Gateway != nil && d.Gateway.IsGateway(r),
	})
	if err != nil {
		s.refuse(w, r, s.deliveryProblem(r, err))
		return
	}
	reply := deliveryReply{Received: true, Ignored: taken.Ignored, Repeated: taken.Repeated > 0 && taken.Hints == 0}
	if taken.Job != (domain.JobID{}) {
		reply.JobID = taken.Job.String()
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(reply); err != nil {
		s.Log.DebugContext(r.Context(), "client has gone", "err", err)
	}
}

// deliveryProblem is the answer to a delivery that was not taken.
func (s *Server) deliveryProblem(r *http.Request, err error) *errorReply {
	if errors.Is(err, domain.ErrUnauthorized) {
		return newErrorReply(http.StatusUnauthorized, "UNAUTHORIZED", "the delivery is not signed as this address asks")
	}
	return s.problem(r.Context(), err)
}

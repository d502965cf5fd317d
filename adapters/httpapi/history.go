package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/projections"
)

func (s *Server) hintRoutes() {
	register(s, huma.Operation{
		OperationID: "list-webhook-events", Method: http.MethodGet, Path: "/webhook-events", Tags: []string{"events"},
		Summary: "List webhooks and other hints with what came of them", Description: "Webhooks, notices of a file system and polls that saw a difference, the newest first, with the job that looked after them; and the webhooks that were ignored, with the reason. A webhook that came again is counted with the first one. Who may operate the service also sees webhooks that are about nothing that is connected. Go on with cursor=next until next is absent.",
		Errors: []int{http.StatusNotFound},
	}, s.listHints)
}

type listHintsInput struct {
	SourceID string `query:"sourceId" maxLength:"64" doc:"Only hints about this source."`
	Limit    int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"How many at most."`
	Cursor   string `query:"cursor" maxLength:"64" doc:"next of the answer before."`
}

type listHintsOutput struct {
	Body struct {
		Events []hintReply `json:"webhookEvents" nullable:"false"`
		Next   string      `json:"next,omitempty" doc:"The cursor of the next page; absent on the last one."`
	}
}

type hintReply struct {
	ID            string    `json:"id" doc:"ce_id of its event; of what was ignored, which is no event, a name of its own."`
	Outcome       string    `json:"outcome" enum:"hint,ignored" doc:"hint: the source is looked at, or was; jobId tells how that goes. ignored: it had no effect."`
	Reason        string    `json:"reason,omitempty" doc:"Why it was ignored."`
	SourceID      string    `json:"sourceId,omitempty" doc:"Absent where it was ignored since it is about nothing that is connected."`
	Provider      string    `json:"provider"`
	Origin        string    `json:"origin" doc:"webhook, watch, poll, or content: content could not be read from our own store."`
	ProviderEvent string    `json:"providerEvent,omitempty" doc:"The provider's word for it, e.g. push."`
	DeliveryID    string    `json:"deliveryId,omitempty" doc:"The provider's id of the delivery."`
	Refs          []string  `json:"refs" nullable:"false" doc:"What it was about, where the provider says so."`
	PayloadDigest string    `json:"payloadDigest,omitempty" doc:"SHA-256 of the body; the body itself is not kept."`
	ReceivedAt    time.Time `json:"receivedAt"`
	Position      string    `json:"position,omitempty" doc:"<partition>:<offset>; absent with what was ignored."`
	Counted       bool      `json:"counted" doc:"Whether it made the source due; a repeated one does not, nor one about a source that is being removed."`
	JobID         string    `json:"jobId,omitempty" doc:"The job that saw what the hint was about; absent while none has started since."`
	JobStatus     string    `json:"jobStatus,omitempty" doc:"How that job does: queued, running, completed, failed, cancelled."`
	Repeats       int64     `json:"repeats,omitempty" doc:"How often the same delivery came again. That had no effect."`
	RepeatedAt    time.Time `json:"repeatedAt,omitzero" doc:"When it did so last."`
}

// listHints handles GET /webhook-events.
func (s *Server) listHints(ctx context.Context, in *listHintsInput) (*listHintsOutput, error) {
	page := projections.HintPage{Limit: in.Limit, Unowned: who(ctx).May(domain.MayOperate)}
	var err error
	if page.Before, err = parseHintCursor(in.Cursor); err != nil {
		return nil, err
	}
	if page.Source, err = s.sourceAsked(ctx, in.SourceID); err != nil {
		return nil, err
	}
	hints, next, err := s.Hints.ListHints(ctx, owner(ctx), page)
	if err != nil {
		return nil, err
	}
	out := &listHintsOutput{}
	out.Body.Events = []hintReply{}
	for _, h := range hints {
		out.Body.Events = append(out.Body.Events, newHintReply(h))
	}
	if next != nil {
		out.Body.Next = formatHintCursor(*next)
	}
	return out, nil
}

// sourceAsked is the source that a filter names, zero for none. I10: it is the
// caller's.
func (s *Server) sourceAsked(ctx context.Context, id string) (domain.SourceID, error) {
	named, err := sourceNamed(id)
	if err != nil || id == "" {
		return named, err
	}
	source, err := s.source(ctx, id)
	return source.ID, err
}

// sourceNamed reads the id of a source in a filter, zero for none.
func sourceNamed(id string) (domain.SourceID, error) {
	if id == "" {
		return domain.SourceID{}, nil
	}
	parsed, err := uuid.Parse(id)
	if err != nil {
		return domain.SourceID{}, &domain.InvalidError{Field: "sourceId", Problem: "is not the id of a source", Allowed: "a UUID"}
	}
	return domain.SourceID{UUID: parsed}, nil
}

func newHintReply(h projections.HintRow) hintReply {
	r := hintReply{
		ID: h.ID.String(), Outcome: "hint", SourceID: h.SourceID.String(), Provider: string(h.Provider), Origin: h.Origin, ProviderEvent: h.ProviderEvent,
		DeliveryID: h.DeliveryID, Refs: append([]string{}, h.Refs...), ReceivedAt: h.ReceivedAt.UTC(), Position: h.Position.String(),
		Counted: h.Counted, JobStatus: string(h.JobStatus), Repeats: h.Repeats,
	}
	if h.Repeats > 0 {
		r.RepeatedAt = h.RepeatedAt.UTC()
	}
	if h.Ignored != "" {
		r.Outcome, r.Reason, r.Position = "ignored", h.Ignored, ""
	}
	if h.SourceID == (domain.SourceID{}) {
		r.SourceID = ""
	}
	if h.PayloadDigest != (domain.Digest{}) {
		r.PayloadDigest = h.PayloadDigest.String()
	}
	if h.JobID != (domain.JobID{}) {
		r.JobID = h.JobID.String()
	}
	return r
}

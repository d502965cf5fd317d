package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/ingest"
)

// SourceHooks makes the addresses at which sources take webhooks.
type SourceHooks interface {
	Make(ctx context.Context, owner domain.OwnerID, id domain.SourceID) (ingest.SourceHook, error)
	Show(ctx context.Context, owner domain.OwnerID, id domain.SourceID) (ingest.SourceHook, error)
}

func (s *Server) sourceHookRoutes() {
	register(s, huma.Operation{
		OperationID: "get-webhook", Method: http.MethodGet, Path: "/sources/{id}/webhook", Tags: []string{"sources"},
		Summary: "Get the webhook of a source", Description: "Where it takes webhooks, and how registering them at the provider went. 404 as well when it has none.",
		Errors: []int{http.StatusNotFound},
	}, s.getWebhook)
	register(s, huma.Operation{
		OperationID: "make-webhook", Method: http.MethodPost, Path: "/sources/{id}/webhook", Tags: []string{"sources"},
		Summary: "Make the webhook of a source, to be set up by hand", Description: "Shows its secret, only now. A source that has one keeps the address and gets a new secret; the one before is good for another day.",
		Metadata: marked(markNoEvent), Errors: []int{http.StatusNotFound, http.StatusConflict},
	}, s.makeWebhook)
}

// A webhookReply is the webhook of a source.
type webhookReply struct {
	URL          string    `json:"url" doc:"Where the provider sends deliveries; only the path where PUBLIC_BASE_URL is not set."`
	Secret       string    `json:"secret,omitempty" doc:"What they are signed with; only where it was just made."`
	HookID       string    `json:"hookId,omitempty" doc:"At the provider, where the service has registered it."`
	RegisteredAt time.Time `json:"registeredAt,omitzero" doc:"When the provider last had it so."`
	TriedAt      time.Time `json:"triedAt,omitzero" doc:"When the provider was last asked."`
	Failure      string    `json:"failure,omitempty" doc:"Why it could not be registered; the source is polled all the same."`
}

type webhookOutput struct {
	NoStore string `header:"Cache-Control"`
	Body    webhookReply
}

func newWebhookOutput(h ingest.SourceHook) *webhookOutput {
	return &webhookOutput{NoStore: "no-store", Body: webhookReply{
		URL: h.URL, Secret: string(h.Secret), HookID: h.HookID, RegisteredAt: h.EnsuredAt, TriedAt: h.TriedAt, Failure: h.Failure,
	}}
}

// getWebhook handles GET /sources/{id}/webhook.
func (s *Server) getWebhook(ctx context.Context, in *sourceInput) (*webhookOutput, error) {
	source, err := s.source(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	h, err := s.SourceHooks.Show(ctx, owner(ctx), source.ID)
	if err != nil {
		return nil, err
	}
	h.Secret = ""
	return newWebhookOutput(h), nil
}

// makeWebhook handles POST /sources/{id}/webhook.
func (s *Server) makeWebhook(ctx context.Context, in *sourceInput) (*webhookOutput, error) {
	source, err := s.source(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	h, err := s.SourceHooks.Make(ctx, owner(ctx), source.ID)
	if err != nil {
		return nil, because(err, "the webhook changes at the same time; look again and repeat it")
	}
	recordOf(ctx).source = source.ID
	return newWebhookOutput(h), nil
}

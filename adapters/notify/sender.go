package notify

import (
	"context"
	"fmt"
	"net/http"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/ingest"
)

// A Sender is ingest.NotifySender. It may be used concurrently.
type Sender struct {
	// HTTP posts webhooks; it refuses private addresses by itself.
	HTTP *http.Client
	// Host refuses a host that services may not be reached at.
	Host  func(ctx context.Context, host string) error
	Clock domain.Clock
}

var _ ingest.NotifySender = (*Sender)(nil)

// Check implements ingest.NotifySender.
func (s *Sender) Check(ctx context.Context, t ingest.NotifyTarget) error {
	switch t.Kind {
	case ingest.NotifyService:
		return s.checkService(ctx, t)
	case ingest.NotifyWebhook:
		return checkWebhook(t)
	}
	return &domain.InvalidError{Field: "kind", Problem: "is unknown", Allowed: ingest.NotifyService + ", " + ingest.NotifyWebhook}
}

// Send implements ingest.NotifySender.
func (s *Sender) Send(ctx context.Context, t ingest.NotifyTarget, id string, m ingest.NotifyMessage) error {
	if err := s.Check(ctx, t); err != nil {
		return fmt.Errorf("notify: %w", err)
	}
	if t.Kind == ingest.NotifyWebhook {
		return s.post(ctx, t, id, m)
	}
	return s.shout(ctx, t, m)
}

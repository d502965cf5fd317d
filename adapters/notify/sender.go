package notify

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"unicode"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/ingest"
)

// A Sender is ingest.NotifySender. It may be used concurrently.
type Sender struct {
	// HTTP refuses private addresses by itself, also where a redirect leads to one.
	HTTP *http.Client
	// Host refuses a host that services may not be reached at, and gives an address
	// of one that they may: mail goes to that one.
	Host  func(ctx context.Context, host string) (netip.Addr, error)
	Clock domain.Clock
}

var _ ingest.NotifySender = (*Sender)(nil)

// Check implements ingest.NotifySender.
func (s *Sender) Check(ctx context.Context, t ingest.NotifyTarget) error {
	switch t.Kind {
	case ingest.NotifyService:
		_, err := s.service(ctx, t.URL)
		return err
	case ingest.NotifyWebhook:
		return checkWebhook(t)
	}
	return &domain.InvalidError{Field: "kind", Problem: "is unknown", Allowed: ingest.NotifyService + ", " + ingest.NotifyWebhook}
}

// Send implements ingest.NotifySender.
func (s *Sender) Send(ctx context.Context, t ingest.NotifyTarget, id string, m ingest.NotifyMessage) error {
	m.Title = oneLine(m.Title) // it becomes a header of a mail
	if t.Kind != ingest.NotifyWebhook {
		return s.shout(ctx, t, m)
	}
	if err := checkWebhook(t); err != nil {
		return fmt.Errorf("notify: %w", err)
	}
	return s.post(ctx, t, id, m)
}

// oneLine is text without anything that ends a line.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
}

package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/ingest"
)

// TypeNotice is the type of a webhook that holds notices.
const TypeNotice = "source.notice"

// A Payload is the body of a webhook.
type Payload struct {
	Type      string               `json:"type"`
	Timestamp time.Time            `json:"timestamp"`
	Data      ingest.NotifyMessage `json:"data"`
}

func checkWebhook(t ingest.NotifyTarget) error {
	u, err := url.Parse(string(t.URL))
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil {
		return &domain.InvalidError{Field: "url", Problem: "is no address of a webhook", Allowed: "https://host/path; http:// within PRIVATE_NETWORKS"}
	}
	key, err := standardwebhooks.NewWebhook(string(t.Secret))
	if err != nil || key == nil || len(t.Secret) < len("whsec_")+32 {
		return &domain.InvalidError{Field: "secret", Problem: "is none", Allowed: "whsec_ and the base64 of 24 to 64 bytes"}
	}
	return nil
}

// post sends a signed webhook.
func (s *Sender) post(ctx context.Context, t ingest.NotifyTarget, id string, m ingest.NotifyMessage) error {
	body, err := json.Marshal(Payload{Type: TypeNotice, Timestamp: m.At, Data: m})
	if err != nil {
		return fmt.Errorf("notify: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, string(t.URL), bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("notify: %w", scrub(err))
	}
	key, err := standardwebhooks.NewWebhook(string(t.Secret))
	if err != nil {
		return fmt.Errorf("notify: the secret cannot be read: %w", domain.ErrForbidden)
	}
	now := s.Clock.Now()
	signature, err := key.Sign(id, now, body)
	if err != nil {
		return fmt.Errorf("notify: sign: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(standardwebhooks.HeaderWebhookID, id)
	req.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	req.Header.Set(standardwebhooks.HeaderWebhookSignature, signature)
	return s.do(req)
}

// do sends a request. Anything but a 2xx is a reason to try again.
func (s *Sender) do(req *http.Request) error {
	resp, err := s.HTTP.Do(req)
	if err != nil {
		return fmt.Errorf("notify: %w: %w", domain.ErrTransient, scrub(err))
	}
	_ = resp.Body.Close() // the status says it all
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return fmt.Errorf("notify: the receiver answers %d: %w", resp.StatusCode, domain.ErrTransient)
	}
	return nil
}

// scrub takes the address out of an error of net/http: its path may be a secret.
func scrub(err error) error {
	var of *url.Error
	if errors.As(err, &of) {
		return of.Err
	}
	return err
}

// Package webhook is the stage for anyone: each change is posted to one address,
// signed as Standard Webhooks (https://www.standardwebhooks.com). Its main type is
// [Stage].
//
// A receiver gets the event as it stands on the log, with the source that it is
// of, and no content: that is fetched by its address. It answers 2xx once it has
// the event; what its other answers mean is told at pipeline.Client.
package webhook

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/confuse/data-connector/adapters/pipeline"
	"github.com/confuse/data-connector/domain"
)

// Name is the name of the stage.
const Name = "webhook"

// The headers of Standard Webhooks.
const (
	HeaderID        = "webhook-id"        // the event id: the same each time an event is sent
	HeaderTimestamp = "webhook-timestamp" // seconds since 1970, when it was sent
	HeaderSignature = "webhook-signature" // v1,<base64 of the HMAC-SHA256 of "id.timestamp.body">
)

const secretPrefix = "whsec_"

// The types of what is sent.
const (
	TypeFile   = "file.changed"
	TypeSource = "source.changed"
)

// A Stage is pipeline.Stage for one receiver. It is also told of sources.
type Stage struct {
	client pipeline.Client
	key    []byte
	clock  domain.Clock
}

var _ pipeline.SourceStage = (*Stage)(nil)

// New makes the stage for the receiver that client reaches at its URL. secret is
// "whsec_" and base64, as the standard has it.
func New(client pipeline.Client, secret string, clock domain.Clock) (*Stage, error) {
	key, err := Key(secret)
	if err != nil {
		return nil, err
	}
	return &Stage{client: client, key: key, clock: clock}, nil
}

// Key reads a secret. It must hold 24 to 64 bytes.
func Key(secret string) ([]byte, error) {
	text, ok := strings.CutPrefix(secret, secretPrefix)
	key, err := base64.StdEncoding.DecodeString(text)
	if !ok || err != nil || len(key) < 24 || len(key) > 64 {
		return nil, errors.New(`a secret is "whsec_" and the base64 of 24 to 64 bytes`)
	}
	return key, nil
}

// Sign gives the signature of a body.
func Sign(key []byte, id, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, key)
	_, _ = fmt.Fprintf(mac, "%s.%s.%s", id, timestamp, body) // never fails
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// A Payload is what a receiver gets: type, timestamp and data as the standard has
// them, and with a file where it belongs.
type Payload struct {
	Type      string    `json:"type"`
	Timestamp time.Time `json:"timestamp"` // of the event
	Data      any       `json:"data"`      // a FileChanged or a SourceChanged, as on the log
	Source    *Source   `json:"source,omitempty"`
	Replay    string    `json:"replay,omitempty"` // id of the replay that sends it again
}

// A Source is where a file belongs.
type Source struct {
	ID          domain.SourceID `json:"id"`
	Name        string          `json:"name,omitempty"`
	Provider    domain.Provider `json:"provider,omitempty"`
	ExternalKey string          `json:"external_key,omitempty"`
}

// Name implements pipeline.Stage.
func (s *Stage) Name() string { return Name }

// Limits implements pipeline.Stage: the standard knows no batches.
func (s *Stage) Limits() pipeline.Limits { return pipeline.Limits{Items: 1} }

// Handle implements pipeline.Stage.
func (s *Stage) Handle(ctx context.Context, batch []pipeline.Handover) ([]pipeline.Outcome, error) {
	outcomes := make([]pipeline.Outcome, len(batch))
	for i, h := range batch {
		p := Payload{
			Type: TypeFile, Timestamp: h.Time, Data: json.RawMessage(h.Raw), Replay: h.Replay,
			Source: &Source{h.Source.ID, h.Source.Name, h.Source.Provider, h.Source.ExternalKey},
		}
		if err := s.send(ctx, h.ID, h.Trace, p); err != nil {
			return nil, err
		}
		outcomes[i] = pipeline.Done(1)
	}
	return outcomes, nil
}

// HandleSource implements pipeline.SourceStage. Cursors and failed items are no
// business of a receiver.
func (s *Stage) HandleSource(ctx context.Context, h pipeline.SourceHandover) error {
	e := h.Event
	e.Cursor = nil
	return s.send(ctx, h.ID, h.Trace, Payload{Type: TypeSource, Timestamp: h.Time, Data: e})
}

func (s *Stage) send(ctx context.Context, id domain.EventID, trace string, p Payload) error {
	body, err := pipeline.Encode(p)
	if err != nil {
		return pipeline.Final(err)
	}
	timestamp := strconv.FormatInt(s.clock.Now().Unix(), 10)
	return s.client.Post(ctx, pipeline.Request{
		Key: id.String(), Type: "application/json", Body: body,
		Header: map[string]string{
			HeaderID: id.String(), HeaderTimestamp: timestamp, HeaderSignature: Sign(s.key, id.String(), timestamp, body), "traceparent": trace,
		},
	}, nil)
}

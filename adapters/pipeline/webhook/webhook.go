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
	"errors"
	"hash"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/confuse/data-connector/adapters/pipeline"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/wire"
)

// Name is the name of the stage.
const Name = "webhook"

// The headers of Standard Webhooks.
const (
	HeaderID        = "Webhook-Id"        // pipeline.KeyOf the event: the same each time it is sent
	HeaderTimestamp = "Webhook-Timestamp" // seconds since 1970, when it was sent
	HeaderSignature = "Webhook-Signature" // v1,<base64 of the HMAC-SHA256 of "id.timestamp.body">
)

const (
	headerTrace      = "Traceparent"
	secretPrefix     = "whsec_"
	signatureVersion = "v1,"
)

// The types of what is sent.
const (
	TypeFile   = "file.changed"
	TypeSource = "source.changed"
)

// A Stage is pipeline.Stage for one receiver. It is also told of sources.
type Stage struct {
	client pipeline.Client
	macs   sync.Pool // of hash.Hash, with the key
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
	s := &Stage{client: client, clock: clock}
	s.macs.New = func() any { return hmac.New(sha256.New, key) }
	return s, nil
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
	return sign(hmac.New(sha256.New, key), id, timestamp, body)
}

func sign(mac hash.Hash, id, timestamp string, body []byte) string {
	var buf [64]byte // an id and a time take 48
	head := append(append(buf[:0], id...), '.')
	head = append(append(head, timestamp...), '.')
	_, _ = mac.Write(head) // never fails
	_, _ = mac.Write(body)
	sum := mac.Sum(buf[:0])
	var text [len(signatureVersion) + (sha256.Size+2)/3*4]byte
	base64.StdEncoding.Encode(text[copy(text[:], signatureVersion):], sum)
	return string(text[:])
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
	for i := range batch {
		h := &batch[i]
		body, err := bodyOf(h)
		if err != nil {
			return nil, pipeline.Final(err)
		}
		if err := s.send(ctx, pipeline.KeyOf(h.ID.UUID, h.Turn()), h.Trace, body); err != nil {
			return nil, err
		}
		outcomes[i] = pipeline.Done(1)
	}
	return outcomes, nil
}

// bodyOf is the JSON of a Payload about a file, with the event as it stands on the
// log. It is written as encoding/json would, in a fraction of the time.
func bodyOf(h *pipeline.Handover) ([]byte, error) {
	w := wire.JSON{B: make([]byte, 0, len(h.Raw)+aroundEvent)}
	w.Raw(`{"type":"` + TypeFile + `"`)
	w.Time(`,"timestamp":`, h.Time)
	w.Raw(`,"data":`)
	w.B = append(w.B, h.Raw...)
	w.Text(`,"source":{"id":`, h.Source.ID.String())
	w.Some(`,"name":`, h.Source.Name)
	w.Some(`,"provider":`, string(h.Source.Provider))
	w.Some(`,"external_key":`, h.Source.ExternalKey)
	w.Raw("}")
	w.Some(`,"replay":`, h.Replay)
	w.Raw("}")
	return w.B, w.Err
}

// aroundEvent is about what a Payload takes besides the event, in bytes.
const aroundEvent = 384

// HandleSource implements pipeline.SourceStage. Cursors and failed items are no
// business of a receiver.
func (s *Stage) HandleSource(ctx context.Context, h pipeline.SourceHandover) error {
	e := h.Event
	e.Cursor, e.Failures = nil, nil
	body, err := pipeline.Encode(Payload{Type: TypeSource, Timestamp: h.Time, Data: e, Replay: h.Replay})
	if err != nil {
		return pipeline.Final(err)
	}
	return s.send(ctx, pipeline.KeyOf(h.ID.UUID, h.Replay), h.Trace, body)
}

func (s *Stage) send(ctx context.Context, id, trace string, body []byte) error {
	timestamp := strconv.FormatInt(s.clock.Now().Unix(), 10)
	values := [...]string{id, timestamp, s.sign(id, timestamp, body)} // share memory
	header := http.Header{HeaderID: values[0:1:1], HeaderTimestamp: values[1:2:2], HeaderSignature: values[2:3:3]}
	if trace != "" {
		header[headerTrace] = []string{trace}
	}
	return s.client.Post(ctx, pipeline.Request{Key: id, Type: "application/json", Body: body, Header: header}, nil)
}

// sign is Sign with what was prepared for the key.
func (s *Stage) sign(id, timestamp string, body []byte) string {
	mac := s.macs.Get().(hash.Hash) //nolint:forcetypeassert // it is one
	defer s.macs.Put(mac)
	mac.Reset()
	return sign(mac, id, timestamp, body)
}

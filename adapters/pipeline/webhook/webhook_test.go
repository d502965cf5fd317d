package webhook_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/confuse/data-connector/adapters/clock"
	"github.com/confuse/data-connector/adapters/pipeline"
	"github.com/confuse/data-connector/adapters/pipeline/webhook"
	"github.com/confuse/data-connector/domain"
)

const secret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=" //nolint:gosec // of the receiver of this test

// A receiver gets the JSON of a Payload, signed as the standard has it, whatever a
// source is called.
func TestStage(t *testing.T) {
	t.Parallel()

	key, err := webhook.Key(secret)
	if err != nil {
		t.Fatal(err)
	}
	var body []byte
	var header http.Header
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header = r.Header
		body, _ = io.ReadAll(r.Body)
		w.WriteHeader(http.StatusNoContent)
	}))
	defer s.Close()
	stage, err := webhook.New(pipeline.Client{URL: s.URL, HTTP: pipeline.HTTPClient(1)}, secret, clock.System{})
	if err != nil {
		t.Fatal(err)
	}
	for name, source := range map[string]domain.Source{
		"bare":    {ID: domain.SourceID{UUID: uuid.New()}},
		"full":    {ID: domain.SourceID{UUID: uuid.New()}, Name: "notes", Provider: "localfs", ExternalKey: "/srv/notes"},
		"escapes": {ID: domain.SourceID{UUID: uuid.New()}, Name: "a\"b\\<&>\u2028", ExternalKey: "gr\u00fc\u00dfe\n"},
	} {
		h := pipeline.Handover{
			ID: domain.EventID{UUID: uuid.New()}, Time: time.Date(2026, 1, 2, 3, 4, 5, 678_000, time.UTC), Raw: []byte(`{"path":"a<b"}`), Source: source,
		}
		if name == "full" {
			h.Replay, h.Trace = uuid.NewString(), "00-01-02-03"
		}
		want, err := pipeline.Encode(webhook.Payload{
			Type: webhook.TypeFile, Timestamp: h.Time, Data: json.RawMessage(h.Raw), Replay: h.Replay,
			Source: &webhook.Source{ID: source.ID, Name: source.Name, Provider: source.Provider, ExternalKey: source.ExternalKey},
		})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // what was prepared for the key is used again
			if outcomes, err := stage.Handle(t.Context(), []pipeline.Handover{h}); err != nil || len(outcomes) != 1 {
				t.Fatalf("%s: got %v, %v", name, outcomes, err)
			}
			if string(body) != string(want) {
				t.Errorf("%s: got %s, want %s", name, body, want)
			}
			id, at := header.Get(webhook.HeaderID), header.Get(webhook.HeaderTimestamp)
			if again := id != h.ID.String(); again != (h.Replay != "") || header.Get(pipeline.HeaderKey) != id || header.Get(webhook.HeaderSignature) != webhook.Sign(key, id, at, body) {
				t.Errorf("%s: got headers %v", name, header)
			}
			if header.Get("traceparent") != h.Trace {
				t.Errorf("%s: got trace %q, want %q", name, header.Get("traceparent"), h.Trace)
			}
		}
	}
}

// Of a source a receiver gets what is its business.
func TestSource(t *testing.T) {
	t.Parallel()

	var body []byte
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { body, _ = io.ReadAll(r.Body) }))
	defer s.Close()
	stage, err := webhook.New(pipeline.Client{URL: s.URL, HTTP: pipeline.HTTPClient(1)}, secret, clock.System{})
	if err != nil {
		t.Fatal(err)
	}
	h := pipeline.SourceHandover{ID: domain.EventID{UUID: uuid.New()}, Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Event: domain.SourceChanged{
		SourceID: domain.SourceID{UUID: uuid.New()}, OwnerID: "ann", Change: domain.SourceSyncProgressed, Run: 1, Seq: 2,
		Cursor: &domain.Envelope{}, Failures: []domain.ItemFailure{{Path: "a", Code: "unreadable"}}, Counts: &domain.Counts{},
	}}
	if err := stage.HandleSource(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Type string
		Data map[string]json.RawMessage
	}
	if err := json.Unmarshal(body, &got); err != nil || got.Type != webhook.TypeSource {
		t.Fatalf("got %s, %v", body, err)
	}
	for name, want := range map[string]bool{"source_id": true, "change": true, "counts": true, "cursor": false, "failures": false} {
		if _, there := got.Data[name]; there != want {
			t.Errorf("%s: got there: %t, in %s", name, there, body)
		}
	}
}

// The signature is the standard's own example.
func TestSign(t *testing.T) {
	t.Parallel()

	key, err := webhook.Key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		t.Fatal(err)
	}
	got := webhook.Sign(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", []byte(`{"test": 2432232314}`))
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

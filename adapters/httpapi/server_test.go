package httpapi_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/confuse/data-connector/adapters/httpapi"
)

// parts are those of a server for ann that answers from w.
func parts(w *world) httpapi.Parts {
	return httpapi.Parts{
		Version: "1.2.3", Commands: w, Changes: w, Hints: w, Runs: w, Poison: w, Mend: mender{w}, Letters: letterDesk{w}, Desk: letterDesk{w}, Replays: replayDesk{w}, Notifications: ruleBook{w}, Projections: w, Sources: w, Files: w, Jobs: w, Events: w, Contents: w, Folds: w, Auth: owned("ann"),
		Metrics: http.NotFoundHandler(), AsyncAPI: []byte(`{"asyncapi":"3.0.0"}`), Deliveries: httpapi.Deliveries{Webhooks: w}, SourceHooks: w, Clock: w, Log: slog.New(slog.DiscardHandler),
	}
}

// call sends one request. header is name, value, name, value, ...; a body is JSON
// unless header says otherwise.
func call(t *testing.T, h http.Handler, method, target, body string, header ...string) answer {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	return answer{StatusCode: rec.Code, Header: rec.Header(), Body: rec.Body.Bytes()}
}

// An answer is what a call gave.
type answer struct {
	StatusCode int
	Header     http.Header
	Body       []byte
}

// A refusal is the documented error envelope.
type refusal struct {
	Error struct {
		Code    string          `json:"code"`
		Message string          `json:"message"`
		Details json.RawMessage `json:"details"`
	} `json:"error"`
}

type problem struct{ Field, Problem, Allowed string }

// wantRefusal checks status, code and that the body is the envelope and no more.
func wantRefusal(t *testing.T, r answer, status int, code string) refusal {
	t.Helper()
	body := r.Body
	if r.StatusCode != status {
		t.Fatalf("got status %d, want %d; body %s", r.StatusCode, status, body)
	}
	if got := r.Header.Get("Content-Type"); got != "application/json" {
		t.Errorf("got content type %q, want application/json", got)
	}
	var e refusal
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&e); err != nil {
		t.Fatalf("body is not the envelope: %v; %s", err, body)
	}
	if e.Error.Code != code || e.Error.Message == "" || len(e.Error.Details) == 0 {
		t.Errorf("got %s, want code %s with message and details", body, code)
	}
	return e
}

// wantProblem checks that e names field and says what is allowed.
func wantProblem(t *testing.T, e refusal, field string) problem {
	t.Helper()
	var problems []problem
	if err := json.Unmarshal(e.Error.Details, &problems); err != nil {
		t.Fatalf("details are no list of problems: %s", e.Error.Details)
	}
	for _, p := range problems {
		if p.Field == field {
			if p.Problem == "" || p.Allowed == "" {
				t.Errorf("got %+v, want a problem and what is allowed", p)
			}
			return p
		}
	}
	t.Fatalf("got problems %+v, want one of field %q", problems, field)
	return problem{}
}

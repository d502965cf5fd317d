package httpapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/confuse/data-connector/adapters/httpapi"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/projections"
)

const inner = "pq: password=hunter2"

func TestErrorsBecomeHTTP(t *testing.T) {
	t.Parallel()

	tests := map[string]struct {
		err    error
		status int
		code   string
		header []string // name, value
	}{
		"invalid":          {&domain.InvalidError{Field: "config.rootPath", Problem: "is not allowed", Allowed: "/srv"}, 400, "VALIDATION_ERROR", nil},
		"source":           {fmt.Errorf("%s: %w", inner, domain.ErrSourceNotFound), 404, "SOURCE_NOT_FOUND", nil},
		"job":              {fmt.Errorf("%s: %w", inner, domain.ErrJobNotFound), 404, "JOB_NOT_FOUND", nil},
		"file":             {fmt.Errorf("%s: %w", inner, domain.ErrFileNotFound), 404, "FILE_NOT_FOUND", nil},
		"dead letter":      {fmt.Errorf("%s: %w", inner, projections.ErrNotLetter), 404, "DEAD_LETTER_NOT_FOUND", nil},
		"poison":           {fmt.Errorf("%s: %w", inner, projections.ErrNotPoison), 404, "POISON_NOT_FOUND", nil},
		"conflict":         {fmt.Errorf("%s: %w", inner, domain.ErrConflict), 409, "CONFLICT", nil},
		"connected":        {fmt.Errorf("%s: %w", inner, &domain.AlreadyConnectedError{Source: bobSource}), 409, "CONFLICT", nil},
		"unauthorized":     {fmt.Errorf("%s: %w", inner, domain.ErrUnauthorized), 401, "UNAUTHORIZED", []string{"WWW-Authenticate", `Bearer realm="data-connector"`}},
		"forbidden":        {fmt.Errorf("%s: %w", inner, domain.ErrForbidden), 403, "FORBIDDEN", nil},
		"rate limited":     {&domain.RateLimitedError{Until: noon.Add(90 * time.Second)}, 429, "RATE_LIMITED", []string{"Retry-After", "90"}},
		"no content":       {domain.ErrNoContent, 404, "NO_CONTENT", nil},
		"content lost":     {fmt.Errorf("%s: %w", inner, domain.ErrContentLost), 502, "CONTENT_LOST", nil},
		"gone at provider": {fmt.Errorf("%s: %w", inner, domain.ErrGone), 502, "PROVIDER_ERROR", nil},
		"provider trouble": {fmt.Errorf("%s: %w", inner, domain.ErrTransient), 502, "PROVIDER_ERROR", nil},
		"unavailable":      {fmt.Errorf("%s: %w", inner, domain.ErrUnavailable), 503, "UNAVAILABLE", []string{"Retry-After", "1"}},
		"unknown fate":     {fmt.Errorf("%s: %w", inner, domain.ErrUnknownFate), 503, "UNAVAILABLE", []string{"Retry-After", "1"}},
		"too slow":         {fmt.Errorf("%s: %w", inner, context.DeadlineExceeded), 503, "UNAVAILABLE", []string{"Retry-After", "1"}},
		"ended connection": {fmt.Errorf("%s: %w", inner, &pgconn.PgError{Code: "57P01"}), 503, "UNAVAILABLE", []string{"Retry-After", "1"}},
		"broken off":       {fmt.Errorf("%s: %w", inner, io.ErrUnexpectedEOF), 503, "UNAVAILABLE", []string{"Retry-After", "1"}},
		"bad data":         {fmt.Errorf("%s: %w", inner, &pgconn.PgError{Code: "22021"}), 500, "INTERNAL_ERROR", nil},
		"anything else":    {errors.New(inner), 500, "INTERNAL_ERROR", nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			w, lines := newWorld(), &bytes.Buffer{}
			w.err = tt.err
			p := parts(w)
			p.Log = slog.New(slog.NewJSONHandler(lines, nil))
			r := call(t, httpapi.New(p), "POST", "/sources", `{"type":"localfs","config":{}}`, "X-Correlation-Id", "c-1")
			e := wantRefusal(t, r, tt.status, tt.code)
			if strings.Contains(e.Error.Message+string(e.Error.Details), "hunter2") {
				t.Errorf("the answer tells inner text: %+v", e)
			}
			if logged := strings.Contains(lines.String(), `"correlation":"c-1","code":"`+tt.code); logged != (tt.status >= 500) {
				t.Errorf("logged: %t, want it for 5xx only; %s", logged, lines)
			}
			if len(tt.header) > 0 && r.Header.Get(tt.header[0]) != tt.header[1] {
				t.Errorf("got %s %q, want %q", tt.header[0], r.Header.Get(tt.header[0]), tt.header[1])
			}
		})
	}
}

func TestErrorDetails(t *testing.T) {
	t.Parallel()

	w := newWorld()
	w.err = &domain.AlreadyConnectedError{Source: annSource}
	r := call(t, httpapi.New(parts(w)), "POST", "/sources", `{"type":"localfs","config":{}}`, "X-Correlation-Id", "c-1")
	var details map[string]string
	if err := json.Unmarshal(wantRefusal(t, r, 409, "CONFLICT").Error.Details, &details); err != nil {
		t.Fatal(err)
	}
	if details["sourceId"] != annSource.String() || details["correlationId"] != "c-1" {
		t.Errorf("got details %v", details)
	}
}

func TestPanicIsAnInternalError(t *testing.T) {
	t.Parallel()

	p := parts(newWorld())
	p.Auth = panicking{}
	e := wantRefusal(t, call(t, httpapi.New(p), "GET", "/sources", ""), 500, "INTERNAL_ERROR")
	if !strings.Contains(string(e.Error.Details), "correlationId") {
		t.Errorf("got details %s, want a correlation id", e.Error.Details)
	}
}

type panicking struct{}

func (panicking) Authenticate(*http.Request) (httpapi.Identity, error) { panic(inner) }

func TestCorrelationAndAccessLog(t *testing.T) {
	t.Parallel()

	lines := &bytes.Buffer{}
	p := parts(newWorld())
	p.Log = slog.New(slog.NewJSONHandler(lines, nil))
	api := httpapi.New(p)
	r := call(t, api, "GET", "/sources/"+annSource.String(), "", "X-Correlation-Id", "given-1", "Authorization", "Bearer dck_secret")
	if got := r.Header.Get("X-Correlation-Id"); got != "given-1" {
		t.Errorf("got correlation id %q, want the given one", got)
	}
	var line map[string]any
	if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]any{"method": "GET", "route": "/sources/{id}", "status": 200.0, "correlation": "given-1"} {
		if line[name] != want {
			t.Errorf("logged %s %v, want %v", name, line[name], want)
		}
	}
	if strings.Contains(lines.String(), "dck_") {
		t.Errorf("the log tells the key: %s", lines)
	}
	for _, bad := range []string{"", "a b", "x\"y", strings.Repeat("x", 129), "ü"} {
		if got := call(t, api, "GET", "/livez", "", "X-Correlation-Id", bad).Header.Get("X-Correlation-Id"); got == bad || len(got) != 36 {
			t.Errorf("given %q, got %q, want a new id", bad, got)
		}
	}
}

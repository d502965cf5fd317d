package httpapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/confuse/data-connector/adapters/httpapi"
)

func alwaysWell(context.Context) error { return nil }

func broken(context.Context) error { return errors.New("dial tcp 10.0.0.7:5432: password=hunter2") }

func TestHealth(t *testing.T) {
	t.Parallel()

	tests := map[string]struct {
		checks []httpapi.Check
		status int
		body   string // of /health
		ready  int
	}{
		"all well":               {checks: []httpapi.Check{{Name: "database", Essential: true, Run: alwaysWell}}, status: 200, body: `{"status":"healthy","version":"1.2.3","database":"healthy","redis":"unknown","services":{}}`, ready: 200},
		"essential one broken":   {checks: []httpapi.Check{{Name: "database", Essential: true, Run: broken}, {Name: "redis", Run: alwaysWell}}, status: 503, body: `{"status":"unhealthy","version":"1.2.3","database":"unhealthy","redis":"healthy","services":{}}`, ready: 503},
		"one that can be spared": {checks: []httpapi.Check{{Name: "chunker", Run: broken}, {Name: "kafka", Essential: true, Run: alwaysWell}}, status: 200, body: `{"status":"degraded","version":"1.2.3","database":"unknown","redis":"unknown","services":{"chunker":"unhealthy","kafka":"healthy"}}`, ready: 200},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			p := parts(newWorld())
			p.Checks = tt.checks
			api := httpapi.New(p)
			r := call(t, api, "GET", "/health", "")
			if got := strings.TrimSpace(string(r.Body)); r.StatusCode != tt.status || got != tt.body {
				t.Errorf("got %d %s, want %d %s", r.StatusCode, got, tt.status, tt.body)
			}
			if r := call(t, api, "GET", "/readyz", ""); r.StatusCode != tt.ready {
				t.Errorf("readyz: got %d, want %d", r.StatusCode, tt.ready)
			}
			if r := call(t, api, "GET", "/livez", ""); r.StatusCode != 200 {
				t.Errorf("livez: got %d, want 200", r.StatusCode)
			}
		})
	}
}

func TestDocumentsNeedNoKeyAndNothingFromElsewhere(t *testing.T) {
	t.Parallel()

	p := parts(newWorld())
	p.Auth = httpapi.APIKeys(nil)
	api := httpapi.New(p)
	for _, path := range []string{"/openapi.json", "/asyncapi.json"} {
		r := call(t, api, "GET", path, "")
		if body := r.Body; r.StatusCode != 200 || !json.Valid(body) {
			t.Errorf("%s: got %d %.80s", path, r.StatusCode, body)
		}
	}
	page := string(call(t, api, "GET", "/docs", "").Body)
	for _, never := range []string{"<script", "http://", "https://", "src=", "cannot be rendered"} {
		if strings.Contains(page, never) {
			t.Errorf("the page contains %q", never)
		}
	}
	if !strings.Contains(page, "/sources/{id}/files") {
		t.Error("the page does not list the endpoints")
	}
}

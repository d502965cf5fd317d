package httpapi_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	"github.com/confuse/data-connector/adapters/httpapi"
	"github.com/confuse/data-connector/domain"
)

func TestAuditOfCommands(t *testing.T) {
	t.Parallel()

	source := annSource.String()
	tests := map[string]struct {
		key          string
		method, path string
		body         string
		err          error
		want         map[string]any // nil: no line
	}{
		"done":          {"dck_id", "DELETE", "/sources/" + source, "", nil, map[string]any{"command": "remove-source", "outcome": "done", "owner": "ann", "key": "key-1", "source": source, "job": newJob.String()}},
		"accepted":      {"dck_id", "POST", "/sources/" + source + "/sync", "", nil, map[string]any{"command": "sync-source", "outcome": "accepted", "source": source, "job": newJob.String()}},
		"connected":     {"dck_id", "POST", "/sources", `{"type":"localfs","config":{"rootPath":"/secret"}}`, nil, map[string]any{"command": "connect-source", "outcome": "done", "source": newSource.String(), "job": newJob.String()}},
		"refused":       {"dck_id", "POST", "/sources/" + source + "/sync", "", domain.ErrSourceNotFound, map[string]any{"command": "sync-source", "outcome": "SOURCE_NOT_FOUND", "source": source, "status": 404.0}},
		"bad body":      {"dck_id", "POST", "/sources", `{"secret":1}`, nil, map[string]any{"command": "connect-source", "outcome": "VALIDATION_ERROR", "owner": "ann"}},
		"bad parameter": {"dck_id", "DELETE", "/sources/" + source + "?a=secret", "", nil, map[string]any{"command": "remove-source", "outcome": "VALIDATION_ERROR"}},
		"no id":         {"dck_id", "DELETE", "/sources/secret", "", nil, map[string]any{"command": "remove-source", "outcome": "SOURCE_NOT_FOUND"}},
		"unknown key":   {"dck_secret", "DELETE", "/sources/" + source, "", nil, map[string]any{"command": "remove-source", "outcome": "UNAUTHORIZED", "owner": "", "peer": "192.0.2.1"}},
		"may not":       {"dck_read", "DELETE", "/sources/" + source, "", nil, map[string]any{"command": "remove-source", "outcome": "FORBIDDEN", "owner": "ann"}},
		"a read":        {"dck_id", "GET", "/sources", "", nil, nil},
		"no endpoint":   {"dck_id", "POST", "/nothing", "", nil, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			w, lines := newWorld(), &bytes.Buffer{}
			w.err = tt.err
			p := parts(w)
			p.Log, p.Auth = slog.New(slog.NewJSONHandler(lines, nil)), httpapi.APIKeys(keyring{new([]string)})
			call(t, httpapi.New(p), tt.method, tt.path, tt.body, "X-API-Key", tt.key, "X-Correlation-Id", "c-1")
			if strings.Contains(lines.String(), "secret") {
				t.Errorf("the log tells what the caller sent: %s", lines)
			}
			line := auditLine(t, lines.String())
			if (line == nil) != (tt.want == nil) {
				t.Fatalf("got line %v, want %v", line, tt.want)
			}
			for attribute, want := range tt.want {
				if line[attribute] != want {
					t.Errorf("got %s %v, want %v", attribute, line[attribute], want)
				}
			}
			if line != nil && line["correlation"] != "c-1" {
				t.Errorf("got correlation %v, want c-1", line["correlation"])
			}
		})
	}
}

// auditLine is the one audit line among lines; nil if there is none.
func auditLine(t *testing.T, lines string) (found map[string]any) {
	t.Helper()
	for text := range strings.Lines(lines) {
		var line map[string]any
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatal(err)
		}
		if line["msg"] != "audit" {
			continue
		}
		if found != nil {
			t.Errorf("two audit lines of one request: %s", lines)
		}
		found = line
	}
	return found
}

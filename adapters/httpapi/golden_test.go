package httpapi_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/confuse/data-connector/adapters/httpapi"
	"github.com/confuse/data-connector/domain"
)

var update = flag.Bool("update", false, "write the golden files and docs/api-reference.md")

// An example is one request of each operation; its answer is a golden file, and
// both are in docs/api-reference.md.
type example struct {
	method, path, body string
	status             int
}

// signed reports whether a provider sends it, who is known by a signature.
func (e example) signed() bool { return strings.HasPrefix(e.path, "/webhooks/") }

// silent reports whether it writes nothing to the log.
func (e example) silent() bool {
	return e.method == http.MethodGet || e.signed() || strings.HasPrefix(e.path, "/poison/") || strings.HasPrefix(e.path, "/dead-letters/") || strings.HasPrefix(e.path, "/replays") ||
		strings.HasSuffix(e.path, "/webhook") || strings.HasPrefix(e.path, "/notifications")
}

// examples are by operation id.
func examples() map[string]example {
	return map[string]example{
		"list-sources":         {"GET", "/sources?limit=10", "", 200},
		"get-source":           {"GET", "/sources/" + annSource.String(), "", 200},
		"connect-source":       {"POST", "/sources", `{"type":"localfs","name":"docs","config":{"rootPath":"/srv/docs","excludePaths":["**/*.tmp"]}}`, 201},
		"remove-source":        {"DELETE", "/sources/" + annSource.String(), "", 200},
		"sync-source":          {"POST", "/sources/" + annSource.String() + "/sync", `{"type":"full"}`, 202},
		"ingest":               {"POST", "/ingest", `{"source_id":"` + annSource.String() + `"}`, 202},
		"pause-source":         {"POST", "/sources/" + annSource.String() + "/pause", "", 200},
		"resume-source":        {"POST", "/sources/" + annSource.String() + "/resume", "", 200},
		"update-source":        {"PATCH", "/sources/" + annSource.String(), `{"name":"papers","config":{"rootPath":"/srv/docs","excludePaths":["**/*.tmp"]}}`, 200},
		"release-deletes":      {"POST", "/sources/" + annSource.String() + "/deletes/release", "", 200},
		"get-webhook":          {"GET", "/sources/" + annSource.String() + "/webhook", "", 200},
		"make-webhook":         {"POST", "/sources/" + annSource.String() + "/webhook", "", 200},
		"take-webhook":         {"POST", "/webhooks/github", `{"ref":"refs/heads/main"}`, 200},
		"take-source-webhook":  {"POST", "/webhooks/github/5f0c9d0e4b7a4f6f8a3f0b6f2f1f9a10", `{"zen":"..."}`, 200},
		"attach-credential":    {"POST", "/sources/" + annSource.String() + "/credential", `{"accessToken":"ghp_..."}`, 200},
		"cancel-job":           {"POST", "/jobs/" + openJob.String() + "/cancel", "", 200},
		"retry-job":            {"POST", "/jobs/" + openJob.String() + "/retry", "", 200},
		"list-files":           {"GET", "/sources/" + annSource.String() + "/files?limit=2", "", 200},
		"get-file":             {"GET", "/files/" + readme.String(), "", 200},
		"list-events":          {"GET", "/sources/" + annSource.String() + "/events?from=7", "", 200},
		"list-jobs":            {"GET", "/jobs", "", 200},
		"get-job":              {"GET", "/jobs/" + openJob.String(), "", 200},
		"list-webhook-events":  {"GET", "/webhook-events?limit=1", "", 200},
		"list-runs":            {"GET", "/runs?partition=3&at=9", "", 200},
		"list-notifications":   {"GET", "/notifications", "", 200},
		"add-notification":     {"POST", "/notifications", `{"name":"team","kind":"webhook","url":"https://example.org/hook","secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw","conditions":["gone"]}`, 201},
		"remove-notification":  {"DELETE", "/notifications/" + annsRule.String(), "", 200},
		"try-notification":     {"POST", "/notifications/" + annsRule.String() + "/test", "", 200},
		"list-dead-letters":    {"GET", "/dead-letters?stage=chunk&limit=1", "", 200},
		"get-dead-letter":      {"GET", "/dead-letters/" + letterName, "", 200},
		"retry-dead-letters":   {"POST", "/dead-letters/retry", `{"all":true}`, 200},
		"discard-dead-letters": {"POST", "/dead-letters/discard", `{"id":"` + letterName + `"}`, 200},
		"start-replay":         {"POST", "/replays", `{"selector":{"sources":["` + annSource.String() + `"],"pathGlob":"**/*.md","from":"2026-02-01T00:00:00Z"},"mode":"history","stages":["chunk"],"ratePerSecond":200}`, 202},
		"list-replays":         {"GET", "/replays?limit=1", "", 200},
		"get-replay":           {"GET", "/replays/" + replayID, "", 200},
		"pause-replay":         {"POST", "/replays/" + replayID + "/pause", "", 200},
		"resume-replay":        {"POST", "/replays/" + replayID + "/resume", "", 200},
		"cancel-replay":        {"POST", "/replays/" + replayID + "/cancel", "", 200},
		"list-poison":          {"GET", "/poison?causes=true&limit=2", "", 200},
		"retry-poison":         {"POST", "/poison/retry", `{"record":"` + poisoned + `"}`, 200},
		"skip-poison":          {"POST", "/poison/skip", `{"record":"` + poisoned + `"}`, 200},
		"list-projections":     {"GET", "/projections", "", 200},
		"health":               {"GET", "/health", "", 200},
		"livez":                {"GET", "/livez", "", 200},
		"readyz":               {"GET", "/readyz", "", 200},
	}
}

func TestGoldenReplies(t *testing.T) {
	t.Parallel()

	for name, e := range examples() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			w := newWorld()
			w.records = someRecords()
			p := parts(w)
			p.Checks = []httpapi.Check{{Name: "database", Run: alwaysWell}, {Name: "redis", Run: alwaysWell}, {Name: "kafka", Run: alwaysWell}}
			r := call(t, httpapi.New(p), e.method, e.path, e.body)
			body := r.Body
			if r.StatusCode != e.status {
				t.Fatalf("got status %d, want %d; %s", r.StatusCode, e.status, body)
			}
			var pretty bytes.Buffer
			if err := json.Indent(&pretty, body, "", "  "); err != nil {
				t.Fatal(err)
			}
			golden(t, filepath.Join("testdata", name+".golden"), pretty.Bytes())
			if writes := !e.silent(); writes != (r.Header.Get("Log-Position") == "3:41") {
				t.Errorf("got Log-Position %q", r.Header.Get("Log-Position"))
			}
		})
	}
}

// golden compares got with a file, or writes it with -update.
func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v; write it with: go test ./adapters/httpapi -update", err)
	}
	if diff := cmp.Diff(strings.TrimSpace(string(want)), strings.TrimSpace(string(got))); diff != "" {
		t.Errorf("%s differs; write it with: go test ./adapters/httpapi -update (-want +got):\n%s", file, diff)
	}
}

// someRecords are partition 3 of the log: two events of ann's source, one of
// another source between them, and one of a type that nobody knows.
func someRecords() []domain.Record {
	record := func(offset int64, kind string, e domain.Event, raw string) domain.Record {
		id := uuid.NewSHA1(uuid.Nil, []byte(raw))
		return domain.Record{
			Topic: "dataconnector.events.v1", Position: domain.Position{Partition: 3, Offset: offset}, Event: e, Raw: []byte(raw),
			Headers: map[string]string{"ce_id": id.String(), "ce_type": kind, "ce_time": "2026-03-01T12:00:00Z"},
		}
	}
	source := annSource.String()
	return []domain.Record{
		record(7, "confuse.SourceChanged.v1", domain.SourceChanged{SourceID: annSource, Change: domain.SourceRegistered}, `{"source_id":"`+source+`","change":"registered","name":"docs"}`),
		record(8, "confuse.SourceChanged.v1", domain.SourceChanged{SourceID: bobSource, Change: domain.SourceRegistered}, `{"source_id":"`+bobSource.String()+`","change":"registered","name":"bob's"}`),
		record(9, "confuse.NewThing.v1", nil, `{"source_id":"`+source+`"}`),
		record(10, "confuse.FileChanged.v1", domain.FileChanged{SourceID: annSource, Change: domain.FileAdded}, `{"source_id":"`+source+`","change":"added","path":"README.md"}`),
	}
}

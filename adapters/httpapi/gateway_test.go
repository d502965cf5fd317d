package httpapi_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// The types below are what the platform's gateway decodes our replies into: a
// pointer is a required field, unknown fields are ignored, a value that is not in
// an enum makes the whole reply undecodable.

type gatewayType string

func (v *gatewayType) UnmarshalText(b []byte) error {
	return oneOf((*string)(v), b, "github", "gitlab", "bitbucket", "gdrive", "dropbox", "localfs", "notion", "confluence", "slack", "jira", "linear", "upload")
}

type gatewaySourceStatus string

func (v *gatewaySourceStatus) UnmarshalText(b []byte) error {
	return oneOf((*string)(v), b, "pending", "syncing", "synced", "failed", "disconnected")
}

type gatewayJobStatus string

func (v *gatewayJobStatus) UnmarshalText(b []byte) error {
	return oneOf((*string)(v), b, "queued", "running", "completed", "failed", "cancelled")
}

func oneOf(to *string, b []byte, values ...string) error {
	if !slices.Contains(values, string(b)) {
		return fmt.Errorf("%q is none of %q", b, values)
	}
	*to = string(b)
	return nil
}

type gatewaySource struct {
	ID       *string              `json:"id"`
	Type     *gatewayType         `json:"type"`
	Name     *string              `json:"name"`
	Status   *gatewaySourceStatus `json:"status"`
	LastSync string               `json:"last_sync"`
	Stats    struct {
		Files    *uint64 `json:"files"`
		Chunks   *uint64 `json:"chunks"`
		Entities *uint64 `json:"entities"`
	} `json:"stats"`
	Metadata map[string]any `json:"metadata"`
}

func (s gatewaySource) complete() bool {
	return s.ID != nil && s.Type != nil && s.Name != nil && s.Status != nil && s.Stats.Files != nil && s.Stats.Chunks != nil && s.Stats.Entities != nil
}

type gatewayJob struct {
	JobID    *string           `json:"job_id"`
	Status   *gatewayJobStatus `json:"status"`
	Progress *float32          `json:"progress"`
	Message  string            `json:"message"`
	Error    string            `json:"error"`
	// The client of the gateway reads it as text; we never send it.
	EstimatedTime *string `json:"estimated_time"`
}

func (j gatewayJob) complete() bool { return j.JobID != nil && j.Status != nil }

func TestGatewayDecodesSources(t *testing.T) {
	t.Parallel()

	for _, name := range []string{"get-source", "connect-source"} {
		if s := decode[gatewaySource](t, name); !s.complete() {
			t.Errorf("%s: a required field is missing: %+v", name, s)
		}
	}
	list := decode[struct {
		Sources []gatewaySource `json:"sources"`
		Total   *uint64         `json:"total"`
	}](t, "list-sources")
	if len(list.Sources) == 0 || list.Total == nil {
		t.Fatalf("got %+v", list)
	}
	for _, s := range list.Sources {
		if !s.complete() || s.Metadata["url"] != "file:///srv/docs" {
			t.Errorf("a required field or metadata.url is missing: %+v", s)
		}
	}
}

func TestGatewayDecodesJobs(t *testing.T) {
	t.Parallel()

	for _, name := range []string{"ingest", "get-job", "sync-source"} {
		if j := decode[gatewayJob](t, name); !j.complete() {
			t.Errorf("%s: a required field is missing: %+v", name, j)
		}
	}
	if j := decode[gatewayJob](t, "get-job"); j.Progress == nil || *j.Progress != 33 {
		t.Errorf("got progress %v, want 33", j.Progress)
	}
}

// The documented shapes are in the same bodies.
func TestDocumentedShapes(t *testing.T) {
	t.Parallel()

	for name, fields := range map[string][]string{
		"connect-source": {"source.id", "source.type", "source.name", "source.status", "syncJob.id", "syncJob.status"},
		"get-source":     {"id", "type", "name", "status", "config", "stats.filesIndexed", "stats.totalSize", "stats.languages", "stats.chunksCreated", "stats.lastSyncDuration", "lastSyncAt", "createdAt"},
		"remove-source":  {"message", "filesRemoved", "chunksRemoved"},
		"sync-source":    {"job.id", "job.status", "job.type", "job.estimatedDuration"},
		"get-job":        {"id", "sourceId", "type", "status", "progress", "stats.filesTotal", "stats.filesProcessed", "stats.chunksCreated", "stats.errors", "startedAt", "estimatedCompletion"},
		"list-jobs":      {"jobs", "total"},
		"list-files":     {"files", "total", "next"},
		"get-file":       {"id", "path", "language", "size", "lastModified", "indexedAt"},
		"health":         {"status", "version", "database", "redis", "services"},
	} {
		body := decode[map[string]any](t, name)
		for _, field := range fields {
			var at any = body
			for _, part := range bytes.Split([]byte(field), []byte(".")) {
				at = at.(map[string]any)[string(part)]
			}
			if at == nil {
				t.Errorf("%s has no %s", name, field)
			}
		}
	}
}

// decode reads the golden reply of an operation.
func decode[T any](t *testing.T, name string) T {
	t.Helper()
	var v T
	b, err := os.ReadFile(filepath.Join("testdata", name+".golden"))
	if err == nil {
		err = json.Unmarshal(b, &v)
	}
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return v
}

package main

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A trial is how one operation of the API is tried with what is another owner's.
type trial struct {
	path, body string // {source}, {file} and {job} stand for an id
	want       int    // status, for the stranger
	shows      bool   // has no id to try: the answer must name nothing that is another owner's
}

// trials are of every operation of /openapi.json: one that is not here fails
// TestServeWithKeys. Those with an id answer as if it were unknown (I10).
var trials = map[string][]trial{
	"connect-source": {{path: "/sources", body: `{"type":"localfs","config":{"rootPath":"/nowhere/{source}"}}`, want: http.StatusBadRequest}},
	"list-sources":   {{path: "/sources", want: http.StatusOK, shows: true}},
	"get-source":     {{path: "/sources/{source}", want: http.StatusNotFound}},
	"update-source": {
		{path: "/sources/{source}", body: `{"name":"mine"}`, want: http.StatusNotFound},
		{path: "/sources/{source}", body: `{"config":{"includePaths":["none"]}}`, want: http.StatusNotFound},
	},
	"attach-credential": {{path: "/sources/{source}/credential", body: `{"accessToken":"sesame"}`, want: http.StatusNotFound}},
	"remove-source":     {{path: "/sources/{source}", want: http.StatusNotFound}},
	"sync-source":       {{path: "/sources/{source}/sync", want: http.StatusNotFound}, {path: "/sources/{source}/sync", body: `{"type":"full"}`, want: http.StatusNotFound}},
	"ingest":            {{path: "/ingest", body: `{"source_id":"{source}"}`, want: http.StatusNotFound}},
	"pause-source":      {{path: "/sources/{source}/pause", want: http.StatusNotFound}},
	"resume-source":     {{path: "/sources/{source}/resume", want: http.StatusNotFound}},
	"release-deletes":   {{path: "/sources/{source}/deletes/release", want: http.StatusNotFound}},
	"list-files":        {{path: "/sources/{source}/files", want: http.StatusNotFound}, {path: "/sources/{source}/files?path=a", want: http.StatusNotFound}},
	"get-file":          {{path: "/files/{file}", want: http.StatusNotFound}},
	"get-file-content": {
		{path: "/files/{file}/content", want: http.StatusNotFound},
	},
	"list-events":          {{path: "/sources/{source}/events", want: http.StatusNotFound}},
	"list-webhook-events":  {{path: "/webhook-events", want: http.StatusOK, shows: true}, {path: "/webhook-events?sourceId={source}", want: http.StatusNotFound}},
	"list-jobs":            {{path: "/jobs", want: http.StatusOK, shows: true}, {path: "/jobs?sourceId={source}", want: http.StatusNotFound}},
	"get-job":              {{path: "/jobs/{job}", want: http.StatusNotFound}},
	"cancel-job":           {{path: "/jobs/{job}/cancel", want: http.StatusNotFound}},
	"retry-job":            {{path: "/jobs/{job}/retry", want: http.StatusNotFound}},
	"list-dead-letters":    {{path: "/dead-letters", want: http.StatusOK, shows: true}, {path: "/dead-letters?sourceId={source}", want: http.StatusNotFound}},
	"get-dead-letter":      {{path: "/dead-letters/webhook/{file}", want: http.StatusNotFound}},
	"retry-dead-letters":   {{path: "/dead-letters/retry", body: `{"id":"webhook/{file}"}`, want: http.StatusNotFound}, {path: "/dead-letters/retry", body: `{"sourceId":"{source}"}`, want: http.StatusNotFound}},
	"discard-dead-letters": {{path: "/dead-letters/discard", body: `{"id":"webhook/{file}"}`, want: http.StatusNotFound}, {path: "/dead-letters/discard", body: `{"sourceId":"{source}"}`, want: http.StatusNotFound}},
	"start-replay": {
		{path: "/replays", body: `{"selector":{"sources":["{source}"]}}`, want: http.StatusBadRequest},
		{path: "/replays", body: `{"selector":{"sources":["{source}"]},"dryRun":true}`, want: http.StatusBadRequest},
	},
	"list-replays":        {{path: "/replays", want: http.StatusOK, shows: true}},
	"get-replay":          {{path: "/replays/{replay}", want: http.StatusNotFound}},
	"pause-replay":        {{path: "/replays/{replay}/pause", want: http.StatusNotFound}},
	"resume-replay":       {{path: "/replays/{replay}/resume", want: http.StatusNotFound}},
	"cancel-replay":       {{path: "/replays/{replay}/cancel", want: http.StatusNotFound}},
	"list-poison":         {{path: "/poison", want: http.StatusForbidden}},
	"retry-poison":        {{path: "/poison/retry", body: `{"sourceId":"{source}"}`, want: http.StatusForbidden}},
	"skip-poison":         {{path: "/poison/skip", body: `{"sourceId":"{source}"}`, want: http.StatusForbidden}},
	"list-projections":    {{path: "/projections", want: http.StatusForbidden}},
	"list-runs":           {{path: "/runs?partition=0&at=0", want: http.StatusForbidden}},
	"get-webhook":         {{path: "/sources/{source}/webhook", want: http.StatusNotFound}},
	"make-webhook":        {{path: "/sources/{source}/webhook", want: http.StatusNotFound}},
	"list-notifications":  {{path: "/notifications", want: http.StatusOK, shows: true}},
	"add-notification":    {{path: "/notifications", body: `{"kind":"webhook","url":"https://example.org","secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYqr","sourceId":"{source}"}`, want: http.StatusNotFound}},
	"remove-notification": {{path: "/notifications/{source}", want: http.StatusNotFound}},
	"try-notification":    {{path: "/notifications/{source}/test", want: http.StatusNotFound}},
	"take-webhook":        {{path: "/webhooks/localfs", body: `{"source":"{source}"}`, want: http.StatusNotFound}},
	"take-source-webhook": {{path: "/webhooks/localfs/{source}", body: `{}`, want: http.StatusNotFound}},
	"health":              {{path: "/health", want: http.StatusOK, shows: true}},
	"livez":               {{path: "/livez", want: http.StatusOK, shows: true}},
	"readyz":              {{path: "/readyz", want: http.StatusOK, shows: true}},
}

// An ownersIDs is what a trial names.
type ownersIDs struct{ source, file, job, replay string }

func (o ownersIDs) in(text string) string {
	return strings.NewReplacer("{source}", o.source, "{file}", o.file, "{job}", o.job, "{replay}", o.replay).Replace(text)
}

// unknownIDs are of the same forms and nobody's.
func unknownIDs() ownersIDs {
	return ownersIDs{"0195a3c1-7d2e-7b6a-9f00-0000000000ff", "11111111-0000-5000-8000-0000000000ff", "22222222-0000-5000-8000-0000000000ff", "0195a3c1-7d2e-7b6a-9f00-0000000000fe"}
}

// checkOwners tries every operation as a stranger, whose headers are given, with
// the ids of another owner and with unknown ones: the answers are the same, byte
// for byte, and nothing comes of it.
func checkOwners(t *testing.T, url string, theirs ownersIDs, stranger http.Header) {
	t.Helper()
	operations := operationsOf(t, url)
	if diff := cmp.Diff(slices.Sorted(maps.Keys(operations)), slices.Sorted(maps.Keys(trials))); diff != "" {
		t.Errorf("every operation has to be tried with another owner's ids (-served +tried):\n%s", diff)
	}
	for id, method := range operations {
		for _, tr := range trials[id] {
			got := try(t, method, url, theirs, tr, stranger)
			unknown := try(t, method, url, unknownIDs(), tr, stranger)
			if got != unknown && !tr.shows {
				t.Errorf("%s %s: another owner's: %+v; unknown: %+v", method, tr.path, got, unknown)
			}
			if got.status != tr.want {
				t.Errorf("%s %s: got %d %s, want %d", method, tr.path, got.status, got.body, tr.want)
			}
		}
	}
}

// operationsOf are the ids and methods of /openapi.json.
func operationsOf(t *testing.T, url string) map[string]string {
	t.Helper()
	var api struct {
		Paths map[string]map[string]json.RawMessage
	}
	fetch(t, url+"/openapi.json", &api)
	operations := map[string]string{}
	for _, methods := range api.Paths {
		for method, raw := range methods {
			var op struct{ OperationID string }
			if err := json.Unmarshal(raw, &op); err == nil && op.OperationID != "" {
				operations[op.OperationID] = strings.ToUpper(method)
			}
		}
	}
	return operations
}

// A tried is an answer, but for the time at which it was given.
type tried struct {
	status       int
	header, body string
}

func try(t *testing.T, method, url string, ids ownersIDs, tr trial, header http.Header) tried {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url+ids.in(tr.path), strings.NewReader(ids.in(tr.body)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header.Clone()
	req.Header.Set("X-Correlation-Id", "try")
	if tr.body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }() // read to its end
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	resp.Header.Del("Date")
	var headers strings.Builder
	if err := resp.Header.Write(&headers); err != nil {
		t.Fatal(err)
	}
	if text := headers.String() + string(raw); tr.shows && (strings.Contains(text, ids.source) || strings.Contains(text, ids.job) || strings.Contains(text, ids.file) || strings.Contains(text, ids.replay)) {
		t.Errorf("%s %s shows what is another owner's: %s", method, tr.path, text)
	}
	return tried{resp.StatusCode, headers.String(), strings.NewReplacer(ids.source, "{source}", ids.file, "{file}", ids.job, "{job}", ids.replay, "{replay}").Replace(string(raw))}
}

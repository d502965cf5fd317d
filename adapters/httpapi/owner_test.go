package httpapi_test

import (
	"bytes"
	"context"
	"net/http"
	"testing"

	"github.com/confuse/data-connector/adapters/httpapi"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/ingest"
)

// I10: what is another owner's answers as what does not exist, byte for byte,
// although the readers of the fakes give it out.
func TestAnotherOwnersIdsAreUnknown(t *testing.T) {
	t.Parallel()

	unknown := "01950000-0000-7000-8000-0000000000ff"
	for _, tt := range []struct{ foreign, path, unknown string }{
		{bobSource.String(), "/sources/%s", unknown},
		{bobSource.String(), "/sources/%s/files", unknown},
		{bobSource.String(), "/sources/%s/events", unknown},
		{bobSource.String(), "/jobs?sourceId=%s", unknown},
		{bobSource.String(), "/webhook-events?sourceId=%s", unknown},
		{bobFile.String(), "/files/%s", unknown},
		{bobFile.String(), "/files/%s/content", unknown},
		{bobJob.String(), "/jobs/%s", unknown},
	} {
		t.Run(tt.path, func(t *testing.T) {
			t.Parallel()

			api := httpapi.New(parts(newWorld()))
			ask := func(id string) (int, []byte) {
				path := string(bytes.ReplaceAll([]byte(tt.path), []byte("%s"), []byte(id)))
				r := call(t, api, "GET", path, "", "X-Correlation-Id", "c")
				return r.StatusCode, r.Body
			}
			status, body := ask(tt.foreign)
			wantStatus, want := ask(tt.unknown)
			if status != http.StatusNotFound || status != wantStatus || !bytes.Equal(body, want) {
				t.Errorf("foreign: %d %s; unknown: %d %s", status, body, wantStatus, want)
			}
		})
	}
}

// Commands are scoped by the use cases; the API hands them the caller's owner.
func TestCommandsCarryTheOwner(t *testing.T) {
	t.Parallel()

	w := newWorld()
	api := httpapi.New(parts(w))
	key := []string{"Idempotency-Key", "again-1"}
	call(t, api, "POST", "/sources", `{"type":"local","config":{"rootPath":"/srv","name":"docs"},"access_token":null}`, key...)
	call(t, api, "POST", "/sources/"+bobSource.String()+"/sync", `{"type":"full"}`, key...)
	call(t, api, "POST", "/sources/"+bobSource.String()+"/sync", "", key...)
	call(t, api, "POST", "/ingest", `{"source_id":"`+bobSource.String()+`"}`, key...)
	call(t, api, "DELETE", "/sources/"+bobSource.String(), "", key...)
	want := ingest.ChangeRequest{Owner: "ann", Source: bobSource, Key: "again-1"}
	for _, e := range []struct{ path, verb string }{{"pause", "pause"}, {"resume", "resume"}, {"deletes/release", "release"}} {
		call(t, api, "POST", "/sources/"+bobSource.String()+"/"+e.path, "", key...)
		if got := w.changes[len(w.changes)-1]; got != (changeAsk{e.verb, want}) {
			t.Errorf("got %+v, want %s %+v", got, e.verb, want)
		}
	}
	for _, verb := range []string{"cancel", "retry"} {
		call(t, api, "POST", "/jobs/"+bobJob.String()+"/"+verb, "", key...)
		want := ingest.JobRequest{Owner: "ann", Job: bobJob, Key: "again-1"}
		if got := w.changes[len(w.changes)-1]; got != (changeAsk{verb, want}) {
			t.Errorf("got %+v, want %s %+v", got, verb, want)
		}
	}
	c := w.connects[0]
	if c.Owner != "ann" || c.Provider != "local" || c.Name != "docs" || string(c.Config) != `{"rootPath":"/srv"}` || c.Key != "again-1" {
		t.Errorf("got %+v", c)
	}
	for i, mode := range []domain.SyncMode{domain.SyncFull, domain.SyncIncremental, domain.SyncIncremental} {
		if want := (ingest.SyncRequest{Owner: "ann", Source: bobSource, Mode: mode, Key: "again-1"}); w.syncs[i] != want {
			t.Errorf("got %+v, want %+v", w.syncs[i], want)
		}
	}
	if want := (ingest.RemoveRequest{Owner: "ann", Source: bobSource, Key: "again-1"}); w.removes[0] != want {
		t.Errorf("got %+v, want %+v", w.removes[0], want)
	}
}

func TestRemovingSourceIsUnknown(t *testing.T) {
	t.Parallel()

	w := newWorld()
	s := w.sources[annSource]
	s.Removing = true
	w.sources[annSource] = s
	api := httpapi.New(parts(w))
	wantRefusal(t, call(t, api, "GET", "/sources/"+annSource.String(), ""), 404, "SOURCE_NOT_FOUND")
	wantRefusal(t, call(t, api, "GET", "/files/"+readme.String(), ""), 404, "FILE_NOT_FOUND")
	if r := call(t, api, "GET", "/jobs/"+doneJob.String(), ""); r.StatusCode != http.StatusOK {
		t.Errorf("its job: got %d, want 200", r.StatusCode)
	}
}

// The one exception of I10: a gateway without an owner, on two endpoints.
func TestGatewayWithoutOwner(t *testing.T) {
	t.Parallel()

	w := newWorld()
	p := parts(w)
	p.Auth = as{httpapi.Identity{Gateway: true}}
	api := httpapi.New(p)
	if r := call(t, api, "POST", "/ingest", `{"source_id":"`+bobSource.String()+`"}`); r.StatusCode != http.StatusAccepted || !w.syncs[0].AnyOwner {
		t.Errorf("ingest: got %d %+v", r.StatusCode, w.syncs)
	}
	if r := call(t, api, "GET", "/jobs/"+bobJob.String(), ""); r.StatusCode != http.StatusOK {
		t.Errorf("job: got %d, want 200", r.StatusCode)
	}
	for _, path := range []string{"/sources", "/jobs", "/sources/" + annSource.String(), "/files/" + readme.String()} {
		wantRefusal(t, call(t, api, "GET", path, ""), http.StatusUnauthorized, "UNAUTHORIZED")
	}
	wantRefusal(t, call(t, api, "DELETE", "/sources/"+annSource.String(), ""), http.StatusUnauthorized, "UNAUTHORIZED")

	p.Auth = as{httpapi.Identity{Gateway: true, Caller: domain.Caller{Owner: "ann"}}}
	wantRefusal(t, call(t, httpapi.New(p), "GET", "/jobs/"+bobJob.String(), ""), http.StatusNotFound, "JOB_NOT_FOUND")
	p.Auth = owned("")
	wantRefusal(t, call(t, httpapi.New(p), "POST", "/ingest", `{"source_id":"`+bobSource.String()+`"}`), http.StatusUnauthorized, "UNAUTHORIZED")
}

func TestWriteNotFoldedYetIsAccepted(t *testing.T) {
	t.Parallel()

	for name, e := range examples() {
		if e.silent() {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			w := newWorld()
			folded := call(t, httpapi.New(parts(w)), e.method, e.path, e.body).Body
			w.synced.Folded, w.removed.Folded, w.connected.Folded, w.changed.Folded = false, false, false, false
			r := call(t, httpapi.New(parts(w)), e.method, e.path, e.body)
			if r.StatusCode != http.StatusAccepted || r.Header.Get("Log-Position") != "3:41" {
				t.Errorf("got %d at %q, want 202 at 3:41", r.StatusCode, r.Header.Get("Log-Position"))
			}
			if body := r.Body; !bytes.Equal(body, folded) {
				t.Errorf("got %s, want the same body as when folded", body)
			}
		})
	}
}

func TestMinLogPosition(t *testing.T) {
	t.Parallel()

	w := newWorld()
	api := httpapi.New(parts(w))
	if r := call(t, api, "GET", "/sources", "", "Min-Log-Position", "3:41"); r.StatusCode != 200 || len(w.waits) != 1 || w.waits[0] != (domain.Position{Partition: 3, Offset: 41}) {
		t.Errorf("got %d after waiting for %v", r.StatusCode, w.waits)
	}
	w.wait = func(context.Context) error { return domain.ErrUnavailable }
	r := call(t, api, "GET", "/sources", "", "Min-Log-Position", "3:41")
	wantRefusal(t, r, 503, "UNAVAILABLE")
	if w.reads != 1 {
		t.Errorf("%d reads, want none after a failed wait", w.reads-1)
	}
}

package httpapi_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/confuse/data-connector/adapters/httpapi"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/ingest"
)

// What is left out is kept: it reaches the use case as nil.
func TestUpdateHandsOnWhatIsGiven(t *testing.T) {
	t.Parallel()

	for body, want := range map[string]struct{ name, config string }{
		`{"name":"papers"}`:                            {"papers", ""},
		`{"config":{"rootPath":"/a"}}`:                 {"", `{"rootPath":"/a"}`},
		`{"config":{}}`:                                {"", `{}`},
		`{"config":{"name":"papers","rootPath":"/a"}}`: {"papers", `{"rootPath":"/a"}`},
		`{"name":"papers","config":{"name":"papers"}}`: {"papers", `{}`},
	} {
		t.Run(body, func(t *testing.T) {
			t.Parallel()

			w := newWorld()
			if r := call(t, httpapi.New(parts(w)), "PATCH", "/sources/"+annSource.String(), body, "Idempotency-Key", "k"); r.StatusCode != 200 {
				t.Fatalf("got %d %s", r.StatusCode, r.Body)
			}
			got, ok := w.changes[0].request.(ingest.UpdateRequest)
			if !ok || got.Owner != "ann" || got.Source != annSource || got.Key != "k" || string(got.Config) != want.config || (got.Config == nil) != (want.config == "") {
				t.Errorf("got %+v, want config %q", got, want.config)
			}
			if (got.Name == nil) != (want.name == "") || got.Name != nil && *got.Name != want.name {
				t.Errorf("got name %v, want %q", got.Name, want.name)
			}
		})
	}
}

// I10: another owner's source is unknown before anything is asked.
func TestUpdateOfAnotherOwnersSource(t *testing.T) {
	t.Parallel()

	w := newWorld()
	wantRefusal(t, call(t, httpapi.New(parts(w)), "PATCH", "/sources/"+bobSource.String(), `{"name":"mine"}`), 404, "SOURCE_NOT_FOUND")
	if len(w.changes) > 0 {
		t.Errorf("got %+v", w.changes)
	}
}

func TestRefusedChanges(t *testing.T) {
	t.Parallel()

	for path, why := range map[string]string{
		"/sources/" + annSource.String() + "/deletes/release": "holds no deletes",
		"/sources/" + annSource.String() + "/pause":           "too fast",
		"/jobs/" + doneJob.String() + "/cancel":               "has ended",
		"/jobs/" + openJob.String() + "/retry":                "has completed",
	} {
		w := newWorld()
		w.err = domain.ErrConflict
		e := wantRefusal(t, call(t, httpapi.New(parts(w)), "POST", path, ""), 409, "CONFLICT")
		if !strings.Contains(e.Error.Message, why) {
			t.Errorf("%s: got %q, want it to say %q", path, e.Error.Message, why)
		}
	}
}

// A command that was carried out before wrote nothing now: there is no position
// to wait for.
func TestRepeatedChangeHasNoPosition(t *testing.T) {
	t.Parallel()

	w := newWorld()
	w.changed.At = domain.Position{}
	r := call(t, httpapi.New(parts(w)), "POST", "/sources/"+annSource.String()+"/pause", "", "Idempotency-Key", "k")
	if _, ok := r.Header["Log-Position"]; ok || r.StatusCode != 200 {
		t.Errorf("got %d at %q", r.StatusCode, r.Header.Get("Log-Position"))
	}
}

// The job of a cancel has ended: the answer is its row, not what the fold forgot.
func TestCancelAnswersWithTheRow(t *testing.T) {
	t.Parallel()

	w := newWorld()
	var got struct{ ID, Status, Type string }
	if err := json.Unmarshal(call(t, httpapi.New(parts(w)), "POST", "/jobs/"+openJob.String()+"/cancel", "").Body, &got); err != nil {
		t.Fatal(err)
	}
	if got.ID != openJob.String() || got.Status != "cancelled" || got.Type != "full" {
		t.Errorf("got %+v", got)
	}
}

// What is not wired has no endpoints.
func TestWithoutChanges(t *testing.T) {
	t.Parallel()

	p := parts(newWorld())
	p.Changes = nil
	api := httpapi.New(p)
	wantRefusal(t, call(t, api, "POST", "/sources/"+annSource.String()+"/pause", ""), 404, "NOT_FOUND")
	wantRefusal(t, call(t, api, "PATCH", "/sources/"+annSource.String(), `{}`), 405, "METHOD_NOT_ALLOWED")
}

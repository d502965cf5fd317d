package httpapi_test

import (
	"bytes"
	"log/slog"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/confuse/data-connector/adapters/httpapi"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/projections"
)

func TestListPoisonPassesItsPage(t *testing.T) {
	t.Parallel()

	w := newWorld()
	r := call(t, httpapi.New(parts(w)), "GET", "/poison?topic=t&causes=true&limit=5&sourceId="+annSource.String()+"&after="+poisoned, "")
	want := []projections.PoisonPage{{
		Topic: "t", Causes: true, Limit: 5, Source: annSource, After: projections.PoisonKey{Topic: "dataconnector.events.v1", Partition: 3, Offset: 12},
	}}
	if diff := cmp.Diff(want, w.poisonAsks); diff != "" || r.StatusCode != 200 {
		t.Errorf("got %d, asked (-want +got):\n%s", r.StatusCode, diff)
	}
}

// Who mends is kept, and in the audit line with what was mended.
func TestMendPoison(t *testing.T) {
	t.Parallel()

	for name, tt := range map[string]struct {
		path, body string
		want       mendAsk
		attribute  string
	}{
		"retry":        {"/poison/retry", `{"record":"` + poisoned + `"}`, mendAsk{verb: "retry", what: poisoned}, "record"},
		"retry source": {"/poison/retry", `{"sourceId":"` + bobSource.String() + `"}`, mendAsk{verb: "retry source", what: bobSource.String()}, "source"},
		"skip":         {"/poison/skip", `{"record":"` + poisoned + `"}`, mendAsk{verb: "skip", what: poisoned}, "record"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			w, lines := newWorld(), &bytes.Buffer{}
			p := parts(w)
			p.Auth = as{httpapi.Identity{Caller: domain.Caller{Owner: "ann", KeyID: "key-1", Rights: []domain.Right{domain.MayOperate}}}}
			p.Log = slog.New(slog.NewJSONHandler(lines, nil))
			r := call(t, httpapi.New(p), "POST", tt.path, tt.body)
			tt.want.caller = projections.Caller{Owner: "ann", Operator: true, Name: "key-1"}
			if r.StatusCode != 200 || len(w.mends) != 1 || w.mends[0] != tt.want {
				t.Errorf("got %d after %+v, want %+v", r.StatusCode, w.mends, tt.want)
			}
			if line := auditLine(t, lines.String()); line[tt.attribute] != tt.want.what {
				t.Errorf("got audit %v, want %s %s", line, tt.attribute, tt.want.what)
			}
		})
	}
}

// Mending needs the right to operate, whatever else a key may do.
func TestMendPoisonRefused(t *testing.T) {
	t.Parallel()

	body := `{"record":"` + poisoned + `"}`
	w := newWorld()
	p := parts(w)
	p.Auth = as{httpapi.Identity{Caller: domain.Caller{Owner: "ann", Rights: []domain.Right{domain.MayRead, domain.MayWrite}}}}
	for _, path := range []string{"/poison/retry", "/poison/skip"} {
		wantRefusal(t, call(t, httpapi.New(p), "POST", path, body), 403, "FORBIDDEN")
	}
	if len(w.mends) > 0 {
		t.Errorf("got %+v", w.mends)
	}
	w.err = domain.ErrConflict
	wantRefusal(t, call(t, httpapi.New(parts(w)), "POST", "/poison/skip", body), 409, "CONFLICT")
}

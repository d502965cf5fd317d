package httpapi_test

import (
	"encoding/json"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/confuse/data-connector/adapters/httpapi"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/projections"
)

// The cursor of one page is the place where the next one begins.
func TestHintsPage(t *testing.T) {
	t.Parallel()

	w := newWorld()
	api := httpapi.New(parts(w))
	var page struct{ Next string }
	if err := json.Unmarshal(call(t, api, "GET", "/webhook-events?limit=1&sourceId="+annSource.String(), "").Body, &page); err != nil {
		t.Fatal(err)
	}
	if r := call(t, api, "GET", "/webhook-events?cursor="+url.QueryEscape(page.Next), ""); r.StatusCode != 200 {
		t.Fatalf("got %d %s", r.StatusCode, r.Body)
	}
	hints, next, _ := w.ListHints(t.Context(), "ann", projections.HintPage{})
	want := []projections.HintPage{{Source: annSource, Unowned: true, Limit: 1}, {Before: next, Unowned: true, Limit: 100}}
	if diff := cmp.Diff(want, w.hintAsks[:2]); diff != "" || hints[0].ID != next.ID {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}

// What is no owner's needs a right of its own.
func TestOperateNeedsItsRight(t *testing.T) {
	t.Parallel()

	for name, tt := range map[string]struct {
		rights []domain.Right
		status int
	}{
		"no scopes": {nil, 200}, "operate": {[]domain.Right{domain.MayOperate}, 200},
		"read and write": {[]domain.Right{domain.MayRead, domain.MayWrite}, 403},
	} {
		for _, path := range operatorPaths() {
			t.Run(name+" "+path, func(t *testing.T) {
				t.Parallel()

				w := newWorld()
				p := parts(w)
				p.Auth = as{httpapi.Identity{Caller: domain.Caller{Owner: "ann", Rights: tt.rights}}}
				r := call(t, httpapi.New(p), "GET", path, "")
				if r.StatusCode != tt.status || tt.status == 403 && w.reads > 0 {
					t.Errorf("got %d %s after %d reads, want %d", r.StatusCode, r.Body, w.reads, tt.status)
				}
			})
		}
	}
}

func operatorPaths() []string { return []string{"/runs?partition=3&at=9", "/poison", "/projections"} }

// A gateway speaks for its users, who do not operate the service.
func TestGatewayDoesNotOperate(t *testing.T) {
	t.Parallel()

	p := parts(newWorld())
	p.Auth = httpapi.TrustedHeader(gateways())
	for _, path := range operatorPaths() {
		wantRefusal(t, from(t, httpapi.New(p), "10.1.2.3:1", "GET", path, "", "X-User-Id", "ann"), 403, "FORBIDDEN")
	}
}

func TestRunsNotFoldedYet(t *testing.T) {
	t.Parallel()

	w := newWorld()
	w.err = domain.ErrUnavailable
	wantRefusal(t, call(t, httpapi.New(parts(w)), "GET", "/runs?partition=3&at=9", ""), 503, "UNAVAILABLE")
}

package httpapi_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/confuse/data-connector/adapters/httpapi"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/projections"
)

var (
	_ httpapi.Letters = (*projections.Reader)(nil)
	_ httpapi.Letters = letterDesk{}
	_ httpapi.Desk    = letterDesk{}
)

// letterName is the dead letter of ann.
var letterName = "chunk/" + readme.String()

// A letterDesk is the world as that which settles dead letters.
type letterDesk struct{ w *world }

// A deskAsk is what was to be done with which letters.
type deskAsk struct {
	verb  string
	owner domain.OwnerID
	page  projections.LetterPage
}

func (d letterDesk) letters(owner domain.OwnerID) []projections.LetterRow {
	if owner != "ann" {
		return nil
	}
	return []projections.LetterRow{{
		LetterKey: projections.LetterKey{Stage: "chunk", File: readme}, SourceID: annSource, Owner: "ann", Path: "README.md",
		At: domain.Revised{Run: 2, Seq: 3}, Error: "refused for good: answered 422: missing field metadata", FailedAt: noon, Partition: 3,
		Letter: &domain.Letter{Offset: 7, OriginTopic: "dataconnector.events.v1", OriginOffset: 40, Attempts: 2, FirstFailure: noon.Add(-time.Minute)},
	}}
}

func (d letterDesk) ListLetters(_ context.Context, owner domain.OwnerID, p projections.LetterPage) ([]projections.LetterRow, *projections.LetterKey, error) {
	d.w.letterAsks = append(d.w.letterAsks, deskAsk{"list", owner, p})
	rows := d.letters(owner)
	if p.Files != nil {
		rows = slices.DeleteFunc(rows, func(r projections.LetterRow) bool { return !slices.Contains(p.Files, r.File) || r.Stage != p.Stage })
	}
	if len(rows) == 0 || p.Files != nil {
		return rows, nil, d.w.err
	}
	return rows, &rows[0].LetterKey, d.w.err
}

func (d letterDesk) Show(_ context.Context, owner domain.OwnerID, key projections.LetterKey) (projections.LetterRow, map[string]string, []byte, error) {
	for _, r := range d.letters(owner) {
		if r.LetterKey == key {
			return r, map[string]string{"ce_type": "confuse.FileChanged.v1"}, []byte(`{"path":"README.md"}`), d.w.err
		}
	}
	return projections.LetterRow{}, nil, nil, projections.ErrNotLetter
}

func (d letterDesk) Retry(_ context.Context, owner domain.OwnerID, p projections.LetterPage) (retried, gone int64, err error) {
	d.w.letterAsks = append(d.w.letterAsks, deskAsk{"retry", owner, p})
	return 4, 1, d.w.err
}

func (d letterDesk) Discard(_ context.Context, owner domain.OwnerID, p projections.LetterPage) (int64, error) {
	d.w.letterAsks = append(d.w.letterAsks, deskAsk{"discard", owner, p})
	return 5, d.w.err
}

func TestSettleDeadLetters(t *testing.T) {
	t.Parallel()

	for name, tt := range map[string]struct {
		path, body string
		want       deskAsk
	}{
		"one":           {"/dead-letters/retry", `{"id":"` + letterName + `"}`, deskAsk{"retry", "ann", projections.LetterPage{Stage: "chunk", Files: []domain.FileID{readme}, Limit: 1}}},
		"of a stage":    {"/dead-letters/retry", `{"stage":"graph"}`, deskAsk{"retry", "ann", projections.LetterPage{Stage: "graph"}}},
		"of a source":   {"/dead-letters/discard", `{"sourceId":"` + annSource.String() + `"}`, deskAsk{"discard", "ann", projections.LetterPage{Source: annSource}}},
		"all":           {"/dead-letters/discard", `{"all":true}`, deskAsk{"discard", "ann", projections.LetterPage{}}},
		"all, by retry": {"/dead-letters/retry", `{"all":true}`, deskAsk{"retry", "ann", projections.LetterPage{}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			w := newWorld()
			r := call(t, httpapi.New(parts(w)), "POST", tt.path, tt.body)
			if r.StatusCode != 200 || len(w.letterAsks) == 0 {
				t.Fatalf("got %d after %+v", r.StatusCode, w.letterAsks)
			}
			if diff := cmp.Diff(tt.want, w.letterAsks[len(w.letterAsks)-1], cmp.AllowUnexported(deskAsk{})); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}
		})
	}
}

// Another owner's letter, and one that is none, are unknown (I10).
func TestUnknownDeadLetters(t *testing.T) {
	t.Parallel()

	none := "chunk/" + bobFile.String()
	p := parts(newWorld())
	p.Auth = owned("bob")
	for _, api := range []*httpapi.Server{httpapi.New(p), httpapi.New(parts(newWorld()))} {
		wantRefusal(t, call(t, api, "GET", "/dead-letters/"+none, ""), 404, "DEAD_LETTER_NOT_FOUND")
		wantRefusal(t, call(t, api, "POST", "/dead-letters/retry", `{"id":"`+none+`"}`), 404, "DEAD_LETTER_NOT_FOUND")
		wantRefusal(t, call(t, api, "POST", "/dead-letters/discard", `{"id":"`+none+`"}`), 404, "DEAD_LETTER_NOT_FOUND")
	}
	wantRefusal(t, call(t, httpapi.New(p), "GET", "/dead-letters/"+letterName, ""), 404, "DEAD_LETTER_NOT_FOUND")
}

package httpapi_test

import (
	"bytes"
	"context"
	"net/http"
	"testing"

	"github.com/google/uuid"

	"github.com/confuse/data-connector/adapters/httpapi"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/ingest"
)

// ruleBook holds one rule of ann's, and one that somebody else has made.
type ruleBook struct{ *world }

var (
	annsRule = uuid.MustParse("0190a000-0000-7000-8000-000000000001")
	bobsRule = uuid.MustParse("0190a000-0000-7000-8000-000000000002")
)

func (ruleBook) Add(_ context.Context, r ingest.NotificationRule, t ingest.NotifyTarget) (ingest.NotificationRule, error) {
	r.ID, r.Kind = annsRule, t.Kind
	return r, nil
}

func (ruleBook) List(_ context.Context, owner domain.OwnerID) ([]ingest.NotificationRule, error) {
	if owner != "ann" {
		return nil, nil
	}
	return []ingest.NotificationRule{{ID: annsRule, Owner: owner, Kind: ingest.NotifyWebhook, Conditions: []ingest.Condition{ingest.ConditionGone}}}, nil
}

func (ruleBook) Remove(_ context.Context, owner domain.OwnerID, id uuid.UUID) error {
	if owner != "ann" || id != annsRule {
		return ingest.ErrRuleNotFound
	}
	return nil
}

func (b ruleBook) Try(ctx context.Context, owner domain.OwnerID, id uuid.UUID) error {
	return b.Remove(ctx, owner, id)
}

func TestNotifications(t *testing.T) {
	t.Parallel()

	api := httpapi.New(parts(newWorld()))
	made := call(t, api, "POST", "/notifications", `{"kind":"webhook","url":"https://example.org/top-secret","secret":"whsec_top-secret","conditions":["gone"]}`)
	if made.StatusCode != http.StatusCreated || bytes.Contains(made.Body, []byte("top-secret")) {
		t.Errorf("got %d %s, want it made and no secret shown", made.StatusCode, made.Body)
	}
	wantRefusal(t, call(t, api, "POST", "/notifications", `{"kind":"pigeon","url":"x"}`), 400, "VALIDATION_ERROR")
	wantRefusal(t, call(t, api, "POST", "/notifications", `{"kind":"webhook","url":"https://example.org","sourceId":"`+bobSource.String()+`"}`), 404, "SOURCE_NOT_FOUND")
	wantRefusal(t, call(t, api, "DELETE", "/notifications/mine", ""), 400, "VALIDATION_ERROR")
	for _, verb := range [][2]string{{"DELETE", ""}, {"POST", "/test"}} {
		wantRefusal(t, call(t, api, verb[0], "/notifications/"+bobsRule.String()+verb[1], ""), 404, "RULE_NOT_FOUND")
		if got := call(t, api, verb[0], "/notifications/"+annsRule.String()+verb[1], ""); got.StatusCode != http.StatusOK {
			t.Errorf("%s: got %d %s", verb, got.StatusCode, got.Body)
		}
	}
	if got := call(t, api, "GET", "/notifications", ""); !bytes.Contains(got.Body, []byte(annsRule.String())) {
		t.Errorf("got %s", got.Body)
	}
}

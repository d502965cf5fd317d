package main

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/confuse/data-connector/connectors/gitrepo/gittest"
)

// A shownDelivery is what the API tells of a delivery.
type shownDelivery struct {
	Outcome, Reason, DeliveryID, ProviderEvent string
	Repeats                                    int
	HasSource, HasJob                          bool
}

// Every authentic delivery is shown with what came of it: a push with its job, one
// that came again as a count of it, and pings, tests, events of no use and what is
// about another repository with the reason. They begin no job, and what is not
// authentic leaves no trace. A rebuild of the tables changes nothing.
func TestForgeDeliveriesAreShown(t *testing.T) {
	t.Parallel()

	f := newForge(t)
	f.repo.Commit("main", gittest.Put("a", "a"))
	f.serve()
	source := f.connect(nil)
	events := follow(t, f.env, source)
	events.change(t, "sync_completed")
	own := fmt.Sprintf(`"repository":{"id":%d,"html_url":"%s/octo/hello"}`, f.api.ID(), f.api.URL)
	send := func(status int, secret, event, id, body string) {
		t.Helper()
		if got, answer := f.send("/webhooks/github", []byte(body), signed(secret, event, id, []byte(body))); got != status {
			t.Errorf("%s %s: got %d %s", event, id, got, answer)
		}
	}
	push := `{"ref":"refs/heads/main",` + own + `}`
	send(http.StatusUnauthorized, "wrong", "push", "forged", push)
	send(http.StatusUnauthorized, "wrong", "ping", "forged too", `{`+own+`}`)
	send(http.StatusOK, forgeSecret, "push", "d-1", push)
	done, _ := events.change(t, "sync_completed")
	f.await(source, done.Position)
	for _, id := range []string{"d-1", "d-1", "caught"} {
		send(http.StatusOK, forgeSecret, "push", id, push)
	}
	send(http.StatusOK, forgeSecret, "ping", "d-2", `{"zen":"x",`+own+`}`)
	for _, id := range []string{"d-3", "d-3"} {
		send(http.StatusOK, forgeSecret, "star", id, `{"action":"created",`+own+`}`)
	}
	send(http.StatusOK, forgeSecret, "push", "d-4", `{"ref":"refs/heads/main","repository":{"id":1,"html_url":"`+f.api.URL+`/octo/other"}}`)
	send(http.StatusOK, forgeSecret, "installation", "d-5", `{"action":"suspend","installation":{"id":1}}`)
	want := []shownDelivery{
		{Outcome: "ignored", Reason: "names no installation", DeliveryID: "d-5", ProviderEvent: "installation.suspend"},
		{Outcome: "ignored", Reason: "it is about nothing that is connected here", DeliveryID: "d-4", ProviderEvent: "push"},
		{Outcome: "ignored", Reason: "nothing that is read depends on it", DeliveryID: "d-3", ProviderEvent: "star.created", Repeats: 1, HasSource: true},
		{Outcome: "ignored", Reason: "a ping", DeliveryID: "d-2", ProviderEvent: "ping", HasSource: true},
		{Outcome: "hint", DeliveryID: "d-1", ProviderEvent: "push", Repeats: 3, HasSource: true, HasJob: true},
	}
	if diff := cmp.Diff(want, f.deliveries("")); diff != "" {
		t.Errorf("deliveries (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want[2:], f.deliveries("?sourceId="+source)); diff != "" {
		t.Errorf("deliveries of the source (-want +got):\n%s", diff)
	}
	if jobs := f.jobs(source); jobs != 2 {
		t.Errorf("got %d jobs, want the first one and that of the push", jobs)
	}
	must(t, f.env, "rebuild", "--verify")
	if diff := cmp.Diff(want, f.deliveries("")); diff != "" {
		t.Errorf("behind a rebuild (-want +got):\n%s", diff)
	}
	must(t, f.cli(), "source", "remove", source, "--wait")
	if diff := cmp.Diff(want[:2], f.deliveries("")); diff != "" {
		t.Errorf("behind the removal (-want +got):\n%s", diff)
	}
	f.server.stop(t)
}

// deliveries are what the API shows of them, the newest first, without the hints of
// others than webhooks.
func (f *forge) deliveries(query string) []shownDelivery {
	f.t.Helper()
	var page struct {
		WebhookEvents []struct {
			shownDelivery
			SourceID, JobID, Origin string
		}
	}
	fetch(f.t, f.server.URL+"/webhook-events"+query, &page)
	var all []shownDelivery
	for _, e := range page.WebhookEvents {
		if e.HasSource, e.HasJob = e.SourceID != "", e.JobID != ""; e.Origin == "webhook" {
			all = append(all, e.shownDelivery)
		}
	}
	return all
}

// jobs counts those of a source.
func (f *forge) jobs(source string) int {
	f.t.Helper()
	var page struct{ Jobs []struct{ SourceID string } }
	fetch(f.t, f.server.URL+"/jobs?sourceId="+source, &page)
	return len(page.Jobs)
}

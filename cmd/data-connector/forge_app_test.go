package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/confuse/data-connector/connectors/github/githubtest"
	"github.com/confuse/data-connector/connectors/gitrepo/gittest"
)

// appKey is the private key of an app, as PEM and as it is in there.
func appKey(t *testing.T) (text string, der []byte) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der = x509.MarshalPKCS1PrivateKey(key)
	return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: der})), der
}

// What is told of an installation of a GitHub App reaches its sources: repositories
// that were added and removed are looked at, and a suspended installation is a
// credential that has expired, until another one is given.
func TestForgeApp(t *testing.T) {
	t.Parallel()

	private, der := appKey(t)
	f := newForge(t, "LOG_LEVEL=debug")
	f.repo.Commit("main", gittest.Put("a", "a"))
	f.serve()
	app := map[string]any{"privateKey": private, "appId": "123", "installationId": "957387"}
	source, _ := f.beginWith(nil, app)
	events := follow(t, f.env, source)
	events.change(t, "sync_completed")
	told := func(event, action, list string) string {
		body := payload{"action": action, "installation": payload{"id": 957387, "html_url": f.api.URL + "/settings/installations/957387"}}
		if list != "" {
			body[list] = []payload{{"id": f.api.ID(), "full_name": "octo/hello"}, {"id": 186853007, "full_name": "octo/other"}}
		}
		return f.deliver(event, body)
	}
	for _, tt := range [][3]string{{"installation", "created", "repositories"}, {"installation_repositories", "added", "repositories_added"}} {
		id := told(tt[0], tt[1], tt[2])
		events.until(t, tt[1], func(e followed) bool { return e.Data.Hint != nil && e.Data.Hint.DeliveryID == id })
		events.change(t, "sync_completed")
	}
	f.api.Fail(githubtest.Fault{Match: "access_tokens", Status: http.StatusForbidden})
	told("installation", "suspend", "")
	told("installation_repositories", "removed", "repositories_removed")
	failed, _ := events.change(t, "sync_failed")
	if expired, _ := events.change(t, "credential_expired"); failed.Data.Code != "unauthorized" {
		t.Errorf("got %+v, %+v", failed.Data, expired.Data)
	}
	f.api.Mend()
	if status, answer := f.post("/sources/"+source+"/credential", app); status >= 300 {
		t.Fatalf("the app once more: got %d %s", status, answer)
	}
	events.change(t, "sync_completed")
	f.get("/sources/" + source)
	canaries := []string{forgeSecret, private, strings.Split(private, "\n")[1], string(der)}
	for n := range f.api.Minted() { // they begin alike and end alike
		canaries = append(canaries, fmt.Sprintf("ghs_%d_%s", n+1, strings.Repeat("x", 500)))
	}
	if len(canaries) < 5 {
		t.Error("got no token of an installation")
	}
	f.checkCanaries("alive", f.server.log(), canaries...)
	f.server.stop(t)
}

// A source says within moments that the installation which opens it is suspended, and
// goes on when it no longer is, with nobody attaching anything: both by a delivery that
// names no repository, for no poll comes in time. So does one with the key of its own
// app, which waits meanwhile, and one that the operator's app opens, which has failed.
func TestForgeAppSuspended(t *testing.T) {
	t.Parallel()

	private, _ := appKey(t)
	const id = "957387"
	for name, tt := range map[string]struct {
		options, credential map[string]any
		refused             string // how the source is then
		last                string // the event that says so
	}{
		"its own app":        {nil, map[string]any{"privateKey": private, "appId": "123", "installationId": id}, "disconnected", "credential_expired"},
		"the operator's app": {map[string]any{"installationId": id}, nil, "failed", "sync_failed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			f := newForge(t, "POLL_INTERVAL=8h", "GITHUB_APP_ID=123", "GITHUB_PRIVATE_KEY="+private)
			f.env = with(f.env, "GITHUB_APP_URL="+f.api.URL)
			f.repo.Commit("main", gittest.Put("a", "a"))
			f.serve()
			source, _ := f.beginWith(tt.options, tt.credential)
			events := follow(t, f.env, source)
			events.change(t, "sync_completed")
			told := func(action string) {
				t.Helper()
				delivery := f.deliver("installation", payload{"action": action, "installation": payload{"id": 957387, "html_url": f.api.URL + "/settings/installations/" + id}})
				events.until(t, action, func(e followed) bool { return e.Data.Hint != nil && e.Data.Hint.DeliveryID == delivery })
			}
			status := func(position string) (reply struct {
				Status    string
				LastError struct{ Code, Message string }
			}) {
				t.Helper()
				fetchAt(t, f.server.URL+"/sources/"+source, position, &reply)
				return reply
			}
			f.api.Suspend(true)
			told("suspend")
			said, _ := events.change(t, tt.last)
			if got := status(said.Position); got.Status != tt.refused || got.LastError.Code != "unauthorized" || !strings.Contains(got.LastError.Message, "suspended") {
				t.Errorf("suspended: got %+v, want %s", got, tt.refused)
			}
			f.repo.Commit("main", gittest.Put("b", "b"))
			f.api.Suspend(false)
			told("unsuspend")
			added, _ := events.until(t, "the file", func(e followed) bool { return e.Data.Path == "b" })
			done, _ := events.change(t, "sync_completed")
			if got := status(done.Position); added.Data.Change != "added" || got.Status != "synced" {
				t.Errorf("no longer suspended: got %+v, %+v", added, got)
			}
			f.server.stop(t)
		})
	}
}

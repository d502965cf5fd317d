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

// What is told of an installation of a GitHub App reaches its sources: repositories
// that were added and removed are looked at, and a suspended installation is a
// credential that has expired, until another one is given.
func TestForgeApp(t *testing.T) {
	t.Parallel()

	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der := x509.MarshalPKCS1PrivateKey(key)
	private := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: der}))
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
	told("installation", "suspend", "") // names no repository: the next look finds it out
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

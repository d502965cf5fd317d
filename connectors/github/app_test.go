package github_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/confuse/data-connector/connectors/connectortest"
	"github.com/confuse/data-connector/connectors/github"
	"github.com/confuse/data-connector/connectors/gitrepo/forge/forgetest"
	"github.com/confuse/data-connector/connectors/gitrepo/gittest"
	"github.com/confuse/data-connector/connectors/rest"
	"github.com/confuse/data-connector/domain"
)

// ownApp opens a source with an app's own key.
func ownApp(key domain.Secret) func(context.Context) (domain.Credential, error) {
	return forgetest.With(domain.Credential{
		Kind: domain.CredentialApp, Secret: key, Settings: map[string]string{"app_id": "12", "installation_id": "34"},
	})
}

func privateKey(t *testing.T) domain.Secret {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return domain.Secret(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
}

// TestApp: an installation token is made once, used for the API and for git, and
// made anew shortly before its end. It has more than 500 characters.
func TestApp(t *testing.T) {
	t.Parallel()

	key := privateKey(t)
	w := newWorld(t, map[string]any{"indexIssues": true})
	w.Repo.Commit("main", gittest.Put("README.md", "hello"))
	w.api.Issue(1, "One", "")
	w.Scope.Credential = ownApp(key)
	for range 2 {
		if l := w.Listed(); len(l.Items) != 2 {
			t.Errorf("got %q", l.Paths())
		}
	}
	if got := w.api.Minted(); got != 1 {
		t.Errorf("got %d tokens made, want one", got)
	}
	w.clock.Turn(56 * time.Minute) // the token ends at one o'clock
	w.Listed()
	if got := w.api.Minted(); got != 2 {
		t.Errorf("got %d tokens made, want another one before the end of the first", got)
	}
	w.Scope.Credential = ownApp("no key")
	if _, err := w.List(); !errors.Is(err, domain.ErrUnauthorized) {
		t.Errorf("got %v for a key that is none, want ErrUnauthorized", err)
	}
	w.Scope.Credential = forgetest.With(domain.Credential{Kind: domain.CredentialApp, Secret: key})
	if _, err := w.List(); !errors.Is(err, domain.ErrUnauthorized) {
		t.Errorf("got %v without an installation, want ErrUnauthorized", err)
	}
}

// TestOwnApp: the operator's app opens a source that names an installation and has
// no credential, at its own server alone: another one, which anybody may name, gets
// nothing that the app has signed.
func TestOwnApp(t *testing.T) {
	t.Parallel()

	w := newWorld(t, map[string]any{"installationId": "34"})
	w.Repo.Commit("main", gittest.Put("README.md", "hello"))
	w.Scope.Credential = nil
	var invalid *domain.InvalidError
	if _, err := w.Conn.Validate(t.Context(), w.Scope); !errors.As(err, &invalid) || invalid.Field != "config.installationId" {
		t.Errorf("got %v without an app, want an InvalidError", err)
	}
	key := privateKey(t)
	for _, elsewhere := range []string{"", "https://git.example.com", w.api.URL + "/github", "not a URL"} {
		w.Conn = newConnector(t, w.clock, func(o *github.Options) { o.AppID, o.Key, o.AppURL = "12", key, elsewhere })
		if _, err := w.Conn.Validate(t.Context(), w.Scope); !errors.As(err, &invalid) || invalid.Field != "config.installationId" {
			t.Errorf("got %v with an app at %q, want an InvalidError", err, elsewhere)
		}
	}
	if calls := w.api.Calls(); len(calls) > 0 {
		t.Errorf("got calls %+v to a server that the app is not of", calls)
	}
	w.Conn = newConnector(t, w.clock, func(o *github.Options) { o.AppID, o.Key, o.AppURL = "12", key, w.api.URL+"/" })
	if l := w.Listed(); len(l.Items) != 1 || w.api.Minted() != 1 {
		t.Errorf("got %q with %d tokens", l.Paths(), w.api.Minted())
	}
}

// TestOwnAppStaysAtHome: no way to write an address makes another server, or another
// port or folder of it, that of the operator's app; none of them is spoken to.
func TestOwnAppStaysAtHome(t *testing.T) {
	t.Parallel()

	key := privateKey(t)
	for home, others := range map[string][]string{
		"": {"https://github.com", "https://github.com.", "https://api.github.com", "https://www.github.com", "https://github.com.evil.example.com", "https://github.com@evil.example.com", "https://g\u0131thub.com", "https://evil.example.com/github.com"},
		"https://git.example.com": {
			"", "http://git.example.com", "https://git.example.com.", "https://git.example.com:443", "https://git.example.com:8443", "https://api.git.example.com", "https://uploads.git.example.com",
			"https://git.example.com/evil", "https://git.example.com/api/v3/api/v3", "https://git.example.com@evil.example.com", "https://evil@git.example.com",
			"https://g\u0131t.example.com", "https://xn--gt-1ma.example.com", "https://git.example.com.evil.example.com", "https://evil.example.com#git.example.com", "https://evil.example.com?git.example.com",
			"//git.example.com", "https:git.example.com", "https://git.example.com%00.evil.example.com", "https://git.example.com\\@evil.example.com",
		},
		"https://github.com": {"", "https://github.com"}, // not the way to name it: refused, also at home
	} {
		for _, other := range others {
			called := false
			c := newConnector(t, connectortest.NewClock(noon), func(o *github.Options) {
				o.AppID, o.Key, o.AppURL = "12", key, home
				o.REST.Observe = func(rest.Call) { called = true }
			})
			config, err := json.Marshal(map[string]any{"owner": "octo", "repo": "hello", "baseUrl": other, "installationId": "34"})
			if err != nil {
				t.Fatal(err)
			}
			var invalid *domain.InvalidError
			if _, err := c.Validate(t.Context(), domain.Scope{Config: config}); !errors.As(err, &invalid) || called {
				t.Errorf("app of %q, source at %q: got %v, called %v; want an InvalidError and no call", home, other, err, called)
			}
		}
	}
}

// TestOwnAppFollowsNoRedirect: where the server of the operator's app leads elsewhere,
// nothing follows, neither what the app has signed nor a token of an installation.
func TestOwnAppFollowsNoRedirect(t *testing.T) {
	t.Parallel()

	var met atomic.Int64
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { met.Add(1) }))
	t.Cleanup(elsewhere.Close)
	for _, path := range []string{"/access_tokens", "/repos/", ".git"} {
		for _, status := range []int{http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect} {
			w := newWorld(t, map[string]any{"installationId": "34"})
			w.Repo.Commit("main", gittest.Put("README.md", "hello"))
			home := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				if strings.Contains(r.URL.Path, path) {
					http.Redirect(rw, r, elsewhere.URL+r.URL.Path, status)
					return
				}
				w.api.ServeHTTP(rw, r)
			}))
			t.Cleanup(home.Close)
			w.Source(map[string]any{"owner": "octo", "repo": "hello", "baseUrl": home.URL}, map[string]any{"installationId": "34"}, "")
			w.Scope.Credential = nil
			w.Conn = newConnector(t, w.clock, func(o *github.Options) { o.AppID, o.Key, o.AppURL = "12", privateKey(t), home.URL })
			if _, err := w.List(); err == nil || met.Load() > 0 {
				t.Errorf("%s, %d: got %v and %d calls elsewhere, want an error and none", path, status, err, met.Load())
			}
		}
	}
}

// TestClosed: an installation that was removed or suspended is a credential that is
// refused, and no repository that is gone, nor a change to look at; one whose tokens
// were revoked is open.
func TestClosed(t *testing.T) {
	t.Parallel()

	w := newWorld(t, nil)
	w.Repo.Commit("main", gittest.Put("README.md", "hello"))
	w.Scope.Credential = ownApp(privateKey(t))
	from := w.Start()
	for _, status := range []int{http.StatusNotFound, http.StatusForbidden} {
		w.api.Fail(forgetest.Fault{Match: "access_tokens", Status: status})
		w.clock.Turn(2 * time.Hour) // no token is left
		changed, err := w.Conn.(domain.Prober).Changed(t.Context(), w.Scope, from)
		_, invalid := w.Conn.Validate(t.Context(), w.Scope)
		for _, err := range []error{err, invalid} {
			if changed || !errors.Is(err, domain.ErrUnauthorized) || errors.Is(err, domain.ErrGone) {
				t.Errorf("status %d: got %v, %v, want ErrUnauthorized", status, changed, err)
			}
		}
		w.api.Mend()
	}
	w.Listed()
	w.api.Revoke()
	if _, err := w.Conn.Validate(t.Context(), w.Scope); err != nil {
		t.Errorf("got %v with a token that was revoked, want another one", err)
	}
}

// TestSuspended: a suspended installation is known by the next run, also while a token
// of it is at hand that has not ended; and so is its end, whatever became of the token.
func TestSuspended(t *testing.T) {
	t.Parallel()

	w := newWorld(t, nil)
	w.Repo.Commit("main", gittest.Put("README.md", "hello"))
	w.Scope.Credential = ownApp(privateKey(t))
	w.Listed()
	w.api.Suspend(true)
	for range 2 {
		if _, err := w.List(); !errors.Is(err, domain.ErrUnauthorized) || !strings.Contains(err.Error(), "suspended") {
			t.Errorf("got %v of a suspended installation, want ErrUnauthorized that says so", err)
		}
	}
	w.api.Suspend(false)
	if l := w.Listed(); len(l.Items) != 1 || w.api.Minted() != 2 {
		t.Errorf("got %q with %d tokens, want a second one", l.Paths(), w.api.Minted())
	}
	w.api.Revoke()
	if l := w.Listed(); len(l.Items) != 1 || w.api.Minted() != 3 {
		t.Errorf("got %q with %d tokens, want a third one for the one that was revoked", l.Paths(), w.api.Minted())
	}
	w.api.Fail(forgetest.Fault{Match: "/repositories/", Status: http.StatusForbidden})
	w.api.Calls()
	if _, err := w.List(); !errors.Is(err, domain.ErrForbidden) || w.api.Minted() != 4 || len(w.api.Calls()) != 3 {
		t.Errorf("got %v with %d tokens, want ErrForbidden of a repository that another token does not open either", err, w.api.Minted())
	}
	w.api.Mend()
	w.api.Fail(forgetest.Fault{Match: "access_tokens", Status: http.StatusNotFound})
	w.api.Revoke()
	if _, err := w.List(); !errors.Is(err, domain.ErrUnauthorized) || !strings.Contains(err.Error(), "not there any more") {
		t.Errorf("got %v of an installation that was removed, want ErrUnauthorized that says so", err)
	}
}

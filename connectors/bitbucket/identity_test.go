package bitbucket_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/confuse/data-connector/connectors/bitbucket/bitbuckettest"
	"github.com/confuse/data-connector/connectors/connectortest"
	"github.com/confuse/data-connector/connectors/gitrepo/forge/forgetest"
	"github.com/confuse/data-connector/connectors/gitrepo/gittest"
	"github.com/confuse/data-connector/domain"
)

func TestValidate(t *testing.T) {
	t.Parallel()

	both(t, func(t *testing.T, newWorld func(*testing.T, map[string]any) *world) {
		w := newWorld(t, nil)
		w.Validated(map[string]forgetest.Asked{
			"dots":         {Change: map[string]any{"repo": ".."}, Field: "config.repo"},
			"two owners":   {Change: map[string]any{"owner": "a", "workspace": "b"}, Field: "config.workspace"},
			"a wrong type": {Change: map[string]any{"indexPRs": "yes"}, Field: "config"},
			"issues":       {Change: map[string]any{"indexIssues": true}, Field: "config.indexIssues"},
			"a wiki":       {Change: map[string]any{"indexWiki": true}, Field: "config.indexWiki"},
			"Cloud":        {Change: map[string]any{"baseUrl": "https://api.bitbucket.org"}, Field: "config.baseUrl"},
		}, func(id domain.Identity) bool {
			return strings.HasSuffix(id.ExternalKey, "/"+w.api.ID()) && strings.HasSuffix(id.Name, "/hello")
		})
	})
}

// TestCredentials: each kind of credential opens API and git, under the user name
// that git is to show; what cannot work is refused as unauthorized.
func TestCredentials(t *testing.T) {
	t.Parallel()

	for name, tt := range map[string]struct {
		edition    string
		credential domain.Credential
		ok         bool
	}{
		"access token":         {"cloud", domain.Credential{Kind: domain.CredentialToken, Secret: token}, true},
		"API token":            {"cloud", domain.Credential{Kind: domain.CredentialBasic, Username: "me@example.com", Secret: token}, true},
		"app password":         {"cloud", domain.Credential{Kind: domain.CredentialBasic, Username: "me", Secret: "ATBBxyz"}, false},
		"an app":               {"cloud", domain.Credential{Kind: domain.CredentialApp, Secret: token}, false},
		"another token":        {"cloud", domain.Credential{Kind: domain.CredentialToken, Secret: "other"}, false},
		"HTTP access token":    {"data center", domain.Credential{Kind: domain.CredentialToken, Secret: token}, true},
		"user and password":    {"data center", domain.Credential{Kind: domain.CredentialBasic, Username: "me", Secret: token}, true},
		"user, wrong password": {"data center", domain.Credential{Kind: domain.CredentialBasic, Username: "me", Secret: "other"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			w := editions[tt.edition](t, nil)
			w.Repo.Commit("main", gittest.Put("README.md", "hello"))
			w.api.User = tt.credential.Username
			w.Scope.Credential = forgetest.With(tt.credential)
			l, err := w.List()
			switch {
			case tt.ok && (err != nil || len(l.Items) != 1):
				t.Errorf("got %q, %v", l.Paths(), err)
			case !tt.ok && !errors.Is(err, domain.ErrUnauthorized):
				t.Errorf("got %v, want ErrUnauthorized", err)
			case err != nil && strings.Contains(err.Error(), string(tt.credential.Secret)):
				t.Errorf("got the secret in %q", err)
			}
		})
	}
}

// TestRenamed: a repository that was renamed or moved is the same source.
func TestRenamed(t *testing.T) {
	t.Parallel()

	for name, tt := range map[string]struct{ owner, moved, other string }{
		"cloud":       {"team", "other/renamed", "{00000000-3421-46c9-9d48-90745f7bfe8e}"},
		"data center": {"PROJ", "scm/other/renamed", "99"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			w := editions[name](t, withPulls)
			w.api.Pull(1, "One", "")
			w.Renamed(tt.moved, func() { w.api.Rename("other", "renamed") }, func() {
				w.api.Rename(tt.owner, "hello")
				w.api.Replace(tt.other)
			})
		})
	}
}

// TestBranch: another branch is the difference to it.
func TestBranch(t *testing.T) {
	t.Parallel()

	both(t, func(t *testing.T, newWorld func(*testing.T, map[string]any) *world) { newWorld(t, nil).Branched() })
}

// TestState: what the provider says of the repository; Cloud archives none.
func TestState(t *testing.T) {
	t.Parallel()

	cloud := newCloud(t, nil)
	cloud.Stated(func() { cloud.clock.Turn(time.Hour) }, map[domain.ObjectState]func(){
		{Visibility: "public"}:  func() { cloud.api.Repository(bitbuckettest.Object{"is_private": false}) },
		{Visibility: "private"}: func() { cloud.api.Repository(bitbuckettest.Object{"is_private": true}) },
	})
	own := newServer(t, nil)
	own.Stated(func() { own.clock.Turn(time.Hour) }, map[domain.ObjectState]func(){
		{Visibility: "public"}:                  func() { own.api.Repository(bitbuckettest.Object{"public": true, "archived": false}) },
		{Visibility: "private", Archived: true}: func() { own.api.Repository(bitbuckettest.Object{"public": false, "archived": true}) },
	})
}

// TestGone: 404 means gone only with a credential that works, and one that works
// but may not see the repository is told from one that is dead.
func TestGone(t *testing.T) {
	t.Parallel()

	both(t, func(t *testing.T, newWorld func(*testing.T, map[string]any) *world) {
		w := newWorld(t, nil)
		w.Lost(token, w.api.Vanish)
		w.api.Fail(bitbuckettest.Fault{Match: "/hello?", Status: 404})
		w.api.Fail(bitbuckettest.Fault{Match: "{}/", Status: 404})
		w.api.Fail(bitbuckettest.Fault{Match: "/repos?", Status: 502})
		w.api.Fail(bitbuckettest.Fault{Match: "/user?", Status: 502})
		if _, err := w.List(); !errors.Is(err, domain.ErrTransient) || errors.Is(err, domain.ErrGone) {
			t.Errorf("got %v with nothing to confirm it by, want ErrTransient alone", err)
		}
		w.api.Mend()
		w.api.Deny(true)
		if _, err := w.List(); errors.Is(err, domain.ErrUnauthorized) || !errors.Is(err, domain.ErrForbidden) && !errors.Is(err, domain.ErrGone) {
			t.Errorf("got %v without access, want ErrForbidden or ErrGone", err)
		}
		w.api.Deny(false)
		if l := w.Listed(); len(l.Items) != 1 {
			t.Errorf("got %q", l.Paths())
		}
	})
}

func TestHooks(t *testing.T) {
	t.Parallel()

	both(t, func(t *testing.T, newWorld func(*testing.T, map[string]any) *world) {
		w := newWorld(t, nil)
		w.Repo.Commit("main", gittest.Put("README.md", "hello"))
		const at = "https://data.example.com/webhooks/bitbucket/key"
		made := w.Ensure(domain.Hook{URL: at, Secret: "one"})
		adopted := w.Ensure(domain.Hook{URL: at, Secret: "two"}) // who made it died before keeping its id
		moved := w.Ensure(domain.Hook{ID: made.ID, URL: at + "2", Secret: "three"})
		if made.ID == "" || adopted.ID != made.ID || moved.ID != made.ID || len(w.api.Hooks()) != 1 {
			t.Errorf("got hooks %q, %q, %q, %d in all, want one", made.ID, adopted.ID, moved.ID, len(w.api.Hooks()))
		}
		for _, h := range w.api.Hooks() {
			secret := h["secret"]
			if c, ok := h["configuration"].(map[string]any); ok {
				secret = c["secret"]
			}
			if h["url"] != at+"2" || secret != "three" || h["active"] != true {
				t.Errorf("got %v", h)
			}
			events := fmt.Sprint(h["events"])
			forgetest.Contains(t, events, "repo:")
			if strings.Contains(events, "pr:") || strings.Contains(events, "pullrequest:") {
				t.Errorf("got events %s, which the source does not read", events)
			}
		}
		w.api.Fail(bitbuckettest.Fault{Match: "hooks", Status: map[bool]int{true: 401, false: 403}[strings.Contains(string(w.Scope.Config), "baseUrl")]})
		if _, err := w.Conn.EnsureHook(t.Context(), w.Scope, domain.Hook{URL: at, Secret: "x"}); !errors.Is(err, domain.ErrForbidden) || errors.Is(err, domain.ErrUnauthorized) {
			t.Errorf("got %v from whoever may not administer it, want ErrForbidden", err)
		}
		w.api.Mend()
		for range 2 {
			if err := w.Conn.RemoveHook(t.Context(), w.Scope, made.ID); err != nil {
				t.Error(err)
			}
		}
		if n := len(w.api.Hooks()); n != 0 {
			t.Errorf("got %d hooks after their removal", n)
		}
		if _, err := w.Conn.EnsureHook(t.Context(), w.Scope, domain.Hook{URL: at}); err == nil {
			t.Error("got no error for a hook without a secret")
		}
	})
}

// TestDescribe: the options are those of the documentation.
func TestDescribe(t *testing.T) {
	t.Parallel()

	forgetest.Documented(t, newConnector(t, connectortest.NewClock(noon)).Describe())
}

// TestUndelivered: a delivery of Data Center that failed is told of once, unless a
// later one arrived; Cloud is not asked.
func TestUndelivered(t *testing.T) {
	t.Parallel()

	both(t, func(t *testing.T, newWorld func(*testing.T, map[string]any) *world) {
		w := newWorld(t, nil)
		w.Repo.Commit("main", gittest.Put("README.md", "hello"))
		hook := w.Ensure(domain.Hook{URL: "https://data.example.com/hook", Secret: "s"})
		_, cloud := w.api.Hooks()[hook.ID]["uuid"]
		log, _ := w.Conn.(domain.DeliveryLog)
		after := ""
		for i, step := range []struct {
			sent []string
			want bool
		}{
			{nil, false}, {[]string{"SUCCESS"}, false}, {[]string{"FAILURE"}, true}, {nil, false}, {[]string{"ERROR"}, true}, {[]string{"FAILURE", "SUCCESS"}, false},
		} {
			for _, outcome := range step.sent {
				w.api.Sent(outcome)
			}
			failed, next, err := log.Undelivered(t.Context(), w.Scope, hook.ID, after)
			if err != nil || failed != (step.want && !cloud) {
				t.Errorf("%d: got %v, %v, want %v", i, failed, err, step.want)
			}
			after = next
		}
		if _, next, err := log.Undelivered(t.Context(), w.Scope, "4711", after); !cloud && (!errors.Is(err, domain.ErrForbidden) || next != after) {
			t.Errorf("got %q, %v from whoever may not see webhooks, want ErrForbidden and the place", next, err)
		}
	})
}

// TestPlace: Cloud has its API at another host, a Data Center below a folder.
func TestPlace(t *testing.T) {
	t.Parallel()

	forgetest.Placed(t, newConnector(t, connectortest.NewClock(noon)).Place, map[string][]string{
		"":                                   {"https://bitbucket.org", "https://api.bitbucket.org/2.0/"},
		"https://git.example.com/bitbucket/": {"https://git.example.com/bitbucket", "https://git.example.com/bitbucket/rest/api/latest/"},
		"https://bitbucket.org":              nil,
		"https://git.example.com?x=y":        nil,
	})
}

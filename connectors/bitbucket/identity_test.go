package bitbucket_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/confuse/data-connector/connectors/bitbucket/bitbuckettest"
	"github.com/confuse/data-connector/connectors/connectortest"
	"github.com/confuse/data-connector/connectors/gitrepo/gittest"
	"github.com/confuse/data-connector/domain"
)

func TestValidate(t *testing.T) {
	t.Parallel()

	both(t, func(t *testing.T, newWorld func(*testing.T, map[string]any) *world) {
		w := newWorld(t, nil)
		w.repo.Commit("main", gittest.Put("README.md", "hello"))
		for name, tt := range map[string]struct {
			change map[string]any
			field  string // of an InvalidError; empty: none
			err    error
		}{
			"as it is":         {},
			"with .git":        {change: map[string]any{"repo": "hello.git"}},
			"a branch":         {change: map[string]any{"branch": "main"}},
			"no such branch":   {change: map[string]any{"branch": "none"}, field: "config.branch"},
			"an option of git": {change: map[string]any{"branch": "--upload-pack=x"}, field: "config.branch"},
			"a path":           {change: map[string]any{"repo": "../x"}, field: "config.repo"},
			"dots":             {change: map[string]any{"repo": ".."}, field: "config.repo"},
			"two owners":       {change: map[string]any{"owner": "a", "workspace": "b"}, field: "config.workspace"},
			"a wrong type":     {change: map[string]any{"indexPRs": "yes"}, field: "config"},
			"issues":           {change: map[string]any{"indexIssues": true}, field: "config.indexIssues"},
			"a wiki":           {change: map[string]any{"indexWiki": true}, field: "config.indexWiki"},
			"Cloud":            {change: map[string]any{"baseUrl": "https://api.bitbucket.org"}, field: "config.baseUrl"},
			"a user in a URL":  {change: map[string]any{"baseUrl": "https://u:p@example.com"}, field: "config.baseUrl"},
			"a private server": {change: map[string]any{"baseUrl": "https://10.0.0.1"}, field: "config.baseUrl"},
			"metadata service": {change: map[string]any{"baseUrl": "http://169.254.169.254"}, field: "config.baseUrl"},
			"no such thing":    {change: map[string]any{"repo": "none"}, err: domain.ErrGone},
		} {
			id, err := w.conn.Validate(t.Context(), w.asking(tt.change))
			var invalid *domain.InvalidError
			switch {
			case tt.field != "":
				if !errors.As(err, &invalid) || invalid.Field != tt.field {
					t.Errorf("%s: got %v, want an InvalidError of %s", name, err, tt.field)
				}
			case !errors.Is(err, tt.err):
				t.Errorf("%s: got %v, want %v", name, err, tt.err)
			case err == nil && (!strings.HasSuffix(id.ExternalKey, "/"+w.api.ID()) || !strings.HasSuffix(id.Name, "/hello") || id.URL == ""):
				t.Errorf("%s: got %+v", name, id)
			}
		}
	})
}

// asking is the scope with other options and an empty cache.
func (w *world) asking(change map[string]any) domain.Scope {
	config := map[string]any{}
	if err := json.Unmarshal(w.scope.Config, &config); err != nil {
		w.t.Fatal(err)
	}
	maps.Copy(config, change)
	s := w.scope
	s.Config, s.Cache = asJSON(w.t, config), w.t.TempDir()
	return s
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
			w.repo.Commit("main", gittest.Put("README.md", "hello"))
			w.api.User = tt.credential.Username
			w.scope.Credential = with(tt.credential)
			l, err := w.list()
			switch {
			case tt.ok && (err != nil || len(l.items) != 1):
				t.Errorf("got %q, %v", l.paths(), err)
			case !tt.ok && !errors.Is(err, domain.ErrUnauthorized):
				t.Errorf("got %v, want ErrUnauthorized", err)
			case err != nil && strings.Contains(err.Error(), string(tt.credential.Secret)):
				t.Errorf("got the secret in %q", err)
			}
		})
	}
}

// TestRenamed: a repository that was renamed or moved is the same source, with not
// one item changed, and another one under its old name is not it.
func TestRenamed(t *testing.T) {
	t.Parallel()

	both(t, func(t *testing.T, newWorld func(*testing.T, map[string]any) *world) {
		w := newWorld(t, withPulls)
		w.repo.Commit("main", gittest.Put("README.md", "hello"))
		w.api.Pull(1, "One", "")
		before, err := w.conn.Validate(t.Context(), w.scope)
		if err != nil {
			t.Fatal(err)
		}
		from, old, id := w.start(), w.listed(), w.api.ID()
		owner, name, _ := strings.Cut(before.Name, "/")
		w.api.Rename("other", "renamed")
		moved := filepath.Join(filepath.Dir(filepath.Dir(w.repo.Dir)), "other", "renamed.git")
		if err := errors.Join(os.Mkdir(filepath.Dir(moved), 0o755), os.Rename(w.repo.Dir, moved)); err != nil {
			t.Fatal(err)
		}
		if !w.changed(from) { // the old name is in the cache: the sync that follows asks by id
			t.Error("got no change of a repository that was renamed")
		}
		w.scope.Cache = t.TempDir() // a worker that has never seen it
		if f := w.follow(from); len(f.items) != 0 {
			t.Errorf("got %q told of a repository that was renamed", f.paths())
		}
		after, err := w.conn.Validate(t.Context(), w.scope)
		if err != nil || after.ExternalKey != before.ExternalKey || after.Name != "other/renamed" {
			t.Errorf("got %+v, %v, before it was %+v", after, err, before)
		}
		if news := w.listed().news(old); len(news) > 0 {
			t.Errorf("got %q changed by a rename", news)
		}
		w.api.Rename(owner, name) // another repository takes the old name
		other := "99"
		if strings.HasPrefix(id, "{") {
			other = "{00000000-3421-46c9-9d48-90745f7bfe8e}"
		}
		w.api.Replace(other)
		if err := w.conn.Changes(t.Context(), w.scope, from, newListing()); !errors.Is(err, domain.ErrGone) {
			t.Errorf("got %v, want ErrGone: the name is another one's", err)
		}
		if _, err := w.list(); !errors.Is(err, domain.ErrGone) {
			t.Errorf("got %v from a listing, want ErrGone", err)
		}
	})
}

// TestGone: 404 means gone only with a credential that works, and one that works
// but may not see the repository is told from one that is dead.
func TestGone(t *testing.T) {
	t.Parallel()

	both(t, func(t *testing.T, newWorld func(*testing.T, map[string]any) *world) {
		w := newWorld(t, nil)
		w.repo.Commit("main", gittest.Put("README.md", "hello"))
		w.listed()
		w.api.Vanish(true)
		if _, err := w.list(); !errors.Is(err, domain.ErrGone) {
			t.Errorf("got %v, want ErrGone", err)
		}
		w.scope.Credential = with(domain.Credential{Kind: domain.CredentialToken, Secret: "expired"})
		if _, err := w.list(); !errors.Is(err, domain.ErrUnauthorized) || errors.Is(err, domain.ErrGone) {
			t.Errorf("got %v with a token that is dead, want ErrUnauthorized alone", err)
		}
		w.api.Vanish(false)
		w.scope.Credential = with(domain.Credential{Kind: domain.CredentialToken, Secret: token})
		w.api.Fail(bitbuckettest.Fault{Match: "/hello?", Status: 404})
		w.api.Fail(bitbuckettest.Fault{Match: "{}/", Status: 404})
		w.api.Fail(bitbuckettest.Fault{Match: "/repos?", Status: 502})
		w.api.Fail(bitbuckettest.Fault{Match: "/user?", Status: 502})
		if _, err := w.list(); !errors.Is(err, domain.ErrTransient) || errors.Is(err, domain.ErrGone) {
			t.Errorf("got %v with nothing to confirm it by, want ErrTransient alone", err)
		}
		w.api.Mend()
		w.api.Deny(true)
		if _, err := w.list(); errors.Is(err, domain.ErrUnauthorized) || !errors.Is(err, domain.ErrForbidden) && !errors.Is(err, domain.ErrGone) {
			t.Errorf("got %v without access, want ErrForbidden or ErrGone", err)
		}
		w.api.Deny(false)
		if l := w.listed(); len(l.items) != 1 {
			t.Errorf("got %q", l.paths())
		}
	})
}

func TestHooks(t *testing.T) {
	t.Parallel()

	both(t, func(t *testing.T, newWorld func(*testing.T, map[string]any) *world) {
		w := newWorld(t, nil)
		w.repo.Commit("main", gittest.Put("README.md", "hello"))
		ensure := func(want domain.Hook) domain.Hook {
			t.Helper()
			h, err := w.conn.EnsureHook(t.Context(), w.scope, want)
			if err != nil {
				t.Fatal(err)
			}
			return h
		}
		const at = "https://data.example.com/webhooks/bitbucket/key"
		made := ensure(domain.Hook{URL: at, Secret: "one"})
		adopted := ensure(domain.Hook{URL: at, Secret: "two"}) // who made it died before keeping its id
		moved := ensure(domain.Hook{ID: made.ID, URL: at + "2", Secret: "three"})
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
			contains(t, events, "repo:")
			if strings.Contains(events, "pr:") || strings.Contains(events, "pullrequest:") {
				t.Errorf("got events %s, which the source does not read", events)
			}
		}
		w.api.Fail(bitbuckettest.Fault{Match: "hooks", Status: map[bool]int{true: 401, false: 403}[strings.Contains(string(w.scope.Config), "baseUrl")]})
		if _, err := w.conn.EnsureHook(t.Context(), w.scope, domain.Hook{URL: at, Secret: "x"}); !errors.Is(err, domain.ErrForbidden) || errors.Is(err, domain.ErrUnauthorized) {
			t.Errorf("got %v from whoever may not administer it, want ErrForbidden", err)
		}
		w.api.Mend()
		for range 2 {
			if err := w.conn.RemoveHook(t.Context(), w.scope, made.ID); err != nil {
				t.Error(err)
			}
		}
		if n := len(w.api.Hooks()); n != 0 {
			t.Errorf("got %d hooks after their removal", n)
		}
		if _, err := w.conn.EnsureHook(t.Context(), w.scope, domain.Hook{URL: at}); err == nil {
			t.Error("got no error for a hook without a secret")
		}
	})
}

// TestDescribe: the options are those of the documentation.
func TestDescribe(t *testing.T) {
	t.Parallel()

	text, err := os.ReadFile("../../docs/connectors.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## bitbucket\n")
	var missing []string
	for _, o := range newConnector(t, connectortest.NewClock(noon)).Describe().Options {
		if !strings.Contains(section, "`"+o.Name+"`") {
			missing = append(missing, o.Name)
		}
	}
	if len(missing) > 0 {
		t.Errorf("options %s are not documented", slices.Sorted(slices.Values(missing)))
	}
}

package gitlab_test

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/confuse/data-connector/connectors/connectortest"
	"github.com/confuse/data-connector/connectors/gitlab/gitlabtest"
	"github.com/confuse/data-connector/connectors/gitrepo/forge/forgetest"
	"github.com/confuse/data-connector/connectors/gitrepo/gittest"
	"github.com/confuse/data-connector/domain"
)

func TestValidate(t *testing.T) {
	t.Parallel()

	w := newWorld(t, nil)
	w.repo.Commit("main", gittest.Put("README.md", "hello"))
	base := map[string]any{"owner": "group/sub", "repo": "hello", "baseUrl": w.api.URL}
	for name, tt := range map[string]struct {
		change map[string]any
		field  string // of an InvalidError; empty: none
		err    error
	}{
		"as it is":         {},
		"with .git":        {change: map[string]any{"repo": "hello.git"}},
		"by its id":        {change: map[string]any{"projectId": "278964", "owner": nil, "repo": nil}},
		"by its path":      {change: map[string]any{"project": "group/sub/hello", "owner": nil, "repo": nil}},
		"path as id":       {change: map[string]any{"projectId": "/group/sub/hello.git"}},
		"with the API":     {change: map[string]any{"baseUrl": w.api.URL + "/api/v4"}},
		"a branch":         {change: map[string]any{"branch": "main"}},
		"no such branch":   {change: map[string]any{"branch": "none"}, field: "config.branch"},
		"an option of git": {change: map[string]any{"branch": "--upload-pack=x"}, field: "config.branch"},
		"dots":             {change: map[string]any{"repo": "../x"}, field: "config.repo"},
		"a query":          {change: map[string]any{"project": "group/hello?x", "owner": nil}, field: "config.project"},
		"no group":         {change: map[string]any{"project": "hello"}, field: "config.project"},
		"nothing":          {change: map[string]any{"owner": nil, "repo": nil}, field: "config.projectId"},
		"a wrong type":     {change: map[string]any{"indexMRs": "yes"}, field: "config"},
		"a user in a URL":  {change: map[string]any{"baseUrl": "https://u:p@example.com"}, field: "config.baseUrl"},
		"a private server": {change: map[string]any{"baseUrl": "https://10.0.0.1"}, field: "config.baseUrl"},
		"metadata service": {change: map[string]any{"baseUrl": "http://169.254.169.254"}, field: "config.baseUrl"},
		"no such thing":    {change: map[string]any{"repo": "none"}, err: domain.ErrGone},
	} {
		config := maps.Clone(base)
		maps.Copy(config, tt.change)
		s := w.scope
		s.Config, s.Cache = asJSON(t, config), t.TempDir()
		id, err := w.conn.Validate(t.Context(), s)
		var invalid *domain.InvalidError
		switch {
		case tt.field != "":
			if !errors.As(err, &invalid) || invalid.Field != tt.field {
				t.Errorf("%s: got %v, want an InvalidError of %s", name, err, tt.field)
			}
		case !errors.Is(err, tt.err):
			t.Errorf("%s: got %v, want %v", name, err, tt.err)
		case err == nil && (!strings.HasSuffix(id.ExternalKey, fmt.Sprintf("/%d", w.api.ID())) || id.Name != "group/sub/hello" || id.URL == ""):
			t.Errorf("%s: got %+v", name, id)
		}
	}
}

// TestRenamed: a repository that was renamed or transferred is the same source,
// with not one item changed, and another one under its old name is not it.
func TestRenamed(t *testing.T) {
	t.Parallel()

	w := newWorld(t, map[string]any{"indexIssues": true})
	w.repo.Commit("main", gittest.Put("README.md", "hello"))
	w.api.Issue(1, "One", "")
	before, err := w.conn.Validate(t.Context(), w.scope)
	if err != nil {
		t.Fatal(err)
	}
	from, old := w.start(), w.listed()
	w.api.Rename("other/renamed")
	if err := os.Mkdir(w.repo.Dir[:len(w.repo.Dir)-len("group/sub/hello.git")]+"other", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(w.repo.Dir, w.repo.Dir[:len(w.repo.Dir)-len("group/sub/hello.git")]+"other/renamed.git"); err != nil {
		t.Fatal(err)
	}
	fresh := w.scope
	fresh.Cache = t.TempDir()
	after, err := w.conn.Validate(t.Context(), fresh)
	if err != nil || after.ExternalKey != before.ExternalKey || after.Name != "other/renamed" {
		t.Errorf("got %+v, %v, before it was %+v", after, err, before)
	}
	if f := w.follow(from); len(f.Items) != 0 {
		t.Errorf("got %q told of a repository that was renamed", f.Paths())
	}
	now := w.listed()
	for path, item := range old.Items {
		if now.Items[path].Version != item.Version {
			t.Errorf("%s: got version %q, before it was %q", path, now.Items[path].Version, item.Version)
		}
	}
	w.api.Rename("group/sub/hello") // another repository takes the old name
	w.api.Replace(99)
	if err := w.conn.Changes(t.Context(), w.scope, from, forgetest.NewListing()); !errors.Is(err, domain.ErrGone) {
		t.Errorf("got %v, want ErrGone: the name is another one's", err)
	}
	if _, err := w.list(); !errors.Is(err, domain.ErrGone) {
		t.Errorf("got %v from a listing, want ErrGone", err)
	}
}

// TestGone: 404 means gone only with a credential that works.
func TestGone(t *testing.T) {
	t.Parallel()

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
	if l := w.listed(); len(l.Items) != 1 {
		t.Errorf("got %q", l.Paths())
	}
}

// TestPendingDeletion: a project that is marked for deletion is gone, until it is
// restored.
func TestPendingDeletion(t *testing.T) {
	t.Parallel()

	w := newWorld(t, nil)
	w.repo.Commit("main", gittest.Put("README.md", "hello"))
	w.api.Project(gitlabtest.Object{"marked_for_deletion_on": "2026-01-06"})
	if _, err := w.list(); !errors.Is(err, domain.ErrGone) {
		t.Errorf("got %v, want ErrGone", err)
	}
	w.api.Project(gitlabtest.Object{"marked_for_deletion_on": nil, "archived": true, "visibility": "private"})
	if l := w.listed(); len(l.Items) != 1 {
		t.Errorf("got %q of a project that is archived and private", l.Paths())
	}
}

const hookURL = "https://data.example.com/webhooks/gitlab/key"

func (w *world) ensure(want domain.Hook) domain.Hook {
	w.t.Helper()
	h, err := w.conn.EnsureHook(w.t.Context(), w.scope, want)
	if err != nil {
		w.t.Fatal(err)
	}
	return h
}

func TestHooks(t *testing.T) {
	t.Parallel()

	w := newWorld(t, map[string]any{"indexIssues": true})
	w.repo.Commit("main", gittest.Put("README.md", "hello"))
	w.api.AddHook(gitlabtest.Object{"url": "https://elsewhere.example.com"})
	made := w.ensure(domain.Hook{URL: hookURL, Secret: "one"})
	w.api.AddHook(gitlabtest.Object{"url": hookURL})              // another replica did the same
	adopted := w.ensure(domain.Hook{URL: hookURL, Secret: "two"}) // who made it died before keeping its id
	moved := w.ensure(domain.Hook{ID: made.ID, URL: hookURL + "2", Secret: "three"})
	if made.ID == "" || adopted.ID != made.ID || moved.ID != made.ID || len(w.api.Hooks()) != 2 {
		t.Errorf("got hooks %q, %q, %q, %d in all, want one besides the other's", made.ID, adopted.ID, moved.ID, len(w.api.Hooks()))
	}
	for id, h := range w.api.Hooks() {
		if fmt.Sprint(id) != made.ID {
			continue
		}
		if h["url"] != hookURL+"2" || h["token"] != "" || h["enable_ssl_verification"] != true || !strings.HasPrefix(fmt.Sprint(h["signing_token"]), "whsec_") {
			t.Errorf("got %v", h)
		}
		for event, want := range map[string]bool{
			"push_events": true, "tag_push_events": true, "issues_events": true, "note_events": true, "confidential_issues_events": false,
			"confidential_note_events": false, "merge_requests_events": false, "wiki_page_events": false, "releases_events": false, "pipeline_events": false,
		} {
			if h[event] != want {
				t.Errorf("got %s %v, want %v", event, h[event], want)
			}
		}
		h["alert_status"] = "temporarily_disabled"
	}
	if w.ensure(domain.Hook{ID: made.ID, URL: hookURL + "2", Secret: "three"}); w.api.Tested() != 1 {
		t.Errorf("got %d tests of a webhook that was switched off, want one", w.api.Tested())
	}
	for range 2 {
		if err := w.conn.RemoveHook(t.Context(), w.scope, made.ID); err != nil {
			t.Error(err)
		}
	}
	if n := len(w.api.Hooks()); n != 1 {
		t.Errorf("got %d hooks after the removal, want the other's", n)
	}
	if _, err := w.conn.EnsureHook(t.Context(), w.scope, domain.Hook{URL: hookURL}); err == nil {
		t.Error("got no error for a hook without a secret")
	}
}

// TestHookSecret: what a registered hook shows passes Verify, on a server that
// signs and on one that does not.
func TestHookSecret(t *testing.T) {
	t.Parallel()

	for name, signs := range map[string]bool{"signing token": true, "secret token": false} {
		w := newWorld(t, nil)
		w.repo.Commit("main", gittest.Put("README.md", "hello"))
		w.api.Signing = signs
		made := w.ensure(domain.Hook{URL: hookURL, Secret: "secret"})
		for _, h := range w.api.Hooks() {
			header := http.Header{}
			if signs {
				header = signedWith(t, fmt.Sprint(h["signing_token"]), "id", noon, `{"object_kind":"push"}`)
			} else {
				header.Set("X-Gitlab-Token", fmt.Sprint(h["token"]))
			}
			if err := w.conn.Verify(header, []byte(`{"object_kind":"push"}`), []domain.Secret{made.Secret}, noon); err != nil {
				t.Errorf("%s: got %v", name, err)
			}
		}
	}
}

// TestHookForbidden: a credential that may not administer the project says so.
func TestHookForbidden(t *testing.T) {
	t.Parallel()

	w := newWorld(t, nil)
	w.repo.Commit("main", gittest.Put("README.md", "hello"))
	for _, status := range []int{http.StatusForbidden, http.StatusNotFound} {
		w.api.Fail(gitlabtest.Fault{Match: "/hooks", Status: status})
		if _, err := w.conn.EnsureHook(t.Context(), w.scope, domain.Hook{URL: hookURL, Secret: "s"}); !errors.Is(err, domain.ErrForbidden) {
			t.Errorf("%d: got %v, want ErrForbidden", status, err)
		}
		w.api.Mend()
	}
}

// TestDescribe: the options are those of the documentation.
func TestDescribe(t *testing.T) {
	t.Parallel()

	text, err := os.ReadFile("../../docs/connectors.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## gitlab\n")
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

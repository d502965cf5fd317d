package github_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/confuse/data-connector/connectors/connectortest"
	"github.com/confuse/data-connector/connectors/gitrepo/gittest"
	"github.com/confuse/data-connector/domain"
)

func TestValidate(t *testing.T) {
	t.Parallel()

	w := newWorld(t, nil)
	w.repo.Commit("main", gittest.Put("README.md", "hello"))
	base := map[string]any{"owner": "octo", "repo": "hello", "baseUrl": w.api.URL}
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
		"an owner, twice":  {change: map[string]any{"owner": "octo/hello"}, field: "config.owner"},
		"a wrong type":     {change: map[string]any{"indexPRs": "yes"}, field: "config"},
		"github.com":       {change: map[string]any{"baseUrl": "https://api.github.com"}, field: "config.baseUrl"},
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
		case err == nil && (!strings.HasSuffix(id.ExternalKey, fmt.Sprintf("/%d", w.api.ID())) || id.Name != "octo/hello" || id.URL == ""):
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
	w.api.Rename("other", "renamed")
	if err := os.Mkdir(w.repo.Dir[:len(w.repo.Dir)-len("octo/hello.git")]+"other", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(w.repo.Dir, w.repo.Dir[:len(w.repo.Dir)-len("octo/hello.git")]+"other/renamed.git"); err != nil {
		t.Fatal(err)
	}
	fresh := w.scope
	fresh.Cache = t.TempDir()
	after, err := w.conn.Validate(t.Context(), fresh)
	if err != nil || after.ExternalKey != before.ExternalKey || after.Name != "other/renamed" {
		t.Errorf("got %+v, %v, before it was %+v", after, err, before)
	}
	if f := w.follow(from); len(f.items) != 0 {
		t.Errorf("got %q told of a repository that was renamed", f.paths())
	}
	now := w.listed()
	for path, item := range old.items {
		if now.items[path].Version != item.Version {
			t.Errorf("%s: got version %q, before it was %q", path, now.items[path].Version, item.Version)
		}
	}
	w.api.Rename("octo", "hello") // another repository takes the old name
	w.api.Replace(99)
	if err := w.conn.Changes(t.Context(), w.scope, from, newListing()); !errors.Is(err, domain.ErrGone) {
		t.Errorf("got %v, want ErrGone: the name is another one's", err)
	}
	if _, err := w.list(); !errors.Is(err, domain.ErrGone) {
		t.Errorf("got %v from a listing, want ErrGone", err)
	}
	fresh.Cache, fresh.ExternalKey = t.TempDir(), before.ExternalKey // a worker that never saw it
	if id, err := w.conn.Validate(t.Context(), fresh); !errors.Is(err, domain.ErrGone) {
		t.Errorf("got %+v, %v without a cache, want ErrGone", id, err)
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
	if l := w.listed(); len(l.items) != 1 {
		t.Errorf("got %q", l.paths())
	}
}

func TestHooks(t *testing.T) {
	t.Parallel()

	w := newWorld(t, map[string]any{"indexIssues": true})
	w.repo.Commit("main", gittest.Put("README.md", "hello"))
	ensure := func(want domain.Hook) domain.Hook {
		t.Helper()
		h, err := w.conn.EnsureHook(t.Context(), w.scope, want)
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	const at = "https://data.example.com/webhooks/github/key"
	made := ensure(domain.Hook{URL: at, Secret: "one"})
	adopted := ensure(domain.Hook{URL: at, Secret: "two"}) // who made it died before keeping its id
	moved := ensure(domain.Hook{ID: made.ID, URL: at + "2", Secret: "three"})
	if made.ID == "" || adopted.ID != made.ID || moved.ID != made.ID || len(w.api.Hooks()) != 1 {
		t.Errorf("got hooks %q, %q, %q, %d in all, want one", made.ID, adopted.ID, moved.ID, len(w.api.Hooks()))
	}
	for _, h := range w.api.Hooks() {
		config, _ := h["config"].(map[string]any)
		events := fmt.Sprint(h["events"])
		if config["url"] != at+"2" || config["secret"] != "three" || config["content_type"] != "json" || config["insecure_ssl"] != "0" || h["active"] != true {
			t.Errorf("got %v", h)
		}
		contains(t, events, "push", "repository", "issues", "issue_comment")
		if strings.Contains(events, "pull_request") {
			t.Errorf("got events %s, which the source does not read", events)
		}
	}
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
}

// TestDescribe: the options are those of the documentation.
func TestDescribe(t *testing.T) {
	t.Parallel()

	text, err := os.ReadFile("../../docs/connectors.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## github\n")
	var missing []string
	for _, o := range newConnector(t, connectortest.NewClock(noon), nil).Describe().Options {
		if !strings.Contains(section, "`"+o.Name+"`") {
			missing = append(missing, o.Name)
		}
	}
	if len(missing) > 0 {
		t.Errorf("options %s are not documented", slices.Sorted(slices.Values(missing)))
	}
}

package github_test

import (
	"encoding/json"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/confuse/data-connector/connectors/gitrepo/forge/forgetest"
	"github.com/confuse/data-connector/connectors/gitrepo/gittest"
	"github.com/confuse/data-connector/domain"
)

// published is GitHub's own description of its API (MIT licence), fetched once
// into a cache of the user.
const published = "@octokit/openapi@23.0.2"

// A description is what is read of it.
type description struct {
	Paths map[string]map[string]struct {
		Parameters []struct {
			Name string `json:"name"`
			In   string `json:"in"`
			Ref  string `json:"$ref"`
		} `json:"parameters"`
	} `json:"paths"`
	Components struct {
		Parameters map[string]struct {
			Name string `json:"name"`
		} `json:"parameters"`
		Schemas map[string]struct {
			Properties map[string]json.RawMessage `json:"properties"`
			Required   []string                   `json:"required"`
		} `json:"schemas"`
	} `json:"components"`
}

// TestPublishedAPI: every call of the connector is in GitHub's description, with
// all its parameters, and the objects that the emulator answers with have no field
// that is not.
func TestPublishedAPI(t *testing.T) {
	t.Parallel()

	var d description
	for _, text := range forgetest.NPM(t, published, "/generated/api.github.com.json") {
		if err := json.Unmarshal(text, &d); err != nil {
			t.Fatal(err)
		}
	}
	w := newWorld(t, everything())
	w.Repo.Commit("main", gittest.Put("README.md", "hello"))
	w.fill(5)
	from := w.Start()
	for _, item := range w.Listed().Items {
		w.Read(item)
	}
	w.Follow(from)
	w.Changed(from)
	hook, err := w.Conn.EnsureHook(t.Context(), w.Scope, domain.Hook{URL: "https://example.com/hook", Secret: "s"})
	if err == nil {
		_, err = w.Conn.EnsureHook(t.Context(), w.Scope, hook)
	}
	if err != nil || w.Conn.RemoveHook(t.Context(), w.Scope, hook.ID) != nil {
		t.Fatal(err)
	}
	calls := w.api.Calls()
	if len(calls) < 50 {
		t.Errorf("got %d calls, want those of everything", len(calls))
	}
	for _, c := range calls {
		if path, ok := strings.CutPrefix(c.Path, "/v3"); ok {
			d.check(t, strings.ToLower(c.Method), path, c.Query)
		}
	}
	d.checkObjects(t)
}

var template = regexp.MustCompile(`\{[^}]+\}`)

func (d description) check(t *testing.T, method, path, query string) {
	t.Helper()
	if strings.HasPrefix(path, "/repositories/") {
		return // by id: GitHub redirects there, and describes it nowhere
	}
	asked, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	for known, methods := range d.Paths {
		at := "^" + template.ReplaceAllString(known, "[^/]+") + "$"
		op, ok := methods[method]
		if !ok || !regexp.MustCompile(at).MatchString(path) {
			continue
		}
		for _, p := range op.Parameters {
			asked.Del(p.Name)
			asked.Del(d.Components.Parameters[p.Ref[strings.LastIndexByte(p.Ref, '/')+1:]].Name)
		}
		if len(asked) > 0 {
			t.Errorf("%s %s has no parameters %v", method, known, asked)
		}
		return
	}
	t.Errorf("%s %s is not described", method, path)
}

// checkObjects compares the recorded objects with the schemas of their calls.
func (d description) checkObjects(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile("githubtest/testdata/recorded.json")
	var objects map[string]map[string]any
	if err == nil {
		err = json.Unmarshal(text, &objects)
	}
	if err != nil {
		t.Fatal(err)
	}
	for kind, schema := range map[string]string{
		"issue": "issue", "pull_request": "pull-request", "release": "release", "repository": "full-repository",
		"issue_comment": "issue-comment", "review": "pull-request-review", "review_comment": "pull-request-review-comment",
	} {
		known := d.Components.Schemas[schema].Properties
		if len(known) == 0 || len(objects[kind]) == 0 {
			t.Fatalf("no schema %q, or no recorded %q", schema, kind)
		}
		for field := range objects[kind] {
			if _, ok := known[field]; !ok {
				t.Errorf("%s has no field %q", schema, field)
			}
		}
	}
}

package github_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
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

// TestPublishedAPI: every call of the connector is in GitHub's description, with all
// its parameters. What it sends, and what the emulator answers, is of the types that
// are described there, and no field of it is not described.
func TestPublishedAPI(t *testing.T) {
	t.Parallel()

	var d description
	var types *schemas
	for _, text := range forgetest.NPM(t, published, "/generated/api.github.com.json") {
		if err := json.Unmarshal(text, &d); err != nil {
			t.Fatal(err)
		}
		types = newSchemas(t, text)
	}
	calls := callEverything(t)
	if len(calls) < 50 {
		t.Errorf("got %d calls, want those of everything", len(calls))
	}
	sent, answered := map[string]bool{}, map[string]bool{}
	for _, c := range calls {
		path, ok := strings.CutPrefix(c.Path, "/api/v3")
		if !ok {
			continue
		}
		known := d.check(t, strings.ToLower(c.Method), path, c.Query)
		if known == "" {
			continue
		}
		s, a := types.check(t, known, c)
		sent[c.Method+" "+known] = sent[c.Method+" "+known] || s
		answered[c.Method+" "+known] = answered[c.Method+" "+known] || a
	}
	for _, op := range []string{"POST /repos/{owner}/{repo}/hooks", "PATCH /repos/{owner}/{repo}/hooks/{hook_id}"} {
		if !sent[op] || !answered[op] {
			t.Errorf("%s: its body was not looked at", op)
		}
	}
	for _, op := range []string{"POST /app/installations/{installation_id}/access_tokens", "GET /app/hook/deliveries", "GET /repos/{owner}/{repo}/hooks/{hook_id}/deliveries"} {
		if !answered[op] {
			t.Errorf("got answers to %q, want %s too", slices.Sorted(maps.Keys(answered)), op)
		}
	}
	d.checkObjects(t)
}

// callEverything makes all kinds of calls, with a token and as an app.
func callEverything(t *testing.T) []forgetest.Call {
	t.Helper()
	w := newWorld(t, everything())
	w.api.Keep = true
	w.Repo.Commit("main", gittest.Put("README.md", "hello"))
	w.fill(5)
	from := w.Start()
	for _, item := range w.Listed().Items {
		w.Read(item)
	}
	w.Follow(from)
	w.Changed(from)
	w.api.Sent("72d3162e-cc78-11e3-81ab-4c9367dc0958", http.StatusBadGateway)
	hook, err := w.Conn.EnsureHook(t.Context(), w.Scope, domain.Hook{URL: "https://example.com/hook", Secret: "s"})
	if err == nil {
		_, err = w.Conn.EnsureHook(t.Context(), w.Scope, hook)
	}
	if log, ok := w.Conn.(domain.DeliveryLog); ok && err == nil {
		_, _, err = log.Undelivered(t.Context(), w.Scope, hook.ID, "")
	}
	if err != nil || w.Conn.RemoveHook(t.Context(), w.Scope, hook.ID) != nil {
		t.Fatal(err)
	}
	w.Scope.Credential = ownApp(privateKey(t))
	w.Scope.Cache = t.TempDir()
	w.Listed()
	if log, ok := w.Conn.(domain.SharedDeliveryLog); ok {
		if _, _, err := log.UndeliveredToAll(t.Context(), w.Scope, ""); err != nil {
			t.Fatal(err)
		}
	}
	return w.api.Calls()
}

var template = regexp.MustCompile(`\{[^}]+\}`)

// repositories is how GitHub leads to a repository by its id, which it describes
// nowhere. It answers as for the name.
const repositories = "/repositories/"

// check finds the described path of a call; empty: there is none, which is told.
func (d description) check(t *testing.T, method, path, query string) string {
	t.Helper()
	if id, ok := strings.CutPrefix(path, repositories); ok && !strings.Contains(id, "/") {
		path = "/repos/octo/hello"
	}
	asked, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	best := ""
	for known, methods := range d.Paths {
		_, ok := methods[method]
		fits := ok && regexp.MustCompile("^"+template.ReplaceAllString(known, "[^/]+")+"$").MatchString(path)
		if fits && (best == "" || strings.Count(known, "{") < strings.Count(best, "{")) {
			best = known
		}
	}
	if best == "" {
		t.Errorf("%s %s is not described", method, path)
		return ""
	}
	for _, p := range d.Paths[best][method].Parameters {
		asked.Del(p.Name)
		asked.Del(d.Components.Parameters[p.Ref[strings.LastIndexByte(p.Ref, '/')+1:]].Name)
	}
	if len(asked) > 0 {
		t.Errorf("%s %s has no parameters %v", method, best, asked)
	}
	return best
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

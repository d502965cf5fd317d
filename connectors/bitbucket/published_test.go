package bitbucket_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/confuse/data-connector/connectors/gitrepo/forge/forgetest"
	"github.com/confuse/data-connector/domain"
)

// published is what Atlassian's description of the API of Cloud was turned into by
// others (MIT licence): a type for each object and one for the parameters of each
// call. The description itself is in no registry. Of Data Center there is nothing at
// all in any: its objects are recorded ones.
const published = "bitbucket@2.12.0"

// described are the calls of the connector, and what their parameters are called.
func described() []struct{ path, params string } {
	return []struct{ path, params string }{
		{`^/2\.0/repositories/[^/]+/[^/]+$`, "RepositoriesGet"},
		{`^/2\.0/repositories/[^/]+/[^/]+/pullrequests$`, "PullrequestsList"},
		{`^/2\.0/repositories/[^/]+/[^/]+/pullrequests/\d+$`, "PullrequestsGet"},
		{`^/2\.0/repositories/[^/]+/[^/]+/pullrequests/\d+/comments$`, "PullrequestsListComments"},
		{`^/2\.0/repositories/[^/]+/[^/]+/hooks$`, "RepositoriesListWebhooks"},
		{`^/2\.0/repositories/[^/]+/[^/]+/hooks/[^/]+$`, "RepositoriesGetWebhook"},
		{`^/2\.0/user$`, ""},
	}
}

// bodyOf is what stands in a type; empty: there is none.
func bodyOf(types, name string) string {
	m := regexp.MustCompile(`(?s)\n  export type ` + name + ` = [^{\n]*\{\n(.*?)\n  \}\n`).FindStringSubmatch(types)
	if m == nil {
		return ""
	}
	return m[1]
}

// fieldsOf are the fields of a type; nil: there is none.
func fieldsOf(types, name string) []string {
	var fields []string
	for _, f := range regexp.MustCompile(`(?m)^    (\w+)\??:`).FindAllStringSubmatch(bodyOf(types, name), -1) {
		fields = append(fields, f[1])
	}
	return fields
}

// TestPublishedAPI: every call to Cloud is a described one with described parameters,
// and the objects that the emulator answers with have no field that is not described.
func TestPublishedAPI(t *testing.T) {
	t.Parallel()

	types := ""
	for _, text := range forgetest.NPM(t, published, "/lib/bitbucket.d.ts") {
		types = string(text)
	}
	w := newCloud(t, withPulls)
	w.api.Keep = true
	w.Put("README.md", "hello")
	for n := 1; n <= 10; n++ {
		w.api.Pull(n, "A change", "")
	}
	w.api.Comment(1, "", "Nice.")
	from := w.Start()
	for _, item := range w.Listed().Items {
		w.Read(item)
	}
	w.Follow(from)
	hook := w.Ensure(domain.Hook{URL: "https://example.com/hook", Secret: "s"})
	if err := w.Conn.RemoveHook(t.Context(), w.Scope, w.Ensure(hook).ID); err != nil {
		t.Fatal(err)
	}
	calls := w.api.Calls()
	if len(calls) < 15 {
		t.Errorf("got %d calls, want those of everything", len(calls))
	}
	for _, c := range calls {
		i := slices.IndexFunc(described(), func(p struct{ path, params string }) bool { return regexp.MustCompile(p.path).MatchString(c.Path) })
		query, err := url.ParseQuery(c.Query)
		if i < 0 || err != nil {
			t.Errorf("%s %s: is not described, %v", c.Method, c.Path, err)
			continue
		}
		known := append(fieldsOf(types, described()[i].params), "page", "pagelen", "q", "sort", "fields", "ctx") // paging is described once for all lists; ctx comes with a link
		for name := range query {
			if !slices.Contains(known, name) {
				t.Errorf("%s %s has no parameter %q", c.Method, c.Path, name)
			}
		}
	}
	checkObjects(t, types)
	checkHooks(t, types, calls)
}

// checkHooks compares the webhooks that are asked for with their type.
func checkHooks(t *testing.T, types string, calls []forgetest.Call) {
	t.Helper()
	const name = "WebhookSubscription"
	known := append(fieldsOf(types, name), "skip_cert_verification") // Cloud's page for webhooks has it, its description has not
	written := 0
	for _, c := range calls {
		if c.Method != http.MethodPost && c.Method != http.MethodPut {
			continue
		}
		written++
		var hook map[string]any
		if err := json.Unmarshal(c.Sent, &hook); err != nil {
			t.Fatal(err)
		}
		for field := range hook {
			if !slices.Contains(known, field) {
				t.Errorf("%s %s: %s has no field %q", c.Method, c.Path, name, field)
			}
		}
		events, _ := hook["events"].([]any)
		for _, event := range events {
			if !strings.Contains(bodyOf(types, name), fmt.Sprintf("'%s'", event)) {
				t.Errorf("%s %s: there is no event %q", c.Method, c.Path, event)
			}
		}
	}
	if written != 2 {
		t.Errorf("got %d webhooks written, want one made and changed", written)
	}
}

// checkObjects compares the recorded objects of Cloud with the types.
func checkObjects(t *testing.T, types string) {
	t.Helper()
	text, err := os.ReadFile("bitbuckettest/testdata/recorded.json")
	var objects map[string]map[string]any
	if err == nil {
		err = json.Unmarshal(text, &objects)
	}
	if err != nil {
		t.Fatal(err)
	}
	// What Cloud gives since the description was written (developer.atlassian.com/cloud/bitbucket/changelog).
	later := []string{"type", "draft", "queued", "closed_on", "description", "pending", "resolution"}
	for kind, name := range map[string]string{"cloud_repository": "Repository", "cloud_pull": "Pullrequest", "cloud_comment": "PullrequestComment"} {
		known := slices.Concat(fieldsOf(types, name), fieldsOf(types, "Comment"), later)
		if len(known) < 10 || len(objects[kind]) == 0 {
			t.Fatalf("no type %q, or no recorded %q in %v", name, kind, strings.Join(slices.Sorted(maps.Keys(objects)), " "))
		}
		for field := range objects[kind] {
			if !slices.Contains(known, field) {
				t.Errorf("%s has no field %q", name, field)
			}
		}
	}
}

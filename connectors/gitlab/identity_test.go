package gitlab_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/confuse/data-connector/connectors/connectortest"
	"github.com/confuse/data-connector/connectors/gitlab/gitlabtest"
	"github.com/confuse/data-connector/connectors/gitrepo/forge/forgetest"
	"github.com/confuse/data-connector/connectors/gitrepo/gittest"
	"github.com/confuse/data-connector/domain"
)

func TestValidate(t *testing.T) {
	t.Parallel()

	w := newWorld(t, nil)
	w.Validated(map[string]forgetest.Asked{
		"by its id":    {Change: map[string]any{"projectId": "278964", "owner": nil, "repo": nil}},
		"by its path":  {Change: map[string]any{"project": "group/sub/hello", "owner": nil, "repo": nil}},
		"path as id":   {Change: map[string]any{"projectId": "/group/sub/hello.git"}},
		"with the API": {Change: map[string]any{"baseUrl": w.api.URL + "/api/v4"}},
		"a query":      {Change: map[string]any{"project": "group/hello?x", "owner": nil}, Field: "config.project"},
		"no group":     {Change: map[string]any{"project": "hello"}, Field: "config.project"},
		"nothing":      {Change: map[string]any{"owner": nil, "repo": nil}, Field: "config.projectId"},
		"a wrong type": {Change: map[string]any{"indexMRs": "yes"}, Field: "config"},
	}, func(id domain.Identity) bool {
		return strings.HasSuffix(id.ExternalKey, fmt.Sprintf("/%d", w.api.ID())) && id.Name == "group/sub/hello"
	})
}

// TestRenamed: a project that was renamed or moved is the same source.
func TestRenamed(t *testing.T) {
	t.Parallel()

	w := newWorld(t, map[string]any{"indexIssues": true})
	w.api.Issue(1, "One", "")
	w.Renamed("other/renamed", func() { w.api.Rename("other/renamed") }, func() {
		w.api.Rename("group/sub/hello")
		w.api.Replace(99)
	})
}

// TestBranch: another branch is the difference to it.
func TestBranch(t *testing.T) {
	t.Parallel()

	newWorld(t, nil).Branched()
}

// TestState: what the provider says of the repository.
func TestState(t *testing.T) {
	t.Parallel()

	w := newWorld(t, nil)
	w.Stated(func() { w.clock.Turn(time.Hour) }, map[domain.ObjectState]func(){
		{Visibility: "public"}:                   func() { w.api.Project(gitlabtest.Object{"visibility": "public", "archived": false}) },
		{Visibility: "internal", Archived: true}: func() { w.api.Project(gitlabtest.Object{"visibility": "internal", "archived": true}) },
	})
}

// TestGone: 404 means gone only with a credential that works.
func TestGone(t *testing.T) {
	t.Parallel()

	w := newWorld(t, nil)
	w.Lost(token, w.api.Vanish)
}

// TestPendingDeletion: a project that is marked for deletion is gone, until it is
// restored.
func TestPendingDeletion(t *testing.T) {
	t.Parallel()

	w := newWorld(t, nil)
	w.Repo.Commit("main", gittest.Put("README.md", "hello"))
	w.api.Project(gitlabtest.Object{"marked_for_deletion_on": "2026-01-06"})
	if _, err := w.List(); !errors.Is(err, domain.ErrGone) {
		t.Errorf("got %v, want ErrGone", err)
	}
	w.api.Project(gitlabtest.Object{"marked_for_deletion_on": nil, "archived": true, "visibility": "private"})
	if l := w.Listed(); len(l.Items) != 1 {
		t.Errorf("got %q of a project that is archived and private", l.Paths())
	}
}

const hookURL = "https://data.example.com/webhooks/gitlab/key"

func TestHooks(t *testing.T) {
	t.Parallel()

	w := newWorld(t, map[string]any{"indexIssues": true})
	w.Repo.Commit("main", gittest.Put("README.md", "hello"))
	w.api.AddHook(gitlabtest.Object{"url": "https://elsewhere.example.com"})
	made := w.Ensure(domain.Hook{URL: hookURL, Secret: "one"})
	w.api.AddHook(gitlabtest.Object{"url": hookURL})              // another replica did the same
	adopted := w.Ensure(domain.Hook{URL: hookURL, Secret: "two"}) // who made it died before keeping its id
	moved := w.Ensure(domain.Hook{ID: made.ID, URL: hookURL + "2", Secret: "three"})
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
	if w.Ensure(domain.Hook{ID: made.ID, URL: hookURL + "2", Secret: "three"}); w.api.Tested() != 1 {
		t.Errorf("got %d tests of a webhook that was switched off, want one", w.api.Tested())
	}
	for range 2 {
		if err := w.Conn.RemoveHook(t.Context(), w.Scope, made.ID); err != nil {
			t.Error(err)
		}
	}
	if n := len(w.api.Hooks()); n != 1 {
		t.Errorf("got %d hooks after the removal, want the other's", n)
	}
	if _, err := w.Conn.EnsureHook(t.Context(), w.Scope, domain.Hook{URL: hookURL}); err == nil {
		t.Error("got no error for a hook without a secret")
	}
}

// TestHookSecret: what a registered hook shows passes Verify, on a server that
// signs and on one that does not.
func TestHookSecret(t *testing.T) {
	t.Parallel()

	for name, signs := range map[string]bool{"signing token": true, "secret token": false} {
		w := newWorld(t, nil)
		w.Repo.Commit("main", gittest.Put("README.md", "hello"))
		w.api.Signing = signs
		made := w.Ensure(domain.Hook{URL: hookURL, Secret: "secret"})
		for _, h := range w.api.Hooks() {
			header := http.Header{}
			if signs {
				header = signedWith(t, fmt.Sprint(h["signing_token"]), "id", noon, `{"object_kind":"push"}`)
			} else {
				header.Set("X-Gitlab-Token", fmt.Sprint(h["token"]))
			}
			if err := w.Conn.Verify(header, []byte(`{"object_kind":"push"}`), []domain.Secret{made.Secret}, noon); err != nil {
				t.Errorf("%s: got %v", name, err)
			}
		}
	}
}

// TestHookForbidden: a credential that may not administer the project says so.
func TestHookForbidden(t *testing.T) {
	t.Parallel()

	w := newWorld(t, nil)
	w.Repo.Commit("main", gittest.Put("README.md", "hello"))
	for _, status := range []int{http.StatusForbidden, http.StatusNotFound} {
		w.api.Fail(gitlabtest.Fault{Match: "/hooks", Status: status})
		if _, err := w.Conn.EnsureHook(t.Context(), w.Scope, domain.Hook{URL: hookURL, Secret: "s"}); !errors.Is(err, domain.ErrForbidden) {
			t.Errorf("%d: got %v, want ErrForbidden", status, err)
		}
		w.api.Mend()
	}
}

// TestDescribe: the options are those of the documentation.
func TestDescribe(t *testing.T) {
	t.Parallel()

	forgetest.Documented(t, newConnector(t, connectortest.NewClock(noon)).Describe())
}

// TestUndelivered: a delivery that failed is told of once, and one that was sent
// again with success is not.
func TestUndelivered(t *testing.T) {
	t.Parallel()

	w := newWorld(t, nil)
	w.Put("README.md", "hello")
	hook := w.Ensure(domain.Hook{URL: "https://data.example.com/hook", Secret: "s"})
	after := ""
	for i, step := range []struct {
		sent func()
		want bool
	}{
		{func() { w.api.Sent("200") }, false},
		{func() { w.api.Sent("internal error") }, true},
		{func() {}, false},
		{func() { w.api.Sent("201") }, false},
	} {
		step.sent()
		log, _ := w.Conn.(domain.DeliveryLog)
		failed, next, err := log.Undelivered(t.Context(), w.Scope, hook.ID, after)
		if err != nil || failed != step.want {
			t.Errorf("%d: got %v, %v, want %v", i, failed, err, step.want)
		}
		after = next
	}
	w.api.Fail(forgetest.Fault{Match: "/hooks/", Status: http.StatusNotFound})
	log, _ := w.Conn.(domain.DeliveryLog)
	if _, next, err := log.Undelivered(t.Context(), w.Scope, hook.ID, after); !errors.Is(err, domain.ErrForbidden) || next != after {
		t.Errorf("got %q, %v from whoever may not see webhooks, want ErrForbidden and the place", next, err)
	}
}

// TestPlace: the API lies below the server, which may lie below a folder.
func TestPlace(t *testing.T) {
	t.Parallel()

	own := []string{"https://git.example.com/gitlab", "https://git.example.com/gitlab/api/v4/"}
	forgetest.Placed(t, newConnector(t, connectortest.NewClock(noon)).Place, map[string][]string{
		"":                                      {"https://gitlab.com", "https://gitlab.com/api/v4/"},
		"https://git.example.com/gitlab/":       own,
		"https://git.example.com/gitlab/api/v4": own,
		"https://user@git.example.com":          nil,
	})
}

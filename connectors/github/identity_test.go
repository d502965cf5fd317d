package github_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/confuse/data-connector/connectors/connectortest"
	"github.com/confuse/data-connector/connectors/github/githubtest"
	"github.com/confuse/data-connector/connectors/gitrepo/forge/forgetest"
	"github.com/confuse/data-connector/connectors/gitrepo/gittest"
	"github.com/confuse/data-connector/domain"
)

func TestValidate(t *testing.T) {
	t.Parallel()

	w := newWorld(t, nil)
	w.Validated(map[string]forgetest.Asked{
		"an owner, twice": {Change: map[string]any{"owner": "octo/hello"}, Field: "config.owner"},
		"a wrong type":    {Change: map[string]any{"indexPRs": "yes"}, Field: "config"},
		"github.com":      {Change: map[string]any{"baseUrl": "https://api.github.com"}, Field: "config.baseUrl"},
	}, func(id domain.Identity) bool {
		return strings.HasSuffix(id.ExternalKey, fmt.Sprintf("/%d", w.api.ID())) && id.Name == "octo/hello"
	})
}

// TestRenamed: a repository that was renamed or transferred is the same source.
func TestRenamed(t *testing.T) {
	t.Parallel()

	w := newWorld(t, map[string]any{"indexIssues": true})
	w.api.Issue(1, "One", "")
	w.Renamed("other/renamed", func() { w.api.Rename("other", "renamed") }, func() {
		w.api.Rename("octo", "hello")
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
		{Visibility: "public"}:                   func() { w.api.Repository(githubtest.Object{"visibility": "public", "archived": false}) },
		{Visibility: "internal", Archived: true}: func() { w.api.Repository(githubtest.Object{"visibility": "internal", "archived": true}) },
		{Visibility: "private", Archived: true}:  func() { w.api.Repository(githubtest.Object{"visibility": nil, "private": true, "archived": true}) },
	})
}

// TestGone: 404 means gone only with a credential that works.
func TestGone(t *testing.T) {
	t.Parallel()

	w := newWorld(t, nil)
	w.Lost(token, w.api.Vanish)
}

func TestHooks(t *testing.T) {
	t.Parallel()

	w := newWorld(t, map[string]any{"indexIssues": true})
	w.Repo.Commit("main", gittest.Put("README.md", "hello"))
	const at = "https://data.example.com/webhooks/github/key"
	made := w.Ensure(domain.Hook{URL: at, Secret: "one"})
	adopted := w.Ensure(domain.Hook{URL: at, Secret: "two"}) // who made it died before keeping its id
	moved := w.Ensure(domain.Hook{ID: made.ID, URL: at + "2", Secret: "three"})
	if made.ID == "" || adopted.ID != made.ID || moved.ID != made.ID || len(w.api.Hooks()) != 1 {
		t.Errorf("got hooks %q, %q, %q, %d in all, want one", made.ID, adopted.ID, moved.ID, len(w.api.Hooks()))
	}
	for _, h := range w.api.Hooks() {
		config, _ := h["config"].(map[string]any)
		events := fmt.Sprint(h["events"])
		if config["url"] != at+"2" || config["secret"] != "three" || config["content_type"] != "json" || config["insecure_ssl"] != "0" || h["active"] != true {
			t.Errorf("got %v", h)
		}
		forgetest.Contains(t, events, "push", "repository", "issues", "issue_comment")
		if strings.Contains(events, "pull_request") {
			t.Errorf("got events %s, which the source does not read", events)
		}
	}
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
}

// TestDescribe: the options are those of the documentation.
func TestDescribe(t *testing.T) {
	t.Parallel()

	forgetest.Documented(t, newConnector(t, connectortest.NewClock(noon), nil).Describe())
}

// A delivery is what is sent before a log is read, and whether something of it failed.
type delivery struct {
	sent   func()
	failed bool
}

// told reads a log of deliveries behind each of some, and of more, from where it was
// read the last time; it gives where to go on from.
func (w *world) told(read func(after string) (failed bool, next string, err error), more ...delivery) (after string) {
	w.T.Helper()
	for i, d := range append([]delivery{
		{func() { w.api.Sent("a", 200) }, false},
		{func() { w.api.Sent("b", 502) }, true},
		{func() {}, false},
		{func() { w.api.Sent("c", 0); w.api.Sent("c", 202) }, false},
	}, more...) {
		d.sent()
		failed, next, err := read(after)
		if err != nil || failed != d.failed {
			w.T.Errorf("%d: got %v, %v, want %v", i, failed, err, d.failed)
		}
		after = next
	}
	return after
}

// TestUndelivered: a delivery that failed is told of once, and one that was sent
// again with success is not.
func TestUndelivered(t *testing.T) {
	t.Parallel()

	w := newWorld(t, nil)
	w.Put("README.md", "hello")
	hook := w.Ensure(domain.Hook{URL: "https://data.example.com/hook", Secret: "s"})
	log, _ := w.Conn.(domain.DeliveryLog)
	after := w.told(func(after string) (bool, string, error) {
		return log.Undelivered(t.Context(), w.Scope, hook.ID, after)
	})
	w.api.Fail(forgetest.Fault{Match: "/hooks/", Status: http.StatusNotFound})
	if _, next, err := log.Undelivered(t.Context(), w.Scope, hook.ID, after); !errors.Is(err, domain.ErrForbidden) || next != after {
		t.Errorf("got %q, %v from whoever may not see webhooks, want ErrForbidden and the place", next, err)
	}
}

// TestPlace: github.com has its API at another host, an Enterprise Server below a
// folder.
func TestPlace(t *testing.T) {
	t.Parallel()

	own := []string{"https://git.example.com", "https://git.example.com/api/v3/", "https://git.example.com/api/graphql"}
	forgetest.Placed(t, newConnector(t, connectortest.NewClock(noon), nil).Place, map[string][]string{
		"":                               {"https://github.com", "https://api.github.com/", "https://api.github.com/graphql"},
		"https://Git.example.com/":       own,
		"https://git.example.com/api/v3": own,
		"https://github.com":             nil,
		"https://api.github.com":         nil,
		"https://GitHub.com:443":         nil,
		"https://github.com.":            nil,
		"https://api.github.com./api/v3": nil,
		"ftp://git.example.com":          nil,
	})
}

// TestUndeliveredToApp: what the one webhook of an app could not deliver about the
// repository is told of once. All sources of the app read its log together.
func TestUndeliveredToApp(t *testing.T) {
	t.Parallel()

	w := newWorld(t, nil)
	w.Put("README.md", "hello")
	log, _ := w.Conn.(domain.SharedDeliveryLog)
	if failed, next, err := log.UndeliveredToAll(t.Context(), w.Scope, ""); failed || next != "" || err != nil {
		t.Errorf("got %v, %q, %v of a source that no app opens, want nothing", failed, next, err)
	}
	w.Scope.Credential = ownApp(privateKey(t))
	read := func() (n int) {
		for _, c := range w.api.Calls() {
			if strings.HasSuffix(c.Path, "/app/hook/deliveries") {
				n++
			}
		}
		return n
	}
	after := w.told(func(after string) (bool, string, error) {
		w.clock.Turn(6 * time.Minute)
		failed, next, err := log.UndeliveredToAll(t.Context(), w.Scope, after)
		if again, _, err := log.UndeliveredToAll(t.Context(), w.Scope, after); again != failed || err != nil {
			t.Errorf("another source: got %v, %v, want %v", again, err, failed)
		}
		if n := read(); n != 1 {
			t.Errorf("got the log read %d times for two sources, want once", n)
		}
		return failed, next, err
	}, delivery{func() { id := w.api.ID(); w.api.Replace(4711); w.api.Sent("d", 500); w.api.Replace(id) }, false}, // about another one
		delivery{func() { w.api.Sent("e", 500) }, true},
		delivery{func() { w.api.SentOf(35, "f", 500) }, false},
		delivery{func() { w.api.SentOf(34, "g", 200) }, false},
		delivery{func() { w.api.SentOf(34, "h", 500) }, true}, // that it was suspended
		delivery{func() {}, false})
	w.api.Sent("long ago", 500)
	for i := range 250 {
		w.api.Sent(fmt.Sprint("busy-", i), 200)
	}
	w.clock.Turn(6 * time.Minute)
	failed, next, err := log.UndeliveredToAll(t.Context(), w.Scope, after)
	if n := read(); !failed || err != nil || n != 3 {
		t.Errorf("got %v, %v by %d calls, want what failed three pages ago", failed, err, n)
	}
	after = next
	w.api.Fail(forgetest.Fault{Match: "/app/hook/", Status: http.StatusNotFound})
	w.clock.Turn(6 * time.Minute)
	if failed, next, err := log.UndeliveredToAll(t.Context(), w.Scope, after); failed || next != after || err != nil {
		t.Errorf("got %v, %q, %v of an app without a webhook, want nothing", failed, next, err)
	}
}

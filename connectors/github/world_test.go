package github_test

import (
	"testing"
	"time"

	"github.com/confuse/data-connector/connectors/connectortest"
	"github.com/confuse/data-connector/connectors/github"
	"github.com/confuse/data-connector/connectors/github/githubtest"
	"github.com/confuse/data-connector/connectors/gitrepo/forge/forgetest"
	"github.com/confuse/data-connector/connectors/gitrepo/gittest"
	"github.com/confuse/data-connector/domain"
)

// token opens the server. It stands in nothing that is seen.
const token = "ghp_canary0123456789abcdefghijklmnopqrstuv"

var noon = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

// A world is a GitHub with one repository, and a source that reads it.
type world struct {
	*forgetest.World
	api   *githubtest.Server
	clock *connectortest.Clock
}

func newWorld(t *testing.T, options map[string]any) *world {
	t.Helper()
	git := gittest.NewServer(t)
	w := &world{
		World: &forgetest.World{T: t, Git: git, Repo: git.Create("octo/hello")},
		api:   githubtest.New(t, git, "octo", "hello"), clock: connectortest.NewClock(noon),
	}
	w.api.Token = token
	w.Conn = newConnector(t, w.clock, nil)
	w.Source(map[string]any{"owner": "octo", "repo": "hello", "baseUrl": w.api.URL}, options, token)
	return w
}

func newConnector(t *testing.T, clock domain.Clock, change func(*github.Options)) *github.Connector {
	t.Helper()
	o := github.Options{Git: forgetest.Git(t, clock), REST: forgetest.Calls(clock)}
	if change != nil {
		change(&o)
	}
	c := github.New(o)
	c.SetPage(4)
	return c
}

// hurry gives w a connector that is impatient.
func (w *world) hurry() {
	w.Conn = newConnector(w.T, w.clock, func(o *github.Options) { o.REST.Timeout = forgetest.Patience })
}

// everything is what a source may ask for.
func everything() map[string]any {
	return map[string]any{"indexIssues": true, "indexPRs": true, "indexReleases": true, "indexDiscussions": true, "indexWiki": true}
}

package gitlab_test

import (
	"testing"
	"time"

	"github.com/confuse/data-connector/connectors/connectortest"
	"github.com/confuse/data-connector/connectors/gitlab"
	"github.com/confuse/data-connector/connectors/gitlab/gitlabtest"
	"github.com/confuse/data-connector/connectors/gitrepo/forge/forgetest"
	"github.com/confuse/data-connector/connectors/gitrepo/gittest"
	"github.com/confuse/data-connector/connectors/rest"
	"github.com/confuse/data-connector/domain"
)

// token opens the server. It stands in nothing that is seen.
const token = "glpat-canary0123456789ab"

var noon = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

// A world is a GitLab with one project, and a source that reads it.
type world struct {
	*forgetest.World
	api   *gitlabtest.Server
	clock *connectortest.Clock
}

func newWorld(t *testing.T, options map[string]any) *world {
	t.Helper()
	git := gittest.NewServer(t)
	w := &world{
		World: &forgetest.World{T: t, Git: git, Repo: git.Create("group/sub/hello")},
		api:   gitlabtest.New(t, git, "group/sub/hello"), clock: connectortest.NewClock(noon),
	}
	w.api.Token = token
	w.Conn = newConnector(t, w.clock)
	w.Source(map[string]any{"owner": "group/sub", "repo": "hello", "baseUrl": w.api.URL}, options, token)
	return w
}

func newConnector(t *testing.T, clock domain.Clock) *gitlab.Connector {
	t.Helper()
	return calling(t, clock, forgetest.Calls(clock))
}

func calling(t *testing.T, clock domain.Clock, o rest.Options) *gitlab.Connector {
	t.Helper()
	c := gitlab.New(gitlab.Options{Git: forgetest.Git(t, clock), REST: o})
	c.SetPage(4)
	return c
}

// hurry gives w a connector that is impatient.
func (w *world) hurry() {
	o := forgetest.Calls(w.clock)
	o.Timeout = forgetest.Patience
	w.Conn = calling(w.T, w.clock, o)
}

// everything is what a source may ask for.
func everything() map[string]any {
	return map[string]any{"indexIssues": true, "indexMRs": true, "indexReleases": true, "indexSnippets": true, "indexWiki": true}
}

package bitbucket_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/confuse/data-connector/connectors/bitbucket"
	"github.com/confuse/data-connector/connectors/bitbucket/bitbuckettest"
	"github.com/confuse/data-connector/connectors/connectortest"
	"github.com/confuse/data-connector/connectors/gitrepo/forge/forgetest"
	"github.com/confuse/data-connector/connectors/gitrepo/gittest"
	"github.com/confuse/data-connector/connectors/rest"
	"github.com/confuse/data-connector/domain"
)

// token opens the server. It stands in nothing that is seen.
const token = "ATCTT3xFfGN0canary0123456789abcdefghijklmnopqrstuv"

var noon = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

// A world is a Bitbucket with one repository, and a source that reads it.
type world struct {
	*forgetest.World
	api   *bitbuckettest.Server
	clock *connectortest.Clock
}

// editions are the ways to make a world.
var editions = map[string]func(*testing.T, map[string]any) *world{"cloud": newCloud, "data center": newServer}

// both runs a test on each edition.
func both(t *testing.T, test func(t *testing.T, make func(*testing.T, map[string]any) *world)) {
	t.Helper()
	for name, edition := range editions {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			test(t, edition)
		})
	}
}

func newCloud(t *testing.T, options map[string]any) *world {
	t.Helper()
	git := gittest.NewServer(t)
	w := &world{World: &forgetest.World{T: t, Git: git, Repo: git.Create("team/hello")}, api: bitbuckettest.NewCloud(t, git, "team", "hello")}
	return w.open(map[string]any{"workspace": "team", "repo": "hello"}, options)
}

func newServer(t *testing.T, options map[string]any) *world {
	t.Helper()
	git := gittest.NewServer(t)
	w := &world{World: &forgetest.World{T: t, Git: git, Repo: git.Create("scm/proj/hello")}, api: bitbuckettest.NewServer(t, git, "PROJ", "hello")}
	return w.open(map[string]any{"owner": "PROJ", "repo": "hello", "baseUrl": w.api.URL}, options)
}

func (w *world) open(config, options map[string]any) *world {
	w.T.Helper()
	w.clock = connectortest.NewClock(noon)
	w.api.Token = token
	w.connect(forgetest.Calls(w.clock))
	w.Source(config, options, token)
	return w
}

// connect gives w a connector to which its server is Cloud, too.
func (w *world) connect(o rest.Options) {
	w.T.Helper()
	web, err := url.Parse(w.api.URL)
	if err != nil {
		w.T.Fatal(err)
	}
	conn := bitbucket.New(bitbucket.Options{Git: forgetest.Git(w.T, w.clock), REST: o, Cloud: web})
	conn.SetPage(4)
	w.Conn = conn
}

// hurry gives w a connector that is impatient.
func (w *world) hurry() {
	o := forgetest.Calls(w.clock)
	o.Timeout = forgetest.Patience
	w.connect(o)
}

func newConnector(t *testing.T, clock domain.Clock) *bitbucket.Connector {
	t.Helper()
	return bitbucket.New(bitbucket.Options{Git: forgetest.Git(t, clock), REST: forgetest.Calls(clock)})
}

var withPulls = map[string]any{"indexPRs": true}

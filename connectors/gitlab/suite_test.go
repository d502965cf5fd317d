package gitlab_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/confuse/data-connector/connectors/connectortest"
	"github.com/confuse/data-connector/connectors/gitlab/gitlabtest"
	"github.com/confuse/data-connector/connectors/gitrepo/gittest"
)

// TestConnector: a project with issues, merge requests and snippets. The suite changes files alone: their names sort before the items'.
func TestConnector(t *testing.T) {
	t.Parallel()

	connectortest.Run(t, func(t *testing.T) connectortest.Fixture {
		options := everything()
		delete(options, "indexReleases") // read as snippets are
		delete(options, "indexWiki")     // a second repository for each of a hundred syncs
		w := newWorld(t, options)
		w.api.Public()
		files := map[string]string{}
		var edits []gittest.Edit
		for i := range 20 {
			path := fmt.Sprintf("0-dir/%02d.txt", i)
			files[path] = fmt.Sprintf("file %d\nof many lines\nthat are much alike\nin all of them\n", i)
			edits = append(edits, gittest.Put(path, files[path]))
		}
		w.Repo.Commit("main", edits...)
		w.fill(5)
		for path, item := range w.Listed().Items {
			if path[0] == '@' {
				files[path] = w.Read(item)
			}
		}
		faults := map[connectortest.Fault]func(){}
		for fault, f := range map[connectortest.Fault]gitlabtest.Fault{
			connectortest.Unauthorized: {Match: "/issues?", Not: "desc", Status: http.StatusUnauthorized},
			connectortest.CutOff:       {Match: "/merge_requests?", Cut: true},
			connectortest.EmptyPage:    {Match: "/merge_requests?", Empty: true, Times: 1},
			connectortest.ServerError:  {Match: "page=2", Status: http.StatusBadGateway},
			connectortest.RateLimited:  {Match: "/issues?", Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"30"}}},
			connectortest.Truncated:    {Match: "/issues?", Not: "desc", Halve: true, Times: 1},
		} {
			faults[fault] = func() { w.api.Fail(f) }
		}
		return connectortest.Fixture{
			Connector: w.Conn, Config: w.Scope.Config, Token: token, Files: files,
			Put: w.Put, Remove: w.Remove, Rename: w.Rename, Reset: w.Rewrite,
			Faults: faults, Mend: func() {
				w.api.Mend()
				w.clock.Turn(time.Hour) // what was limited is so no more
			},
		}
	})
}

// fill makes n items of each kind.
func (w *world) fill(n int) {
	for i := 1; i <= n; i++ {
		w.api.Issue(i, fmt.Sprintf("Issue %d", i), "It is broken.")
		w.api.MergeRequest(100+i, fmt.Sprintf("Change %d", i), "It is mended.")
		w.api.Release(fmt.Sprintf("rel/v1.%d", i), "News.")
		w.api.Snippet(300+i, fmt.Sprintf("Snippet %d", i), map[string]string{"a.rb": "puts 1\n", "b.md": "```go\nx\n```\n"})
	}
	w.api.Comment(1, "Me too.", nil)
	w.api.Comment(101, "Nice.", nil)
	w.api.Comment(101, "added 1 commit", gitlabtest.Object{"system": true})
	w.api.Thread(101, "main.go", 12, "Why this?", "Because.")
	w.Git.Create("group/sub/hello.wiki").Commit("main", gittest.Put("home.md", "Welcome."), gittest.Put("guide.md", "How to."))
}

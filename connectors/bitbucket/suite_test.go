package bitbucket_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/confuse/data-connector/connectors/bitbucket/bitbuckettest"
	"github.com/confuse/data-connector/connectors/connectortest"
	"github.com/confuse/data-connector/connectors/gitrepo/gittest"
)

// TestCloud and TestServer: a repository with pull requests. The suite changes
// files alone: their names sort before the items'. They are few, for all of git is
// in the suite's run over gitrepo.
func TestCloud(t *testing.T) {
	t.Parallel()

	connectortest.Run(t, func(t *testing.T) connectortest.Fixture {
		return newCloud(t, withPulls).fixture(map[connectortest.Fault]bitbuckettest.Fault{
			connectortest.Unauthorized: {Match: "/pullrequests?", Not: "id > 0", Status: http.StatusUnauthorized},
			connectortest.CutOff:       {Match: "id > 4", Cut: true},
			connectortest.EmptyPage:    {Match: "id > 4", Empty: true, Times: 1},
			connectortest.Truncated:    {Match: "id > ", Halve: true, Times: 2},
		})
	})
}

func TestServer(t *testing.T) {
	t.Parallel()

	connectortest.Run(t, func(t *testing.T) connectortest.Fixture {
		return newServer(t, withPulls).fixture(map[connectortest.Fault]bitbuckettest.Fault{
			connectortest.ServerError: {Match: "start=3", Status: http.StatusBadGateway},
			connectortest.RateLimited: {Match: "start=3", Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"30"}}},
		})
	})
}

func (w *world) fixture(orders map[connectortest.Fault]bitbuckettest.Fault) connectortest.Fixture {
	w.api.Token = "" // the engine's runs have no credential
	files := map[string]string{}
	var edits []gittest.Edit
	for i := range 8 {
		path := fmt.Sprintf("0-dir/%02d.txt", i)
		files[path] = fmt.Sprintf("file %d\nof many lines\nthat are much alike\nin all of them\n", i)
		edits = append(edits, gittest.Put(path, files[path]))
	}
	w.Repo.Commit("main", edits...)
	for n := 1; n <= 6; n++ {
		w.api.Pull(n, fmt.Sprintf("Change %d", n), "It is mended.")
	}
	w.api.Comment(1, "", "Nice.")
	for path, item := range w.Listed().Items {
		if path[0] == '@' {
			files[path] = w.Read(item)
		}
	}
	faults := map[connectortest.Fault]func(){}
	for fault, f := range orders {
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
}

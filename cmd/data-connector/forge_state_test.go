package main

import (
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/confuse/data-connector/connectors/github/githubtest"
	"github.com/confuse/data-connector/connectors/gitrepo/gittest"
)

// A repository that is renamed, made private and archived is the same source: the
// API and the command line say how it is now, no file is told of, and one that cannot
// be seen any more keeps its files. The content behind an LFS pointer is there: it
// was asked for.
func TestForgeStates(t *testing.T) {
	t.Parallel()

	const picture = "a large picture"
	f := newForge(t)
	f.repo.Commit("main", gittest.Put("picture.psd", f.git.NewStore().Put(picture)))
	f.api.Repository(githubtest.Object{"visibility": "public"})
	f.serve()
	source := f.connect(map[string]any{"lfs": true})
	events := follow(t, f.env, source)
	events.change(t, "sync_completed")
	f.checkPicture(source, http.StatusOK, picture)
	f.checkState(source, "octo/hello", "public", false)

	f.api.Rename("octo", "renamed")
	if err := os.Rename(f.repo.Dir, f.git.Path("octo/renamed")); err != nil {
		t.Fatal(err)
	}
	f.api.Repository(githubtest.Object{"visibility": "private", "archived": true})
	f.deliver("repository", payload{"action": "renamed", "repository": f.about()})
	done, told := events.change(t, "sync_completed")
	f.await(source, done.Position)
	if all := strings.Join(told, " "); strings.Contains(all, "added") || strings.Contains(all, "renamed") || strings.Contains(all, "removed") {
		t.Errorf("got %q told of a repository that was renamed", told)
	}
	f.checkState(source, "octo/renamed", "private", true)
	if shown := must(t, f.cli(), "source", "show", source); !strings.Contains(shown, "octo/renamed, private, archived") {
		t.Errorf("got %s", shown)
	}

	f.api.Vanish(true)
	f.deliver("repository", payload{"action": "deleted", "repository": f.about()})
	failed, _ := events.change(t, "sync_failed")
	f.await(source, failed.Position)
	var reply struct {
		LastError struct{ Code string }
		Stats     struct{ Files int }
	}
	if fetch(t, f.server.URL+"/sources/"+source, &reply); reply.LastError.Code != "gone" || reply.Stats.Files != 1 {
		t.Errorf("got %+v of a repository that is gone, want that it is and its file", reply)
	}
	f.server.stop(t)
}

// checkState wants the source to say how the repository is at its provider.
func (f *forge) checkState(source, name, visibility string, archived bool) {
	f.t.Helper()
	var reply struct {
		Object struct {
			Name, URL, Visibility string
			Archived              bool
		}
	}
	fetch(f.t, f.server.URL+"/sources/"+source, &reply)
	o := reply.Object
	if o.Name != name || o.Visibility != visibility || o.Archived != archived || !strings.HasSuffix(o.URL, "/"+name) {
		f.t.Errorf("got %+v, want %s, %s, archived %v", o, name, visibility, archived)
	}
}

// checkPicture wants the content of the only file.
func (f *forge) checkPicture(source string, status int, want string) {
	f.t.Helper()
	var list struct{ Files []struct{ ID string } }
	if fetch(f.t, f.server.URL+"/sources/"+source+"/files", &list); len(list.Files) != 1 {
		f.t.Fatalf("got %d files", len(list.Files))
	}
	resp := request(f.t, http.MethodGet, f.server.URL+"/files/"+list.Files[0].ID+"/content", nil)
	defer func() { _ = resp.Body.Close() }() // read to its end
	got, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != status || string(got) != want {
		f.t.Errorf("got %d %q, %v, want %d %q", resp.StatusCode, got, err, status, want)
	}
}

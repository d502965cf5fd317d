package forgetest

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/confuse/data-connector/connectors/gitrepo/gittest"
	"github.com/confuse/data-connector/domain"
)

// An Asked is what somebody asks for, and what is said to it.
type Asked struct {
	Change map[string]any // options put over those that work; nil takes one away
	Field  string         // of the InvalidError; empty: none
	Err    error
}

// Validated asks for each of them, and for what is the same with every forge. ok
// looks at what was found.
func (w *World) Validated(asked map[string]Asked, ok func(domain.Identity) bool) {
	w.T.Helper()
	w.Put("README.md", "hello")
	all := map[string]Asked{
		"as it is":         {},
		"with .git":        {Change: map[string]any{"repo": "hello.git"}},
		"a branch":         {Change: map[string]any{"branch": "main"}},
		"no such branch":   {Change: map[string]any{"branch": "none"}, Field: "config.branch"},
		"an option of git": {Change: map[string]any{"branch": "--upload-pack=x"}, Field: "config.branch"},
		"a path":           {Change: map[string]any{"repo": "../x"}, Field: "config.repo"},
		"a user in a URL":  {Change: map[string]any{"baseUrl": "https://u:p@example.com"}, Field: "config.baseUrl"},
		"a private server": {Change: map[string]any{"baseUrl": "https://10.0.0.1"}, Field: "config.baseUrl"},
		"metadata service": {Change: map[string]any{"baseUrl": "http://169.254.169.254"}, Field: "config.baseUrl"},
		"a file":           {Change: map[string]any{"baseUrl": "file:///etc"}, Field: "config.baseUrl"},
		"no such thing":    {Change: map[string]any{"repo": "none"}, Err: domain.ErrGone},
	}
	for name, one := range asked {
		all[name] = one
	}
	for name, one := range all {
		id, err := w.Conn.Validate(w.T.Context(), w.Asking(one.Change))
		var invalid *domain.InvalidError
		switch {
		case one.Field != "":
			if !errors.As(err, &invalid) || invalid.Field != one.Field {
				w.T.Errorf("%s: got %v, want an InvalidError of %s", name, err, one.Field)
			}
		case !errors.Is(err, one.Err):
			w.T.Errorf("%s: got %v, want %v", name, err, one.Err)
		case err == nil && (!ok(id) || id.URL == ""):
			w.T.Errorf("%s: got %+v", name, id)
		}
	}
}

// Renamed renames the repository to other/renamed by rename: it is the same source,
// also for a worker that has never seen it, with not one item changed. Then replace
// puts another one under the old name, which is not it.
func (w *World) Renamed(moved string, rename, replace func()) {
	w.T.Helper()
	w.Put("README.md", "hello")
	before, err := w.Conn.Validate(w.T.Context(), w.Scope)
	if err != nil {
		w.T.Fatal(err)
	}
	w.Scope.ExternalKey = before.ExternalKey
	from, old := w.Start(), w.Listed()
	readme := old.Items["README.md"]
	rename()
	w.Move(moved)
	if !w.Changed(from) { // the old name is in the cache: the sync that follows asks by id
		w.T.Error("got no change of a repository that was renamed")
	}
	w.Scope.Cache = w.T.TempDir()
	after, err := w.Conn.Validate(w.T.Context(), w.Scope)
	if err != nil || after.ExternalKey != before.ExternalKey || after.Name != "other/renamed" {
		w.T.Errorf("got %+v, %v, before it was %+v", after, err, before)
	}
	if f := w.Follow(from); len(f.Items) != 0 {
		w.T.Errorf("got %q told of a repository that was renamed", f.Paths())
	}
	if news := w.Listed().News(old); len(news) > 0 {
		w.T.Errorf("got %q changed by a rename", news)
	}
	replace()
	w.Scope.Cache = w.T.TempDir()
	if _, err := w.Conn.Fetch(w.T.Context(), w.Scope, readme.Ref()); !errors.Is(err, domain.ErrGone) {
		w.T.Errorf("got %v for a file by a worker that never saw the repository, want ErrGone", err)
	}
	for what, err := range map[string]error{
		"feed": w.Conn.Changes(w.T.Context(), w.Scope, from, NewListing()), "listing": w.Conn.Snapshot(w.T.Context(), w.Scope, domain.Cursor{}, NewListing()),
	} {
		if !errors.Is(err, domain.ErrGone) {
			w.T.Errorf("%s: got %v, want ErrGone: the name is another one's", what, err)
		}
	}
	if id, err := w.Conn.Validate(w.T.Context(), w.Scope); !errors.Is(err, domain.ErrGone) && id.ExternalKey == before.ExternalKey {
		w.T.Errorf("got %+v, %v of another repository under the name", id, err)
	}
}

// Stated wants Validate to say who may see the repository, and whether it is
// archived, behind each change, and a poll to notice the change when turn has moved
// the clock, again and again until the source says it.
func (w *World) Stated(turn func(), changes map[domain.ObjectState]func()) {
	w.T.Helper()
	w.Put("README.md", "hello")
	from := w.Start()
	for want, change := range changes {
		before, err := w.Conn.Validate(w.T.Context(), w.Scope)
		if err != nil || w.Changed(from) {
			w.T.Errorf("got a change before there was one, %v", err)
		}
		w.Scope.Object = before.State
		change()
		for range 2 { // the cache knows it the second time
			turn()
			if news := want.Visibility != before.State.Visibility || want.Archived != before.State.Archived; w.Changed(from) != news {
				w.T.Errorf("from %+v to %+v: a poll does not say whether that is a change", before.State, want)
			}
		}
		id, err := w.Conn.Validate(w.T.Context(), w.Scope)
		want.Name, want.URL = id.Name, id.URL
		if err != nil || id.State != want {
			w.T.Errorf("got %+v, %v, want %+v", id.State, err, want)
		}
		w.Scope.Object = id.State
		if turn(); w.Changed(from) {
			w.T.Errorf("%+v is told, and a poll says it again", want)
		}
	}
}

// Lost takes the repository away and gives it back: it is gone, but only with a
// credential that works.
func (w *World) Lost(token domain.Secret, vanish func(bool)) {
	w.T.Helper()
	w.Put("README.md", "hello")
	w.Listed()
	vanish(true)
	if _, err := w.List(); !errors.Is(err, domain.ErrGone) {
		w.T.Errorf("got %v, want ErrGone", err)
	}
	w.Token("expired")
	if _, err := w.List(); !errors.Is(err, domain.ErrUnauthorized) || errors.Is(err, domain.ErrGone) {
		w.T.Errorf("got %v with a token that is dead, want ErrUnauthorized alone", err)
	}
	vanish(false)
	w.Token(token)
	if l := w.Listed(); len(l.Items) != 1 {
		w.T.Errorf("got %q", l.Paths())
	}
}

// Polled wants a poll that finds nothing to cost so many calls, each answered by
// 304; stale, where the tag is of no use any more, lasts for a while only: turn
// moves the clock over its end.
func (w *World) Polled(desk *Desk, polls int, change, turn func()) {
	w.T.Helper()
	from := w.Start()
	desk.Calls()
	if w.Changed(from) {
		w.T.Error("got a change where there was none")
	}
	calls := desk.Calls()
	for _, c := range calls {
		if c.Status != http.StatusNotModified {
			w.T.Errorf("got %+v, want 304", c)
		}
	}
	if len(calls) != polls {
		w.T.Errorf("got %v, want %d calls", calls, polls)
	}
	desk.Fail(Fault{Stale: true})
	change()
	if w.Changed(from) {
		w.T.Fatal("got a change, want a tag that is stale")
	}
	turn()
	if !w.Changed(from) {
		w.T.Error("got no change: a stale tag is believed for good")
	}
	desk.Mend()
}

// Pushed wants a push to cost one conditional call, for the repository, and none
// for its files. The source asks for nothing but files.
func (w *World) Pushed(desk *Desk) {
	w.T.Helper()
	w.Put("README.md", "hello")
	from := w.Start()
	w.Listed()
	w.Put("README.md", "changed")
	desk.Calls()
	f := w.Follow(from)
	if got := w.Read(f.Items["README.md"]); got != "changed" {
		w.T.Errorf("got %q", got)
	}
	if calls := desk.Calls(); len(calls) != 1 || calls[0].Status != http.StatusNotModified {
		w.T.Errorf("got %v for a push, want one conditional call for the repository", calls)
	}
}

// Branched wants the option branch to be what is read, and another one to come to
// the difference. The source asks for nothing but files.
func (w *World) Branched() {
	w.T.Helper()
	w.Put("README.md", "hello")
	w.Repo.CommitFrom("side", "main", nil, gittest.Put("beside", "x"))
	from, cache := w.Start(), w.Scope.Cache
	w.Listed()
	for _, tt := range []struct {
		branch any
		want   []string
	}{{"side", []string{"README.md", "beside"}}, {nil, []string{"README.md"}}} {
		w.Scope = w.Asking(map[string]any{"branch": tt.branch})
		w.Scope.Cache = cache
		if !w.Changed(from) {
			w.T.Errorf("branch %v: a poll sees no change", tt.branch)
		}
		f := w.Follow(from)
		if len(f.Items)+len(f.Deleted) != 1 {
			w.T.Errorf("branch %v: got %q and without %v, want one change", tt.branch, f.Paths(), f.Deleted)
		}
		if got := w.Listed().Paths(); !slices.Equal(got, tt.want) {
			w.T.Errorf("branch %v: got %q, want %q", tt.branch, got, tt.want)
		}
		from = f.Cursor
	}
}

// Documented wants every option in the section of docs/connectors.md that the
// provider has.
func Documented(t *testing.T, d domain.Capabilities) {
	t.Helper()
	text, err := os.ReadFile("../../docs/connectors.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## "+string(d.Provider)+"\n")
	section, _, _ = strings.Cut(section, "\n## ")
	for _, o := range d.Options {
		if !strings.Contains(section, "`"+o.Name+"`") {
			t.Errorf("option %q is not documented", o.Name)
		}
	}
}

// LFS lists and reads a file in LFS: typed while nobody asks for it, and else its
// content, which lies at another host that is never shown the token.
func (w *World) LFS(token domain.Secret) {
	w.T.Helper()
	const content = "a large picture"
	store := w.Git.NewStore()
	w.Repo.Commit("main", gittest.Put("picture.psd", store.Put(content)), gittest.Put("a.txt", "a"))
	item := w.Listed().Items["picture.psd"]
	if !item.Bodiless || item.Attributes["lfs_oid"] == "" || item.Attributes["lfs_size"] != "15" {
		w.T.Errorf("got %+v for a pointer, want it typed", item)
	}
	w.Scope = w.Asking(map[string]any{"lfs": true})
	if item = w.Listed().Items["picture.psd"]; item.Bodiless || item.Size != int64(len(content)) {
		w.T.Errorf("got %+v, want a file with content", item)
	}
	if got := w.Read(item); got != content {
		w.T.Errorf("got %q", got)
	}
	shown := store.Shown()
	if len(shown) != 1 {
		w.T.Errorf("got %d requests at the store of files, want one", len(shown))
	}
	for _, h := range shown {
		if strings.Contains(fmt.Sprint(h), string(token)) {
			w.T.Errorf("the store of files got %v", h)
		}
	}
}

// Placed compares where sources are looked for, by their base URL; nothing: it is
// refused.
func Placed(t *testing.T, place func(base string) ([]string, error), want map[string][]string) {
	t.Helper()
	for base, want := range want {
		got, err := place(base)
		if invalid := new(domain.InvalidError); !slices.Equal(got, want) || (want == nil) != errors.As(err, &invalid) {
			t.Errorf("%q: got %q, %v, want %q", base, got, err, want)
		}
	}
}

package gitrepo_test

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/confuse/data-connector/connectors/gitrepo"
	"github.com/confuse/data-connector/connectors/gitrepo/gittest"
	"github.com/confuse/data-connector/domain"
)

func TestFaults(t *testing.T) {
	t.Parallel()

	limited := func(err error) bool { var e *domain.RateLimitedError; return errors.As(err, &e) && !e.Until.IsZero() }
	is := func(target error) func(error) bool { return func(err error) bool { return errors.Is(err, target) } }
	moved := http.Header{"Location": {"http://127.0.0.1:1/elsewhere"}}
	tests := map[string]struct {
		fault gittest.Fault
		want  func(error) bool
	}{
		"401":          {gittest.Fault{Status: 401}, is(domain.ErrUnauthorized)},
		"403":          {gittest.Fault{Status: 403}, is(domain.ErrForbidden)},
		"404":          {gittest.Fault{Status: 404}, is(domain.ErrGone)},
		"410":          {gittest.Fault{Status: 410}, is(domain.ErrGone)},
		"429":          {gittest.Fault{Status: 429, Header: http.Header{"Retry-After": {"7"}}}, limited},
		"500":          {gittest.Fault{Status: 500}, is(domain.ErrTransient)},
		"503":          {gittest.Fault{Status: 503}, is(domain.ErrTransient)},
		"redirect":     {gittest.Fault{Status: 302, Header: moved}, func(err error) bool { var e *domain.InvalidError; return errors.As(err, &e) }},
		"cut at once":  {gittest.Fault{Path: "git-upload-pack", Cut: 1}, is(domain.ErrTransient)},
		"cut mid-pack": {gittest.Fault{Path: "git-upload-pack", Cut: 3000}, is(domain.ErrTransient)},
		"no git at all": {gittest.Fault{Status: 200, Header: http.Header{"Content-Type": {"text/html"}}}, func(err error) bool {
			return errors.Is(err, domain.ErrTransient) || errors.Is(err, domain.ErrGone)
		}},
	}
	for name, tt := range both(tests) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			w := newWorld(t)
			if strings.HasSuffix(name, byGit) {
				w.source.Client = newClient(t, gitrepo.Options{})
			}
			w.repo.Commit("main", many(200)...)
			w.server.Fail(tt.fault)
			l := newListing(t)
			err := w.source.Snapshot(t.Context(), w.scope, domain.Cursor{}, l)
			if !tt.want(err) || l.complete {
				t.Errorf("got %v, complete %v", err, l.complete)
			}
			w.server.Mend()
			w.check(w.list().items, "main")
		})
	}
}

// byGit ends the name of a case in which git asks for refs, not our own client.
const byGit = ", by git"

func both[T any](tests map[string]T) map[string]T {
	all := maps.Clone(tests)
	for name, tt := range tests {
		all[name+byGit] = tt
	}
	return all
}

// A probe is one request.
func TestProbeIsOneRequest(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.repo.Commit("main", gittest.Put("a", "1"))
	from := w.start()
	w.server.Requests()
	for _, want := range []bool{false, true} {
		if got, err := w.source.Changed(t.Context(), w.scope, from); err != nil || got != want {
			t.Errorf("got %v, %v, want %v", got, err, want)
		}
		if n := len(w.server.Requests()); n != 1 {
			t.Errorf("got %d requests", n)
		}
		w.repo.Commit("main", gittest.Put("a", "2"))
	}
}

// The time that a server asks for is what it gets, within reason.
func TestRetryAfter(t *testing.T) {
	t.Parallel()

	for after, want := range map[string]time.Duration{
		"7": 7 * time.Second, "999999999": 24 * time.Hour, "-1": time.Minute, "soon": time.Minute, "": time.Minute,
		"Tue, 01 Jan 2030 00:02:00 GMT": 2 * time.Minute, "Tue, 01 Jan 2019 00:02:00 GMT": time.Minute,
	} {
		w := newWorld(t)
		w.server.Fail(gittest.Fault{Status: 429, Header: http.Header{"Retry-After": {after}}})
		_, err := w.source.StartCursor(t.Context(), w.scope)
		var limited *domain.RateLimitedError
		if !errors.As(err, &limited) || limited.Until.Sub(noon) != want {
			t.Errorf("%q: got %v, want %s", after, err, want)
		}
	}
}

// A token that expires in the middle is asked for once more, and no more often.
func TestTokenExpires(t *testing.T) {
	t.Parallel()

	for _, valid := range []bool{true, false} {
		w := newWorld(t)
		w.repo.Commit("main", gittest.Put("a", "1"))
		w.server.Protect("x-access-token", "new")
		asked := 0
		w.source.Remote.Auth = func(context.Context) (gitrepo.Auth, error) {
			if asked++; asked == 1 || !valid {
				return gitrepo.Auth{Username: "x-access-token", Password: "old"}, nil
			}
			return gitrepo.Auth{Username: "x-access-token", Password: "new"}, nil
		}
		_, err := w.source.StartCursor(t.Context(), w.scope)
		if valid && err != nil || !valid && !errors.Is(err, domain.ErrUnauthorized) || asked != 2 {
			t.Errorf("valid %v: got %v, asked %d times", valid, err, asked)
		}
	}
}

// The token is in no error, no file and no argument, and goes to no other host.
func TestTokenStaysSecret(t *testing.T) {
	t.Parallel()

	const canary = "canary-0123456789abcdef"
	w := newWorld(t)
	w.repo.Commit("main", many(20)...)
	w.server.Protect("git", canary)
	w.source.Remote.Auth = func(context.Context) (gitrepo.Auth, error) {
		return gitrepo.Auth{Username: "git", Password: canary}, nil
	}
	var errs []error
	w.list()
	for _, f := range []gittest.Fault{{Status: 401}, {Status: 403}, {Status: 500}, {Path: "upload-pack", Cut: 10}} {
		w.server.Fail(f)
		_, err := w.source.StartCursor(t.Context(), w.scope)
		errs = append(errs, err)
		w.server.Mend()
	}
	if text := errors.Join(errs...).Error(); strings.Contains(text, canary) || strings.Contains(text, "Z2l0OmNhbmFye") {
		t.Errorf("got the token in %s", text)
	}
	err := filepath.WalkDir(w.scope.Cache, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if strings.Contains(string(b), canary) || strings.Contains(string(b), "Z2l0OmNhbmFye") {
			t.Errorf("got the token in %s", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	foreign := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("another host was asked: %s, %q", r.URL, r.Header.Get("Authorization"))
	}))
	t.Cleanup(foreign.Close)
	w.server.Fail(gittest.Fault{Status: 302, Header: http.Header{"Location": {foreign.URL + "/repo.git/info/refs?service=git-upload-pack"}}})
	if _, err := w.source.StartCursor(t.Context(), w.scope); err == nil {
		t.Error("a redirect was followed")
	}
}

// git connects to the address that it is given, and to none where one is refused.
func TestAddressIsPinned(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.repo.Commit("main", gittest.Put("a", "1"))
	refused := errors.New("not there")
	w.source.Remote.URL = strings.Replace(w.repo.URL, "127.0.0.1", "git.example.invalid", 1)
	asked := ""
	w.source.Client = newClient(t, gitrepo.Options{Resolve: func(_ context.Context, host string, _ int) (netip.Addr, error) {
		asked = host
		return netip.MustParseAddr("127.0.0.1"), nil
	}})
	w.check(w.list().items, "main")
	if asked != "git.example.invalid" {
		t.Errorf("got host %q", asked)
	}
	w.source.Client = newClient(t, gitrepo.Options{Resolve: func(context.Context, string, int) (netip.Addr, error) { return netip.Addr{}, refused }})
	w.server.Requests()
	if _, err := w.source.StartCursor(t.Context(), w.scope); !errors.Is(err, refused) || len(w.server.Requests()) > 0 {
		t.Errorf("got %v", err)
	}
}

func TestURLs(t *testing.T) {
	t.Parallel()

	strict, err := gitrepo.New(gitrepo.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range []string{"http://h/r", "ssh://h/r", "git://h/r", "file:///etc", "ext::sh -c id", "/etc", "git@h:r", "-u./x", "https://", "https://u:p@h/r", "https://h/r?x=1", "https://h/r#x", "https://-h/r", "https://h/a%0Ab", ""} {
		var invalid *domain.InvalidError
		if err := strict.CheckURL(u); !errors.As(err, &invalid) {
			t.Errorf("%q: got %v", u, err)
		}
	}
	for _, u := range []string{"https://h/r.git", "https://h:8443/a/b%20c.git", "https://[::1]/r"} {
		if err := strict.CheckURL(u); err != nil {
			t.Errorf("%q: got %v", u, err)
		}
	}
}

// A server that says nothing holds nobody up for ever, and leaves no process.
func TestSlowServer(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.repo.Commit("main", gittest.Put("a", "1"))
	hold := make(chan struct{})
	t.Cleanup(func() { close(hold) })
	w.server.Fail(gittest.Fault{Hold: hold})
	w.source.Client = newClient(t, gitrepo.Options{Timeout: 200 * time.Millisecond})
	if _, err := w.source.StartCursor(t.Context(), w.scope); !errors.Is(err, domain.ErrTransient) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errStop)
	w.source.Client = newClient(t, gitrepo.Options{})
	if _, err := w.source.StartCursor(ctx, w.scope); !errors.Is(err, errStop) {
		t.Errorf("got %v, want the cause", err)
	}
}

// What the server's own configuration, hooks and attributes say is nothing to us,
// and what our cache is made to say neither.
func TestCacheIsNotTrusted(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.repo.Commit("main", gittest.Put("a", "1"), gittest.Put(".gitattributes", "* filter=evil diff=evil\n"))
	from := w.start()
	w.list()
	mark := filepath.Join(t.TempDir(), "was here")
	config := "[core]\n\tfsmonitor = touch '" + mark + "'\n\tsshCommand = touch '" + mark + "'\n[diff \"evil\"]\n\tcommand = touch '" + mark + "'\n"
	git := filepath.Join(w.scope.Cache, "repo/git")
	if err := os.WriteFile(filepath.Join(git, "config"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(git, "hooks"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, hook := range []string{"post-checkout", "reference-transaction", "pre-auto-gc", "post-rewrite"} {
		if err := os.WriteFile(filepath.Join(git, "hooks", hook), []byte("#!/bin/sh\ntouch '"+mark+"'\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	w.repo.Commit("main", gittest.Put("a", "2"))
	if f := w.follow(from); len(f.items) != 1 {
		t.Errorf("got %d changes", len(f.items))
	}
	if _, err := os.Stat(mark); err == nil {
		t.Error("a program was run")
	}
}

// Objects that git holds for dangerous are refused by name, until an operator
// accepts them.
func TestUnsafeRepository(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.repo.Commit("main", gittest.Put(".gitmodules", "[submodule \"a\"]\n\tpath = a\n\turl = -u./payload\n"), gittest.Submodule("a", other))
	err := w.source.Snapshot(t.Context(), w.scope, domain.Cursor{}, newListing(t))
	var unsafe *gitrepo.UnsafeError
	if !errors.As(err, &unsafe) || unsafe.ID != "gitmodulesUrl" {
		t.Fatalf("got %v", err)
	}
	w.source.Client = newClient(t, gitrepo.Options{AcceptFsck: []string{unsafe.ID}})
	w.check(w.list().items, "main")
}

func TestTooManyRefs(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	id := w.repo.Commit("main", gittest.Put("a", "1"))
	var refs strings.Builder
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		refs.WriteString("create refs/heads/" + name + " " + id + "\n")
	}
	w.repo.GitInput([]byte(refs.String()), "update-ref", "--stdin")
	w.source.Client = newClient(t, gitrepo.Options{MaxRefs: 3})
	if _, err := w.source.StartCursor(t.Context(), w.scope); err != nil {
		t.Errorf("got %v: other refs are not asked for", err)
	}
	w.source.Remote.Ref = "gone"
	if _, err := w.source.StartCursor(t.Context(), w.scope); !errors.Is(err, domain.ErrTooLarge) {
		t.Errorf("got %v", err)
	}
}

func TestVersions(t *testing.T) {
	t.Parallel()

	for version, ok := range map[string]bool{"2.39.0": true, "2.39.5 (Apple Git-154)": true, "2.50.1": true, "3.0.0": true, "2.38.9": false, "1.9": false, "2.47.windows.1": true, "x": false, "": false} {
		if err := gitrepo.CheckVersion(version); (err == nil) != ok {
			t.Errorf("%q: got %v", version, err)
		}
	}
	if version, err := newClient(t, gitrepo.Options{}).Check(t.Context()); err != nil || version == "" {
		t.Errorf("got %q, %v", version, err)
	}
	old := filepath.Join(t.TempDir(), "git")
	if err := os.WriteFile(old, []byte("#!/bin/sh\necho git version 2.30.2\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := newClient(t, gitrepo.Options{Program: old}).Check(t.Context()); err == nil || !strings.Contains(err.Error(), "2.30.2 is too old") {
		t.Errorf("got %v", err)
	}
	if _, err := gitrepo.New(gitrepo.Options{Program: "/nowhere/git"}); err == nil {
		t.Error("got no error without git")
	}
}

// A server that stops in the middle of its refs is given up in time.
func TestSlowRefs(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.server.Handle("/repo.git/git-upload-pack", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "application/x-git-upload-pack-result")
		_, _ = rw.Write([]byte("003d" + strings.Repeat("a", 40) + " refs/heads/main\n")) // to a client that waits for more
		_ = http.NewResponseController(rw).Flush()                                       // it may be gone
		<-r.Context().Done()
	}))
	w.source.Client = newClient(t, gitrepo.Options{HTTP: &http.Client{}, Timeout: 300 * time.Millisecond})
	if _, err := w.source.StartCursor(t.Context(), w.scope); !errors.Is(err, domain.ErrTransient) {
		t.Errorf("got %v, want ErrTransient", err)
	}
}

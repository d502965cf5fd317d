package gitrepo_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/confuse/data-connector/connectors/gitrepo"
	"github.com/confuse/data-connector/connectors/gitrepo/gittest"
	"github.com/confuse/data-connector/domain"
)

// spy is a git that notes its arguments and all that it knows of the world, and then
// is git.
func spy(t *testing.T) (program, notes string) {
	t.Helper()
	git, err := exec.LookPath("git")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	program, notes = filepath.Join(dir, "git"), filepath.Join(dir, "notes")
	script := "#!/bin/sh\n{ echo \"run $*\"; env; ulimit -a; } >>'" + notes + "'\nexec '" + git + "' \"$@\"\n"
	if err := os.WriteFile(program, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return program, notes
}

// Git knows nothing of our environment, is told the whole hardened configuration at
// each run, and the token by it alone, for one host.
func TestWhatGitIsTold(t *testing.T) {
	const secret = "a secret of ours"
	for _, name := range []string{"GIT_SSH_COMMAND", "GIT_EXTERNAL_DIFF", "GIT_SSL_NO_VERIFY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_PROXY_COMMAND", "https_proxy", "http_proxy", "ALL_PROXY", "DATABASE_URL"} {
		t.Setenv(name, secret)
	}
	w := newWorld(t)
	w.repo.Commit("main", many(20)...)
	w.server.Protect("git", "the token")
	program, notes := spy(t)
	w.source.Client = newClient(t, gitrepo.Options{Program: program, Resolve: func(context.Context, string, int) (netip.Addr, error) {
		return netip.MustParseAddr("127.0.0.1"), nil
	}})
	w.source.Remote.Auth = func(context.Context) (gitrepo.Auth, error) {
		return gitrepo.Auth{Username: "git", Password: "the token"}, nil
	}
	from := w.start()
	if _, err := w.read(w.list().items["dir/0001"]); err != nil {
		t.Fatal(err)
	}
	w.repo.Commit("main", gittest.Put("dir/0001", "edited"))
	w.follow(from)
	b, err := os.ReadFile(notes)
	if err != nil {
		t.Fatal(err)
	}
	runs := strings.Split(string(b), "run ")[1:]
	for _, verb := range []string{"ls-remote", "fetch", "ls-tree", "cat-file", "diff-tree"} {
		if !slices.ContainsFunc(runs, func(run string) bool { return strings.Contains(strings.SplitN(run, "\n", 2)[0], verb) }) {
			t.Errorf("git %s was not seen", verb)
		}
	}
	for _, run := range runs {
		checkTold(t, run, w.repo.URL)
	}
}

// checkTold looks at one run of git: its arguments in the first line, then its
// environment.
func checkTold(t *testing.T, run, url string) {
	t.Helper()
	told := map[string]string{}
	args, rest, _ := strings.Cut(run, "\n")
	env := map[string]string{}
	for line := range strings.Lines(rest) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		env[name] = value
	}
	for i := 0; ; i++ {
		key, ok := env[fmt.Sprint("GIT_CONFIG_KEY_", i)]
		if !ok {
			break
		}
		told[key] = env[fmt.Sprint("GIT_CONFIG_VALUE_", i)]
	}
	network := strings.Contains(args, "ls-remote") || strings.Contains(args, "fetch")
	if strings.Contains(run, "a secret of ours") || strings.Contains(args, "the token") || strings.Contains(args, "dGhlIHRva2Vu") {
		t.Errorf("git %s: got what it must not know:\n%s", args, rest)
	}
	if network && !strings.Contains(args, " -- "+url) {
		t.Errorf("git %s: got no -- before the address", args)
	}
	wantEnv := map[string]string{
		"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "true", "HOME": "/nonexistent",
		"GIT_ATTR_NOSYSTEM": "1", "GIT_NO_REPLACE_OBJECTS": "1", "GIT_ALLOW_PROTOCOL": "",
	}
	want := map[string]string{
		"protocol.allow": "never", "core.hooksPath": "/dev/null", "core.fsmonitor": "false", "core.symlinks": "false", "core.protectHFS": "true",
		"core.protectNTFS": "true", "transfer.fsckObjects": "true", "fetch.fsckObjects": "true", "fetch.recurseSubmodules": "false",
		"submodule.recurse": "false", "http.followRedirects": "false", "http.proxy": "", "http.lowSpeedLimit": "1000", "http.lowSpeedTime": "60",
		"safe.bareRepository": "explicit", "gc.auto": "0", "maintenance.auto": "false", "credential.helper": "", "transfer.bundleURI": "false",
		"core.packedGitLimit": "512m", "core.deltaBaseCacheLimit": "96m", "core.bigFileThreshold": "64m", "pack.windowMemory": "64m",
		"fetch.fsck.badDate": "ignore", "fetch.fsck.gitmodulesUrl": "", "protocol.http.allow": "", "http.curloptResolve": "",
	}
	host := strings.TrimSuffix(url, "/repo.git")
	if network {
		wantEnv["GIT_ALLOW_PROTOCOL"], want["protocol.http.allow"] = "http", "always"
		want["http."+host+"/.extraHeader"] = "Authorization: Basic Z2l0OnRoZSB0b2tlbg=="
		want["http.curloptResolve"] = strings.TrimPrefix(host, "http://") + ":127.0.0.1"
	} else {
		wantEnv["GIT_NO_LAZY_FETCH"] = "1"
	}
	for name, value := range wantEnv {
		if got := env[name]; got != value {
			t.Errorf("git %s: got %s=%q, want %q", args, name, got, value)
		}
	}
	for name, value := range want {
		if got := told[name]; got != value {
			t.Errorf("git %s: got %s=%q, want %q", args, name, got, value)
		}
	}
}

// An object that unfolds to more than git may hold ends git and not the machine.
func TestMemoryIsLimited(t *testing.T) {
	t.Parallel()

	if runtime.GOOS != "linux" {
		t.Skip("the memory of git is limited on Linux alone")
	}
	w := newWorld(t)
	w.repo.Commit("main", gittest.Put("a", "1"))
	w.source.Client = newClient(t, gitrepo.Options{HTTP: &http.Client{}, MaxMemory: 128 << 20})
	from, l := w.start(), w.list()
	w.check(l.items, "main")
	message := strings.Repeat("all of it the same\n", 6<<20) // 114 MiB, and a few kilobytes on the wire
	tree := w.repo.Git("rev-parse", "main^{tree}")
	w.repo.Git("update-ref", "refs/heads/main", w.repo.GitInput([]byte(message), "commit-tree", tree))
	err := w.source.Changes(t.Context(), w.scope, from, newListing(t))
	if !errors.Is(err, domain.ErrTooLarge) || !strings.Contains(err.Error(), "Out of memory") {
		t.Errorf("got %v, want ErrTooLarge for want of memory", err)
	}
}

// A server that is short of memory, and says so, is passing trouble of its own: it is
// asked again, and nothing that is there is given up.
func TestMemoryOfTheServer(t *testing.T) {
	t.Parallel()

	for said, want := range map[string]error{
		"remote: fatal: Out of memory, malloc failed (tried to allocate 1000 bytes)\nfatal: early EOF": domain.ErrTransient,
		"fatal: remote error: Out of memory":                                 domain.ErrTransient,
		"fatal: Out of memory, malloc failed (tried to allocate 1000 bytes)": domain.ErrTooLarge,
		"fatal: mmap failed: Cannot allocate memory":                         domain.ErrTooLarge,
	} {
		w := newWorld(t)
		w.repo.Commit("main", gittest.Put("a", "1"))
		from, held := w.start(), w.list()
		w.repo.Commit("main", gittest.Put("a", "2"))
		w.source.Client = newClient(t, gitrepo.Options{HTTP: &http.Client{}, Program: sayer(t, said)})
		if err := w.source.Changes(t.Context(), w.scope, from, newListing(t)); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", said, err, want)
		}
		if !errors.Is(want, domain.ErrTransient) {
			continue
		}
		if got, err := w.read(held.items["a"]); err != nil || got != "1" {
			t.Errorf("%s: got %q, %v of what was there", said, got, err)
		}
	}
}

// sayer is a git whose fetches fail with these words.
func sayer(t *testing.T, words string) (program string) {
	t.Helper()
	git, err := exec.LookPath("git")
	if err != nil {
		t.Fatal(err)
	}
	program = filepath.Join(t.TempDir(), "git")
	script := "#!/bin/sh\ncase \" $* \" in *\" fetch \"*) printf '%s\\n' '" + words + "' >&2; exit 128;; esac\nexec '" + git + "' \"$@\"\n"
	if err := os.WriteFile(program, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return program
}

// Names that would lead a checkout into its own repository are refused; names that
// are only strange are names.
func TestNamesThatGitRefuses(t *testing.T) {
	t.Parallel()

	for name, want := range map[string]string{
		".git": "hasDotgit", ".GIT": "hasDotgit", "git~1": "hasDotgit", ".g\u200cit": "hasDotgit", "..": "hasDotdot", ".": "hasDot",
		"a": "", "...": "", ".gitx": "", "a\rb": "", "\u202Egnp.exe": "",
	} {
		w := newWorld(t)
		blob := w.repo.GitInput([]byte("x"), "hash-object", "-w", "--stdin")
		inner := w.repo.GitInput([]byte("100644 blob "+blob+"\tconfig\x00"), "mktree", "-z")
		tree := w.repo.GitInput([]byte("040000 tree "+inner+"\t"+name+"\x00"), "mktree", "-z")
		w.repo.Git("update-ref", "refs/heads/main", w.repo.Git("commit-tree", "-m", "a trap", tree))
		l := newListing(t)
		err := w.source.Snapshot(t.Context(), w.scope, domain.Cursor{}, l)
		var unsafe *gitrepo.UnsafeError
		if want == "" {
			if err != nil || len(l.items) != 1 {
				t.Errorf("%q: got %v", name, err)
			}
		} else if !errors.As(err, &unsafe) || unsafe.ID != want || len(l.items) > 0 {
			t.Errorf("%q: got %v, want that it is refused for %s", name, err, want)
		}
	}
}

// What a commit says of itself is not read, so it may be anything.
func TestStrangeCommits(t *testing.T) {
	t.Parallel()

	for name, head := range map[string]string{
		"not UTF-8":        "author Jos\xe9 <j@example.org> 1700000000 +0000\ncommitter \xff\xfe <x> 1700000000 +0000\n\nmessage \xff\n",
		"NUL":              "author A <a> 1700000000 +0000\ncommitter A <a> 1700000000 +0000\n\nbefore \x00 behind\n",
		"no address":       "author A 1700000000 +0000\ncommitter A 1700000000 +0000\n\nmessage\n",
		"a time too large": "author A <a> 99999999999999999999 +0000\ncommitter A <a> 99999999999999999999 +0000\n\nmessage\n",
		"no zone":          "author A <a> 1700000000 zone\ncommitter A <a> 1700000000 zone\n\nmessage\n",
	} {
		w := newWorld(t)
		w.repo.Commit("main", gittest.Put("a", "1"))
		text := "tree " + w.repo.Git("rev-parse", "main^{tree}") + "\n" + head
		w.repo.Git("update-ref", "refs/heads/main", w.repo.GitInput([]byte(text), "hash-object", "-t", "commit", "-w", "--literally", "--stdin"))
		l := newListing(t)
		if err := w.source.Snapshot(t.Context(), w.scope, domain.Cursor{}, l); err != nil || len(l.items) != 1 {
			t.Errorf("%s: got %d items, %v", name, len(l.items), err)
		}
	}
}

// A server that only hands out files does not speak for its repository: nothing is
// read of it, and nothing is taken for gone.
func TestDumbServer(t *testing.T) {
	t.Parallel()

	for _, client := range []*http.Client{{}, nil} {
		w := newWorld(t)
		w.source.Client = newClient(t, gitrepo.Options{HTTP: client})
		w.repo.Commit("main", gittest.Put("a", "1"))
		from := w.start()
		w.list()
		w.repo.Commit("main", gittest.Put("a", "2"))
		w.repo.Git("update-server-info")
		w.server.Handle("/repo.git/", http.StripPrefix("/repo.git/", http.FileServer(http.Dir(w.repo.Dir))))
		l := newListing(t)
		errs := []error{w.source.Changes(t.Context(), w.scope, from, l), w.source.Snapshot(t.Context(), w.scope, domain.Cursor{}, l)}
		for _, err := range errs {
			if err == nil || errors.Is(err, domain.ErrGone) || len(l.pages) > 0 {
				t.Errorf("got %v and %d pages", err, len(l.pages))
			}
		}
	}
}

package main

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/confuse/data-connector/connectors/gitrepo/gittest"
)

// tooOld is a folder with a git that is, to stand first in PATH.
func tooOld(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "git"), []byte("#!/bin/sh\necho git version 2.30.2\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

// A git that is too old is refused at start, with the reason, which everyone is told
// who asks for what needs it: who connects a repository, the source whose job needs
// it, and doctor. What it is not needed for goes on, deliveries are taken, and with
// a newer git nothing is missing.
func TestOldGit(t *testing.T) {
	t.Parallel()

	const reason = "git 2.30.2 is too old: at least 2.39 is needed"
	dir := folder(t, map[string]string{"local": "file"})
	f := newForge(t, "FS_ALLOWED_PATHS="+dir, "POLL_INTERVAL=8h")
	f.repo.Commit("main", gittest.Put("a", "a"))
	f.serve()
	source := f.connect(nil)
	f.server.stop(t)
	good := f.env

	f.env = with(good, "PATH="+tooOld(t)+":"+os.Getenv("PATH"))
	f.serve()
	if !strings.Contains(f.server.log(), reason) {
		t.Errorf("got\n%s\nwant the reason at the start", f.server.log())
	}
	status, answer := f.post("/sources", map[string]any{"type": "github", "config": f.config, "accessToken": forgeToken})
	if status != http.StatusServiceUnavailable || !strings.Contains(string(answer), reason) || !strings.Contains(string(answer), "NOT_INSTALLED") {
		t.Errorf("a repository: got %d %s, want 503 and the reason", status, answer)
	}
	connect(t, f.cli(), dir)
	f.repo.Commit("main", gittest.Put("b", "b"))
	f.deliver("push", payload{"ref": "refs/heads/main", "repository": f.about()})
	events := follow(t, f.env, source)
	failed, _ := events.change(t, "sync_failed")
	f.await(source, failed.Position)
	if shown := must(t, f.cli(), "source", "show", source); !strings.Contains(shown, reason) {
		t.Errorf("got %s, want the reason", shown)
	}
	if code, out := f.output("doctor"); code != exitFailed || !strings.Contains(out, "fail  git: ") || !strings.Contains(out, reason) {
		t.Errorf("doctor: got %d and\n%s", code, out)
	}
	f.server.stop(t)

	f.env = good
	f.serve()
	done, _ := events.change(t, "sync_completed")
	if f.await(source, done.Position); len(f.blobs(source)) != 2 {
		t.Errorf("got %v, want what was pushed meanwhile", f.blobs(source))
	}
	f.server.stop(t)
}

// What a variable lets pass has to be known to git: else nobody would notice that it
// does nothing.
func TestAcceptFsck(t *testing.T) {
	t.Parallel()

	for value, want := range map[string]string{
		"nosuch_id":                 `GIT_ACCEPT_FSCK: "nosuch_id" is not allowed; allowed: ids as git fsck says them`,
		"gitmodulesUrl,nulInHeader": `GIT_ACCEPT_FSCK: "nulInHeader" is not allowed`,
		"gitmodulesUrk":             `GIT_ACCEPT_FSCK: "gitmodulesUrk" is not known to this git; allowed: ids as git fsck says them`,
	} {
		f := &forge{t: t, env: []string{"GIT_ACCEPT_FSCK=" + value, "FS_ALLOWED_PATHS=/"}}
		if code, out := f.output("doctor"); code != exitFailed || !strings.Contains(out, want) {
			t.Errorf("%s: got %d and\n%s\nwant %s", value, code, out, want)
		}
	}

	f := newForge(t)
	f.repo.Commit("main", gittest.Put(".gitmodules", "[submodule \"a\"]\n\tpath = a\n\turl = -u./payload\n"), gittest.Submodule("a", strings.Repeat("1", 40)))
	refused, _ := launchChild(t, with(f.env, "GIT_ACCEPT_FSCK=gitmodulesUrk"), "serve")
	if code := refused.exit(t); code == exitOK || !strings.Contains(refused.log(), "GIT_ACCEPT_FSCK") {
		t.Errorf("got exit code %d and\n%s, want no start", code, refused.log())
	}
	f.serve()
	source, _ := f.begin(nil)
	events := follow(t, f.env, source)
	failed, _ := events.change(t, "sync_failed")
	f.await(source, failed.Position)
	if shown := must(t, f.cli(), "source", "show", source); !strings.Contains(shown, "gitmodulesUrl") {
		t.Errorf("got %s, want the id of the fault", shown)
	}
	f.server.stop(t)
	f.env = with(f.env, "GIT_ACCEPT_FSCK=gitmodulesUrl, hasDot")
	f.serve()
	done, _ := events.change(t, "sync_completed")
	if f.await(source, done.Position); len(f.blobs(source)) != 2 {
		t.Errorf("got %v, want all that is there", f.blobs(source))
	}
	f.server.stop(t)
}

// output runs the command in a process of its own, which has its own PATH.
func (f *forge) output(args ...string) (code int, out string) {
	f.t.Helper()
	cmd := exec.CommandContext(f.t.Context(), os.Args[0], args...)
	cmd.Env = childEnv(f.env)
	b, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		f.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(b)
}

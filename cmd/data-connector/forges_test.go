package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/confuse/data-connector/connectors/gitrepo/gittest"
)

// At each forge a repository is connected with a token and its webhook registered. A
// push is in the rows when it was told of, by this webhook or by that of an
// organization. No secret is anywhere but sealed, and with the source its webhook
// goes.
func TestForges(t *testing.T) {
	t.Parallel()

	for name, open := range map[string]func(*testing.T, *gittest.Server) host{
		"gitlab":                func(t *testing.T, git *gittest.Server) host { return gitlabHost(t, git, true) },
		"gitlab without a sign": func(t *testing.T, git *gittest.Server) host { return gitlabHost(t, git, false) },
		"bitbucket cloud":       cloudHost,
		"bitbucket data center": dataCenterHost,
	} { // GitHub: TestForgeLife
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			f := newForgeAt(t, open, "PUBLIC_BASE_URL=https://data.example.com", "LOG_LEVEL=debug")
			f.repo.Commit("main", gittest.Put("a", "a"), gittest.Put("b", "b"))
			f.serve()
			source, _ := f.begin(nil)
			for _, change := range []string{"sync_completed", "hook_registered"} {
				follow(t, f.env, source).change(t, change)
			}
			events := follow(t, f.env, source)
			events.change(t, "sync_completed")
			path, secret := f.address()
			f.pushed(events, source, path, secret, gittest.Put("a", "edited"), gittest.Rename("b", "c"))
			f.pushed(events, source, "/webhooks/"+f.provider, forgeSecret, gittest.Put("d", "d"), gittest.Remove("c"))
			if status, answer := f.tell(path, "another secret", "forged"); status != http.StatusUnauthorized {
				t.Errorf("another secret: got %d %s", status, answer)
			}
			f.checkCanaries("alive", f.server.log(), forgeToken, forgeSecret, strings.TrimPrefix(secret, "whsec_"))
			must(t, f.cli(), "source", "remove", source, "--wait")
			if hooks := f.hooks(); len(hooks) != 0 {
				t.Errorf("got %d hooks at the provider behind the removal", len(hooks))
			}
			f.server.stop(t)
		})
	}
}

// address is the path and the secret of the one webhook at the provider.
func (f *forge) address() (path, secret string) {
	f.t.Helper()
	hooks := f.hooks()
	if len(hooks) != 1 {
		f.t.Fatalf("got %d hooks at the provider, want one", len(hooks))
	}
	path, ours := strings.CutPrefix(hooks[0].url, "https://data.example.com")
	if !ours || !strings.HasPrefix(path, "/webhooks/"+f.provider+"/") || len(hooks[0].secret) < 32 {
		f.t.Fatalf("got the hook %s with a secret of %d characters", hooks[0].url, len(hooks[0].secret))
	}
	return path, hooks[0].secret
}

// pushed pushes, tells of it, and compares the events and the rows with git.
func (f *forge) pushed(events *follower, source, path, secret string, edits ...gittest.Edit) {
	f.t.Helper()
	before := f.truth()
	f.repo.Commit("main", edits...)
	id := fmt.Sprint("push-", f.sent.Add(1))
	if status, answer := f.tell(path, secret, id); status != http.StatusOK {
		f.t.Fatalf("delivery to %s: got %d %s", path, status, answer)
	}
	p := &pushing{forge: f, follower: events, source: source}
	told := p.awaitSync(id)
	after := f.truth()
	checkDifference(f.t, path, before, after, told)
	if diff := cmp.Diff(after, f.blobs(source)); diff != "" {
		f.t.Errorf("rows (-git +rows):\n%s", diff)
	}
}

// tell sends a delivery of a push.
func (f *forge) tell(path, secret, id string) (int, []byte) {
	f.t.Helper()
	body := f.push()
	body["n"] = id // they differ by their times
	raw, err := json.Marshal(body)
	if err != nil {
		f.t.Fatal(err)
	}
	return f.send(path, raw, f.sign(secret, id, raw))
}

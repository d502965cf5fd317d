package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/confuse/data-connector/connectors/github/githubtest"
	"github.com/confuse/data-connector/connectors/gitrepo/gittest"
)

// otherToken is what the token is replaced by.
const otherToken = "ghp_seconds0123456789abcdefghijklmnopqrstu"

// The whole life of a source with a token: connected, its webhook registered though
// the service dies at it, refused, given another token, its secret changed, removed
// with its webhook. No secret is anywhere but sealed.
func TestForgeLife(t *testing.T) {
	t.Parallel()

	r := newReceiver(t)
	r.refuse = func(d delivery) int {
		if d.File.Path == "refused.md" {
			return http.StatusUnprocessableEntity
		}
		return 0
	}
	f := newForge(t, append(r.env(), "PUBLIC_BASE_URL=https://data.example.com", "LOG_LEVEL=debug")...)
	f.repo.Commit("main", gittest.Put("a", "a"), gittest.Put("b", "b"), gittest.Put("refused.md", "r"))
	f.serve()
	source, _ := f.begin(map[string]any{"indexIssues": true})
	f.server.kill(t) // wherever it is
	logs := f.server.log()
	f.serve()
	events := follow(t, f.env, source)
	for _, change := range []string{"sync_completed", "hook_registered"} {
		follow(t, f.env, source).change(t, change)
	}
	path, secret := f.hook()
	f.checkAddress(path, secret)
	id := f.deliverTo(path, secret)
	events.until(t, "the hint", func(e followed) bool { return e.Data.Hint != nil && e.Data.Hint.DeliveryID == id })
	events.change(t, "sync_completed")

	f.api.Open(otherToken) // and nobody has told
	f.deliverTo(path, secret)
	failed, _ := events.change(t, "sync_failed")
	expired, _ := events.change(t, "credential_expired")
	if f.await(source, expired.Position); failed.Data.Code != "unauthorized" {
		t.Errorf("got %+v, want that the provider refuses the token", failed.Data)
	}
	f.get("/sources/" + source)
	if status, answer := f.post("/sources/"+source+"/credential", map[string]any{"accessToken": "ghp_wrong"}); status < 400 {
		t.Errorf("a token that opens nothing: got %d %s", status, answer)
	}
	if status, answer := f.post("/sources/"+source+"/credential", map[string]any{"accessToken": otherToken}); status >= 300 {
		t.Fatalf("another token: got %d %s", status, answer)
	}
	events.change(t, "sync_completed")

	f.rotate(source)
	_, rotated := f.hook()
	f.deliverTo(path, secret) // still good for a day
	f.deliverTo(path, rotated)
	f.get("/sources/" + source + "/webhook")
	f.get("/webhook-events?sourceId=" + source)
	f.deadLetter()
	canaries := []string{receiverSecret, forgeToken, otherToken, forgeSecret, secret, rotated}
	f.checkCanaries("alive", logs+f.server.log(), canaries...)

	must(t, f.cli(), "source", "remove", source, "--wait")
	if hooks := f.api.Hooks(); len(hooks) != 0 {
		t.Errorf("got hooks %v at the provider behind the removal", hooks)
	}
	f.checkRefused(path, rotated)
	f.checkCanaries("removed", logs+f.server.log(), canaries...)
	f.server.stop(t)
}

// deadLetter waits for the one that the receiver refuses, and shows it.
func (f *forge) deadLetter() {
	f.t.Helper()
	if f.db == nil {
		f.db = database(f.t, f.env)
	}
	awaitRow(f.t, f.db, `SELECT count(*) FROM read.file_stages WHERE state = 'failed'`, 1)
	letters := listLetters(f.t, f.cli())
	if len(letters) != 1 || letters[0].Path != "refused.md" {
		f.t.Fatalf("got dead letters %+v, want that of refused.md", letters)
	}
	f.get("/dead-letters")
	f.get("/dead-letters/" + letters[0].ID)
	if !bytes.Contains(f.topics(), []byte("\n"+mapOf(f.env)["KAFKA_TOPIC_PREFIX"]+".dead")) {
		f.t.Error("no record of the topic of dead letters was looked at")
	}
}

// hook is the address and the secret of the one webhook at the provider.
func (f *forge) hook() (path, secret string) {
	f.t.Helper()
	hooks := f.api.Hooks()
	if len(hooks) != 1 {
		f.t.Fatalf("got %d hooks at the provider, want one", len(hooks))
	}
	for _, h := range hooks {
		config, _ := h["config"].(githubtest.Object)
		at, err := url.Parse(fmt.Sprint(config["url"]))
		if err != nil || at.Host != "data.example.com" || h["active"] != true || config["content_type"] != "json" || config["insecure_ssl"] != "0" {
			f.t.Errorf("got hook %v, %v", h["events"], err)
			continue
		}
		path, secret = at.Path, fmt.Sprint(config["secret"])
	}
	if len(secret) != 64 {
		f.t.Fatalf("got a secret of %d characters", len(secret))
	}
	return path, secret
}

// deliverTo sends a push to the address of one source and gives its id.
func (f *forge) deliverTo(path, secret string) string {
	f.t.Helper()
	n := f.sent.Add(1)
	id, body := fmt.Sprint("own-", n), fmt.Appendf(nil, `{"ref":"refs/heads/main","n":%d,"repository":{"id":%d,"html_url":"%s/octo/hello"}}`, n, f.api.ID(), f.api.URL)
	if status, answer := f.send(path, body, signed(secret, "push", id, body)); status != http.StatusOK {
		f.t.Fatalf("delivery %s: got %d %s", id, status, answer)
	}
	return id
}

// rotate gives the webhook another secret, and waits until the provider has it.
func (f *forge) rotate(source string) {
	f.t.Helper()
	_, before := f.hook()
	resp := request(f.t, http.MethodPost, f.server.URL+"/sources/"+source+"/webhook", http.Header{})
	_ = resp.Body.Close() // it shows the secret, this once
	if resp.StatusCode >= 300 {
		f.t.Fatalf("another secret: got %d", resp.StatusCode)
	}
	f.forgetTurns()
	must(f.t, f.cli(), "source", "sync", source) // the service looks at what has changed
	late, look := time.After(time.Minute), time.NewTicker(50*time.Millisecond)
	defer look.Stop()
	for {
		if _, now := f.hook(); now != before {
			return
		}
		select {
		case <-look.C:
		case <-late:
			f.t.Fatal("the provider does not get the new secret")
		}
	}
}

// forgetTurns loses what Redis knows of who looks after webhooks: else it is
// another process's turn for a minute.
func (f *forge) forgetTurns() {
	f.t.Helper()
	opt, err := goredis.ParseURL(mapOf(f.env)["REDIS_URL"])
	if err != nil {
		f.t.Fatal(err)
	}
	c := goredis.NewClient(opt)
	defer func() { _ = c.Close() }() // nothing is left to write
	keys, err := c.Keys(f.t.Context(), mapOf(f.env)["REDIS_PREFIX"]+"*hook:*").Result()
	if err != nil || len(keys) == 0 || c.Del(f.t.Context(), keys...).Err() != nil {
		f.t.Fatalf("got turns %q, %v", keys, err)
	}
}

// checkAddress: what is authentic and of no use is taken.
func (f *forge) checkAddress(path, secret string) {
	f.t.Helper()
	for event, body := range map[string]string{"ping": `{"zen":"x"}`, "star": `{"action":"created"}`} {
		status, answer := f.send(path, []byte(body), signed(secret, event, event, []byte(body)))
		if want := `"ignored"`; status != http.StatusOK || !strings.Contains(string(answer), want) {
			f.t.Errorf("%s: got %d %s, want 200 and %s", event, status, answer, want)
		}
	}
	f.checkRefused(path, "another secret")
}

// checkRefused: a secret that does not fit the address is refused as an unknown
// address is.
func (f *forge) checkRefused(path, secret string) {
	f.t.Helper()
	body := []byte(`{"zen":"x"}`)
	var first string
	for name, tt := range map[string]struct {
		path string
		h    http.Header
	}{
		"the address":        {path, signed(secret, "ping", "p", body)},
		"an unknown address": {"/webhooks/github/0123456789abcdef0123456789abcdef", signed(secret, "ping", "p", body)},
		"that of all":        {"/webhooks/github", signed("nobody's", "ping", "p", body)},
		"unsigned":           {path, http.Header{"X-Github-Event": {"ping"}}},
		"SHA-1":              {path, http.Header{"X-Github-Event": {"ping"}, "X-Hub-Signature": {"sha1=01dc10d0c83e72ed246219cdd91669667fe2ca59"}}},
	} {
		tt.h.Set("X-Correlation-Id", "c-1")
		status, answer := f.send(tt.path, body, tt.h)
		if first == "" {
			first = string(answer)
		}
		if status != http.StatusUnauthorized || string(answer) != first {
			f.t.Errorf("%s: got %d %s, want 401 %s", name, status, answer, first)
		}
	}
}

// The vectors that GitHub documents, and ours with UTF-8, at the served address
// while one secret replaces another.
func TestForgeVectors(t *testing.T) {
	t.Parallel()

	f := newForge(t, "GITHUB_WEBHOOK_SECRET=It's a Secret to Everybody,"+forgeSecret)
	f.serve()
	const hello, gruss = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17", "8c3df9b7d915b76ee6d41cc806a5ca521bbc1c7b77bc08d665e2d09b2ec38412"
	for name, tt := range map[string]struct {
		body, signature string
		status          int
	}{
		"authentic, and no payload": {"Hello, World!", "sha256=" + hello, http.StatusBadRequest},
		"UTF-8":                     {"{\"msg\":\"Gr\u00fc\u00dfe \U0001f680\"}", "sha256=" + gruss, http.StatusOK},
		"another body":              {"Hello, World", "sha256=" + hello, http.StatusUnauthorized},
		"upper case":                {"Hello, World!", "sha256=757107EA0EB2509FC211221CCE984B8A37570B6D7586C22C46F4379C8B043E17", http.StatusUnauthorized},
		"no scheme":                 {"Hello, World!", hello, http.StatusUnauthorized},
		"SHA-1":                     {"Hello, World!", "sha1=01dc10d0c83e72ed246219cdd91669667fe2ca59", http.StatusUnauthorized},
		"empty":                     {"Hello, World!", "", http.StatusUnauthorized},
	} {
		h := http.Header{}
		h.Set("X-GitHub-Event", "ping")
		h.Set("X-Hub-Signature-256", tt.signature)
		if status, answer := f.send("/webhooks/github", []byte(tt.body), h); status != tt.status {
			t.Errorf("%s: got %d %s, want %d", name, status, answer, tt.status)
		}
	}
	f.deliver("ping", payload{}) // by the other secret
	f.server.stop(t)
}

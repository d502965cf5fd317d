package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/confuse/data-connector/connectors/github/githubtest"
	"github.com/confuse/data-connector/connectors/gitrepo/gittest"
)

// What opens the GitHub of a test, and signs its deliveries.
const (
	forgeToken  = "ghp_canary0123456789abcdefghijklmnopqrstuv"
	forgeSecret = "canary-webhook-secret-of-all-sources"
)

// A forge is one with one repository, and a service that reads it.
type forge struct {
	host
	t      *testing.T
	git    *gittest.Server
	api    *githubtest.Server // nil: it is no GitHub
	env    []string
	server *child
	db     *pgx.Conn    // nil until it is needed
	sent   atomic.Int64 // deliveries
	said   bytes.Buffer // all that the API has answered
}

// newForge makes a GitHub and the variables of the service, which is not started.
func newForge(t *testing.T, more ...string) *forge {
	t.Helper()
	var api *githubtest.Server
	f := newForgeAt(t, func(t *testing.T, git *gittest.Server) host {
		api = githubtest.New(t, git, "octo", "hello")
		api.Token = forgeToken
		return githubHost(git, api)
	}, more...)
	f.api = api
	return f
}

// newForgeAt is newForge for any host.
func newForgeAt(t *testing.T, open func(*testing.T, *gittest.Server) host, more ...string) *forge {
	t.Helper()
	f := &forge{t: t, git: gittest.NewServer(t)}
	f.host = open(t, f.git)
	f.repo.Git("config", "http.receivepack", "true")
	f.env = with(serveEnv(t), append([]string{
		"PRIVATE_NETWORKS=127.0.0.0/8", "GITHUB_WEBHOOK_SECRET=" + forgeSecret, "GITLAB_WEBHOOK_TOKEN=" + forgeSecret, "BITBUCKET_WEBHOOK_SECRET=" + forgeSecret,
		"VAULT_KEYSET_FILE=" + filepath.Join(t.TempDir(), "keys.json"),
		"API_RATE_LIMIT=0", "SYNC_RATE_LIMIT=0", "CONNECT_RATE_LIMIT=0", "WEBHOOK_RATE_LIMIT=0",
	}, more...)...)
	if f.cloud != "" {
		f.env = with(f.env, faultyCloud+"="+f.cloud)
	}
	must(t, f.env, "vault", "init")
	return f
}

// serve starts the service.
func (f *forge) serve() {
	f.t.Helper()
	f.server = startChild(f.t, f.env, "serve")
}

func (f *forge) cli() []string { return with(f.env, "DATA_CONNECTOR_URL="+f.server.URL) }

// connect connects the repository with the token, waits for its first sync, and
// gives the id of the source.
func (f *forge) connect(options map[string]any) string {
	f.t.Helper()
	id, _ := f.begin(options)
	events := follow(f.t, f.env, id)
	done, _ := events.change(f.t, "sync_completed")
	f.await(id, done.Position)
	return id
}

// begin is connect without waiting.
func (f *forge) begin(options map[string]any) (source, job string) {
	f.t.Helper()
	return f.beginWith(options, map[string]any{"accessToken": forgeToken})
}

// beginWith is begin with another credential.
func (f *forge) beginWith(options, credential map[string]any) (source, job string) {
	f.t.Helper()
	config := maps.Clone(f.config)
	maps.Copy(config, options)
	body := map[string]any{"type": f.provider, "config": config}
	maps.Copy(body, credential)
	var reply struct {
		ID      string
		SyncJob struct{ ID string }
	}
	status, answer := f.post("/sources", body)
	if err := json.Unmarshal(answer, &reply); err != nil || status != http.StatusCreated && status != http.StatusAccepted {
		f.t.Fatalf("connect: got %d %s", status, answer)
	}
	return reply.ID, reply.SyncJob.ID
}

// await returns when the rows hold what the log has at a position.
func (f *forge) await(source, position string) {
	f.t.Helper()
	var reply struct{ ID string }
	fetchAt(f.t, f.server.URL+"/sources/"+source, position, &reply)
}

// post sends JSON to the API.
func (f *forge) post(path string, body any) (int, []byte) {
	f.t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		f.t.Fatal(err)
	}
	return f.send(path, raw, http.Header{})
}

func (f *forge) send(path string, body []byte, header http.Header) (int, []byte) {
	f.t.Helper()
	req, err := http.NewRequestWithContext(f.t.Context(), http.MethodPost, f.server.URL+path, bytes.NewReader(body))
	if err != nil {
		f.t.Fatal(err)
	}
	req.Header = header
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		f.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }() // read to its end
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		f.t.Fatal(err)
	}
	f.said.Write(answer)
	return resp.StatusCode, answer
}

// A payload is the body of a delivery.
type payload = map[string]any

// about is what every payload says of its repository.
func (f *forge) about() payload {
	return payload{"id": f.api.ID(), "full_name": "octo/hello", "html_url": f.api.URL + "/octo/hello"}
}

// deliver sends a signed delivery to the address that all sources share, and gives
// its id.
func (f *forge) deliver(event string, body payload) string {
	f.t.Helper()
	n := f.sent.Add(1)
	id := "72d3162e-cc78-11e3-81ab-" + strconv.FormatInt(1_000_000_000_00+n, 10)
	body["n"] = n // GitHub's differ by their times
	raw, err := json.Marshal(body)
	if err != nil {
		f.t.Fatal(err)
	}
	if status, answer := f.send("/webhooks/github", raw, signed(forgeSecret, event, id, raw)); status != http.StatusOK {
		f.t.Fatalf("delivery of %s: got %d %s", event, status, answer)
	}
	return id
}

// signed are the headers of a delivery of GitHub.
func signed(secret, event, id string, body []byte) http.Header {
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = mac.Write(body) // a hash never fails
	h := http.Header{}
	h.Set("X-GitHub-Event", event)
	h.Set("X-GitHub-Delivery", id)
	h.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	return h
}

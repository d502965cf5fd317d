package testbed

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/confuse/data-connector/connectors/github/githubtest"
	"github.com/confuse/data-connector/connectors/gitrepo/gittest"
)

// What opens a [Forge], and what its deliveries are signed with.
const (
	forgeOwner, forgeName = "octo", "hello"
	forgeSecret           = "the-secret-of-all-sources"
)

// A Forge is a GitHub with one repository: its API by an emulator, git by real git
// over smart HTTP.
type Forge struct {
	Git  *gittest.Server
	Repo *gittest.Repo // octo/hello; its default branch is main
	API  *githubtest.Server
}

// WithForge makes a forge, lets use have it, and takes it away. What goes wrong in
// the forge itself, such as git that fails, ends use on the spot and is the error.
func WithForge(ctx context.Context, dir string, use func(ctx context.Context, f *Forge) error) error {
	s := &stand{ctx: ctx, dir: dir}
	return s.run(func() error {
		f := &Forge{Git: gittest.NewServer(s)}
		f.Repo = f.Git.Create(forgeOwner + "/" + forgeName)
		f.API = githubtest.New(s, f.Git, forgeOwner, forgeName)
		return use(ctx, f)
	})
}

// Variables are those with which a service reads f. It takes deliveries without a
// limit: a program sends more of them than a provider.
func (f *Forge) Variables() []string {
	return []string{"PRIVATE_NETWORKS=127.0.0.0/8", "GITHUB_WEBHOOK_SECRET=" + forgeSecret, "WEBHOOK_RATE_LIMIT=0"}
}

// Secret is what deliveries to the address of all sources are signed with.
func (f *Forge) Secret() string { return forgeSecret }

// ConnectForge connects the repository of f, all of it; its first sync begins.
func (a API) ConnectForge(ctx context.Context, f *Forge) (source string, first Job, err error) {
	var reply struct {
		ID      string
		SyncJob Job
	}
	config := map[string]any{"owner": forgeOwner, "repo": forgeName, "baseUrl": f.API.URL, "maxFileSize": 0, "defaultExcludes": false}
	err = a.Call(ctx, http.MethodPost, "/sources", map[string]any{"type": "github", "config": config}, &reply)
	return reply.ID, reply.SyncJob, err
}

// Push is the body of a delivery that tells of a push to main. It is of that many
// bytes at least, and no two of different n are the same.
func (f *Forge) Push(n int64, size int) []byte {
	body := map[string]any{
		"ref": "refs/heads/main", "n": n,
		"repository": map[string]any{"id": f.API.ID(), "full_name": forgeOwner + "/" + forgeName, "html_url": f.API.URL + "/" + forgeOwner + "/" + forgeName},
	}
	raw, err := json.Marshal(body)
	if err != nil {
		return nil // maps of texts and numbers always have a form
	}
	if more := size - len(raw); more > 0 {
		const field = `,"commits":[""]}`
		raw = append(raw[:len(raw)-1], `,"commits":["`+strings.Repeat("x", max(0, more-len(field)+1))+`"]}`...)
	}
	return raw
}

// Delivery is a request to the address that all sources share, signed as GitHub
// does it.
func (f *Forge) Delivery(ctx context.Context, service, id string, body []byte) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, service+"/webhooks/github", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	mac := hmac.New(sha256.New, []byte(forgeSecret))
	_, _ = mac.Write(body) // a hash never fails
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-GitHub-Event", "push")
	req.Header.Set("X-GitHub-Delivery", id)
	req.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	return req, nil
}

// Send sends a delivery; it is an error unless it was taken.
func Send(client *http.Client, delivery *http.Request) error {
	resp, err := client.Do(delivery)
	if err != nil {
		return err
	}
	answer, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close() // all is read
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", resp.Status, answer)
	}
	return err
}

// ImportGo commits the Go source tree, as it lies on this machine, to main, and
// gives how many files that are. most bounds them; 0: all.
func (f *Forge) ImportGo(ctx context.Context, most int) (n int, err error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return 0, err
	}
	root := filepath.Join(strings.TrimSpace(string(out)), "src")
	var edits []gittest.Edit
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || most > 0 && len(edits) == most {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		edits = append(edits, gittest.Put(filepath.ToSlash(name), string(content)))
		return err
	})
	if err == nil && len(edits) == 0 {
		err = errors.New("there is no Go source tree here: " + root)
	}
	if err != nil {
		return 0, err
	}
	f.Repo.Commit("main", edits...)
	f.Repo.Git("gc", "--quiet")
	return len(edits), nil
}

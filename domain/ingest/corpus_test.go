package ingest_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"iter"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/confuse/data-connector/adapters/httpapi"
	"github.com/confuse/data-connector/connectors/bitbucket"
	"github.com/confuse/data-connector/connectors/connectortest"
	"github.com/confuse/data-connector/connectors/github"
	"github.com/confuse/data-connector/connectors/gitlab"
	"github.com/confuse/data-connector/connectors/gitrepo/forge/forgetest"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/ingest"
)

// A recorded is a delivery of a corpus.
type recorded struct {
	event string
	body  []byte
}

// everything are the objects of a world in which all that is told of is connected.
type everything struct {
	world   *connectortest.World
	sources map[string]domain.SourceID
}

func (e everything) SourcesOf(_ context.Context, provider domain.Provider, key string) ([]domain.SourceID, error) {
	if _, ok := e.sources[key]; !ok {
		e.sources[key] = e.world.Connect(domain.Source{Provider: provider, ExternalKey: key}).ID
	}
	return []domain.SourceID{e.sources[key]}, nil
}

// InstalledSources finds nothing: what installations open is connected by its key.
func (e everything) InstalledSources(context.Context, domain.Provider, string) iter.Seq2[domain.Source, error] {
	return func(func(domain.Source, error) bool) {}
}

// allHints is how many are on the log.
func (d *desk) allHints(all everything) (n int) {
	for _, id := range all.sources {
		ids, _ := d.hints(id)
		n += len(ids)
	}
	return n
}

// Each delivery of each corpus, signed and posted, is answered 200: it becomes a hint
// or is ignored with a reason, and posted again it becomes nothing more.
func TestCorporaThroughTheHandler(t *testing.T) {
	t.Parallel()

	for provider, tt := range map[string]struct {
		read         func(*testing.T) map[string]recorded
		headers      func(r recorded, n string) http.Header
		files, hints int
	}{
		"github":    {ofGitHub, githubHeaders, 774, 204},
		"gitlab":    {ofGitLab, gitlabHeaders, 90, 15},
		"bitbucket": {ofBitbucket, bitbucketHeaders, 36, 20},
	} {
		t.Run(provider, func(t *testing.T) {
			t.Parallel()

			all := tt.read(t)
			d := newDesk(t)
			world := everything{d.world, map[string]domain.SourceID{}}
			d.Objects, d.Installed = world, world
			d.Connectors = ingest.Connectors{github.New(github.Options{}), gitlab.New(gitlab.Options{}), bitbucket.New(bitbucket.Options{})}
			d.Secrets = map[domain.Provider][]domain.Secret{domain.Provider(provider): {shared}}
			api := httpapi.New(httpapi.Parts{Clock: d.world.Clock, Log: slog.New(slog.DiscardHandler), Deliveries: httpapi.Deliveries{Webhooks: d.Webhooks}})
			hinted := 0
			for name, r := range all {
				if got := post(t, api, provider, r, tt.headers(r, name)); got.Ignored == "" && !got.Repeated { // some are recorded twice
					hinted++
				}
			}
			hints := d.allHints(world)
			if len(all) < tt.files || hinted < tt.hints || hints < hinted {
				t.Errorf("got %d deliveries, %d of them %d hints, want the whole corpus", len(all), hinted, hints)
			}
			for name, r := range all {
				if got := post(t, api, provider, r, tt.headers(r, name)); got.Ignored == "" && !got.Repeated {
					t.Errorf("%s, %s: got %+v, want it known", name, r.event, got)
				}
			}
			if n := d.allHints(world); n != hints {
				t.Errorf("got %d hints of repeats", n-hints)
			}
		})
	}
}

// A reply is what a provider reads.
type reply struct {
	Received, Repeated bool
	Ignored            string
}

func post(t *testing.T, api http.Handler, provider string, r recorded, h http.Header) (got reply) {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/webhooks/"+provider, strings.NewReader(string(r.body)))
	req.Header = h
	req.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	api.ServeHTTP(w, req)
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != http.StatusOK || !got.Received {
		t.Errorf("%s of %s: got %d %s, want 200", r.event, provider, w.Code, w.Body)
	}
	return got
}

// idOf is the id of a delivery, the same whenever it is sent.
func idOf(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:16])
}

func headers(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Set(pairs[i], pairs[i+1])
	}
	return h
}

func githubHeaders(r recorded, name string) http.Header {
	return headers("X-GitHub-Event", r.event, "X-GitHub-Delivery", idOf(name), "X-Hub-Signature-256", "sha256="+sign(shared, r.body))
}

func gitlabHeaders(r recorded, name string) http.Header {
	return headers("X-Gitlab-Event", r.event, "Idempotency-Key", idOf(name), "X-Gitlab-Token", shared)
}

func bitbucketHeaders(r recorded, name string) http.Header {
	return headers("X-Event-Key", r.event, "X-Request-UUID", idOf(name), "X-Hub-Signature", "sha256="+sign(shared, r.body))
}

// inFolder reads the recorded deliveries of a folder.
func inFolder(t *testing.T, into map[string]recorded, folder string, event func(name string, body []byte) string) {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil || len(found) == 0 {
		t.Fatalf("%s: got %d files, %v", folder, len(found), err)
	}
	for _, path := range found {
		body, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		into[path] = recorded{event(strings.TrimSuffix(filepath.Base(path), ".json"), body), body}
	}
}

func ofGitHub(t *testing.T) map[string]recorded {
	t.Helper()
	all := map[string]recorded{}
	for name, text := range forgetest.NPM(t, "@octokit/webhooks-examples@7.6.1", "index.json") {
		var events []struct {
			Name     string
			Examples []json.RawMessage
		}
		if err := json.Unmarshal(text, &events); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, e := range events {
			for i, body := range e.Examples {
				all[fmt.Sprint(name, e.Name, i)] = recorded{e.Name, body}
			}
		}
	}
	inFolder(t, all, filepath.Join(forgetest.Module(t, forgetest.Deliveries), "testdata", "github"), func(name string, _ []byte) string {
		if name == "pull-request-issue-comment" {
			return "issue_comment"
		}
		return strings.ReplaceAll(strings.TrimSuffix(name, "-edited"), "-", "_")
	})
	return all
}

func ofGitLab(t *testing.T) map[string]recorded {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "gitlab.com/gitlab-org/api/client-go/v2").Output()
	if err != nil {
		t.Fatal(err)
	}
	all, dir := map[string]recorded{}, filepath.Join(strings.TrimSpace(string(out)), "testdata")
	inFolder(t, all, filepath.Join(dir, "webhooks"), hookOfGitLab)
	inFolder(t, all, filepath.Join(dir, "systemhooks"), func(string, []byte) string { return "System Hook" })
	inFolder(t, all, filepath.Join(forgetest.Module(t, forgetest.Deliveries), "testdata", "gitlab"), hookOfGitLab)
	return all
}

// hookOfGitLab is what GitLab calls the event of a body.
func hookOfGitLab(name string, body []byte) string {
	var told struct {
		Kind string `json:"object_kind"`
		Type string `json:"event_type"`
		Name string `json:"event_name"`
	}
	_ = json.Unmarshal(body, &told) // what is not told is empty
	kind := told.Kind
	if strings.HasPrefix(told.Type, "confidential_") {
		kind = told.Type
	} else if strings.HasPrefix(name, "confidential-issue") { // recorded before bodies told
		kind = "confidential_issue"
	}
	switch {
	case strings.HasPrefix(name, "system-"):
		return "System Hook"
	case strings.HasPrefix(name, "service_"):
		return "Service Hook"
	case kind == "build":
		kind = "job"
	case kind == "access_token":
		kind = "resource_access_token"
	case kind == "" && strings.HasPrefix(told.Name, "user_"):
		kind = "member"
	case kind == "":
		kind, _, _ = strings.Cut(told.Name, "_")
	}
	event := ""
	for word := range strings.SplitSeq(kind, "_") {
		event += strings.ToUpper(word[:min(1, len(word))]) + word[min(1, len(word)):] + " "
	}
	return event + "Hook"
}

func ofBitbucket(t *testing.T) map[string]recorded {
	t.Helper()
	all, dir := map[string]recorded{}, filepath.Join(forgetest.Module(t, forgetest.Deliveries), "testdata")
	own := map[string]string{
		"commit_comment_created": "repo:commit_comment_created", "pullrequest:approval_removed": "pullrequest:unapproved",
		"pullrequest:declined": "pullrequest:rejected", "pullrequest:merged": "pullrequest:fulfilled",
	}
	for _, folder := range []string{"bitbucket", "bitbucket-server"} {
		inFolder(t, all, filepath.Join(dir, folder), func(name string, body []byte) string {
			var told struct{ EventKey string }
			if err := json.Unmarshal(body, &told); err != nil || told.EventKey != "" {
				return told.EventKey
			}
			event := strings.NewReplacer("pull-request-", "pullrequest:", "repo-", "repo:", "issue-", "issue:", "-", "_").Replace(name)
			if special := own[event]; special != "" {
				return special
			}
			return event
		})
	}
	return all
}

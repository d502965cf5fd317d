package forgetest

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/confuse/data-connector/connectors/gitrepo"
	"github.com/confuse/data-connector/connectors/gitrepo/gittest"
	"github.com/confuse/data-connector/connectors/rest"
	"github.com/confuse/data-connector/domain"
)

// A Connector is that of a forge.
type Connector interface {
	domain.Connector
	domain.Feed
	domain.Prober
	domain.WebhookAdmin
	domain.WebhookParser
}

// A World is a forge with one repository, and a source that reads it. It is used
// by one goroutine.
type World struct {
	T     *testing.T
	Git   *gittest.Server
	Repo  *gittest.Repo
	Conn  Connector
	Scope domain.Scope
}

// Calls are the options of an API on this machine, whose pauses take no time.
func Calls(clock domain.Clock) rest.Options {
	return rest.Options{
		Clock: clock, Networks: loopback(),
		Pause: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	}
}

// Git is a git that reads repositories on this machine, set up as in the service.
func Git(t testing.TB, clock domain.Clock) *gitrepo.Client {
	t.Helper()
	git, err := gitrepo.New(gitrepo.Options{AllowHTTP: true, Clock: clock, HTTP: rest.Guarded(loopback()), Resolve: rest.Resolve(loopback())})
	if err != nil {
		t.Fatal(err)
	}
	return git
}

func loopback() []netip.Prefix { return []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} }

// With opens a credential.
func With(c domain.Credential) func(context.Context) (domain.Credential, error) {
	return func(context.Context) (domain.Credential, error) { return c, nil }
}

// Source makes the scope of w, with an empty cache; options are put over config.
// An empty token is no credential.
func (w *World) Source(config, options map[string]any, token domain.Secret) {
	w.T.Helper()
	all := maps.Clone(config)
	maps.Copy(all, options)
	w.Scope = domain.Scope{Config: w.json(all), Cache: w.T.TempDir()}
	if token != "" {
		w.Token(token)
	}
}

// Token is the credential of the source from now on.
func (w *World) Token(secret domain.Secret) {
	w.Scope.Credential = With(domain.Credential{Kind: domain.CredentialToken, Secret: secret})
}

// Asking is the scope with other options and an empty cache; nil takes one away.
func (w *World) Asking(change map[string]any) domain.Scope {
	w.T.Helper()
	config := map[string]any{}
	if err := json.Unmarshal(w.Scope.Config, &config); err != nil {
		w.T.Fatal(err)
	}
	maps.Copy(config, change)
	s := w.Scope
	s.Config, s.Cache = w.json(config), w.T.TempDir()
	return s
}

func (w *World) json(v any) json.RawMessage {
	w.T.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		w.T.Fatal(err)
	}
	return b
}

// List lists everything. It is an error exactly when it is not complete.
func (w *World) List() (*Listing, error) {
	w.T.Helper()
	l := NewListing()
	err := w.Conn.Snapshot(w.T.Context(), w.Scope, domain.Cursor{}, l)
	if (err == nil) != l.Complete {
		w.T.Errorf("got error %v, complete %v", err, l.Complete)
	}
	return l, err
}

// Listed is List for a forge that is well.
func (w *World) Listed() *Listing {
	w.T.Helper()
	l, err := w.List()
	if err != nil {
		w.T.Fatal(err)
	}
	return l
}

// Start is the position of the feed now.
func (w *World) Start() domain.Cursor {
	w.T.Helper()
	c, err := w.Conn.StartCursor(w.T.Context(), w.Scope)
	if err != nil {
		w.T.Fatal(err)
	}
	return c
}

// Follow is what the feed tells since from.
func (w *World) Follow(from domain.Cursor) *Listing {
	w.T.Helper()
	l := NewListing()
	l.Cursor = from
	if err := w.Conn.Changes(w.T.Context(), w.Scope, from, l); err != nil {
		w.T.Fatal(err)
	}
	return l
}

// Changed is what a poll says.
func (w *World) Changed(from domain.Cursor) bool {
	w.T.Helper()
	changed, err := w.Conn.Changed(w.T.Context(), w.Scope, from)
	if err != nil {
		w.T.Fatal(err)
	}
	return changed
}

// Read is the content of an item, which is the version that was listed.
func (w *World) Read(item domain.Item) string {
	w.T.Helper()
	c, err := w.Conn.Fetch(w.T.Context(), w.Scope, item.Ref())
	if err != nil {
		w.T.Fatalf("fetch %q: %v", item.Path, err)
	}
	b, err := io.ReadAll(c.Body)
	if err = errors.Join(err, c.Body.Close()); err != nil {
		w.T.Fatal(err)
	}
	if c.Version != item.Version {
		w.T.Errorf("got version %q of %q, listed is %q", c.Version, item.Path, item.Version)
	}
	return string(b)
}

// Ensure makes a webhook.
func (w *World) Ensure(want domain.Hook) domain.Hook {
	w.T.Helper()
	h, err := w.Conn.EnsureHook(w.T.Context(), w.Scope, want)
	if err != nil {
		w.T.Fatal(err)
	}
	return h
}

// SearchCache wants no file of the cache to hold a secret (I7).
func (w *World) SearchCache(secret string) {
	w.T.Helper()
	seen := 0
	err := filepath.WalkDir(w.Scope.Cache, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if seen++; strings.Contains(string(b), secret) {
			w.T.Errorf("%s holds the token", path)
		}
		return err
	})
	if err != nil || seen < 5 {
		w.T.Errorf("got %d files in the cache, %v", seen, err)
	}
}

// Contains wants parts in text.
func Contains(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("got\n%s\nwithout %q", text, p)
		}
	}
}

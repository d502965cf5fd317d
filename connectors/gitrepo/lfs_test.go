package gitrepo_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/confuse/data-connector/connectors/gitrepo"
	"github.com/confuse/data-connector/connectors/gitrepo/gittest"
	"github.com/confuse/data-connector/domain"
)

func TestPointersAreTyped(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	text := gittest.PointerTo("large file")
	oid := domain.Digest(sha256.Sum256([]byte("large file")))
	extended := strings.Replace(text, "oid ", "ext-0-foo sha256:"+strings.Repeat("0", 64)+"\noid ", 1)
	w.repo.Commit("main", gittest.Put("a.bin", text), gittest.Put("ext.bin", extended), gittest.Put("broken", strings.Replace(text, "sha256:", "sha256:x", 1)),
		gittest.Put("about", "Pointers begin with this line:\n"+text), gittest.Link("link", text))
	from := w.start()
	items := w.list().items
	for _, path := range []string{"a.bin", "ext.bin"} {
		i := items[path]
		if !i.Bodiless || i.Attributes["lfs_oid"] != oid.String() || i.Attributes["lfs_size"] != "10" || i.Version == "" {
			t.Errorf("got %+v", i)
		}
	}
	for _, path := range []string{"broken", "about"} {
		if i := items[path]; i.Bodiless || i.Attributes["lfs_oid"] != "" {
			t.Errorf("%s: got %+v, want a plain file", path, i)
		}
	}
	w.repo.Commit("main", gittest.Put("b.bin", text), gittest.Put("a.bin", "no pointer any more"))
	if f := w.follow(from); !f.items["b.bin"].Bodiless || f.items["a.bin"].Bodiless {
		t.Errorf("got %+v", f.items)
	}
}

func TestContentBehindPointers(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.server.Protect("git", "secret")
	l := w.server.NewStore()
	w.source.Remote.LFS = true
	w.source.Remote.Auth = func(context.Context) (gitrepo.Auth, error) {
		return gitrepo.Auth{Username: "git", Password: "secret"}, nil
	}
	content := strings.Repeat("large\n", 1000)
	text, missing, wrong := l.Put(content), gittest.PointerTo("nobody has it"), l.Put("this one")
	oid := domain.Digest(sha256.Sum256([]byte(content)))
	l.Swap("this one", "that one")
	w.repo.Commit("main", gittest.Put("a", text), gittest.Put("missing", missing), gittest.Put("wrong", wrong), gittest.Put("small", strings.Repeat("x", 200)))
	items := w.list().items
	if i := items["a"]; i.Bodiless || i.Size != int64(len(content)) || i.Digest != oid || i.Attributes["lfs_oid"] != oid.String() {
		t.Errorf("got %+v", i)
	}
	if got, err := w.read(items["a"]); err != nil || got != content {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
	if got, err := w.read(items["small"]); err != nil || len(got) != 200 {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
	for path, want := range map[string]error{"missing": domain.ErrGone, "wrong": domain.ErrTransient} {
		if got, err := w.read(items[path]); !errors.Is(err, want) {
			t.Errorf("%s: got %d bytes, %v", path, len(got), err)
		}
	}
	for status, want := range map[int]error{401: domain.ErrForbidden, 403: domain.ErrForbidden, 404: domain.ErrGone, 500: domain.ErrTransient} {
		l.Fail(status)
		if got, err := w.read(items["a"]); !errors.Is(err, want) {
			t.Errorf("%d: got %d bytes, %v", status, len(got), err)
		}
	}
	l.Fail(0)
	w.scope.Config = json.RawMessage(`{"maxFileSize":1000}`)
	if got, err := w.read(w.list().items["a"]); !errors.Is(err, domain.ErrTooLarge) {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
}

// A server that stalls in the middle of a file ends that file, not the time of the run.
func TestStalledContentEnds(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	l := w.server.NewStore()
	w.source.Client = newClient(t, gitrepo.Options{HTTP: &http.Client{}, Stall: 50 * time.Millisecond})
	w.source.Remote.LFS = true
	w.repo.Commit("main", gittest.Put("a", l.Put(strings.Repeat("large\n", 1000))))
	item := w.list().items["a"]
	l.Stall(100)
	ended := make(chan error, 1)
	go func() {
		_, err := w.read(item)
		ended <- err
	}()
	select {
	case err := <-ended:
		if !errors.Is(err, domain.ErrTransient) || errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want ErrTransient", err)
		}
	case <-time.After(10 * time.Second):
		t.Error("it waits for ever")
	}
	l.Stall(0)
	if got, err := w.read(item); err != nil || len(got) != 6000 {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
}

// The token of the repository goes to its server alone: neither to another port of
// the same host, nor to wherever the server sends who asks where a file is.
func TestTokenStaysWithTheServer(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.server.Protect("git", "secret")
	w.source.Remote.LFS = true
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("the other server was asked for %s with %q", r.URL, r.Header.Get("Authorization"))
	}))
	t.Cleanup(other.Close)
	w.server.Handle("/repo.git/info/lfs/", http.RedirectHandler(other.URL, http.StatusTemporaryRedirect))
	w.source.Remote.Auth = func(context.Context) (gitrepo.Auth, error) {
		return gitrepo.Auth{Username: "git", Password: "secret"}, nil
	}
	w.repo.Commit("main", gittest.Put("a", gittest.PointerTo("large file")))
	if got, err := w.read(w.list().items["a"]); !errors.Is(err, domain.ErrForbidden) {
		t.Errorf("got %q, %v, want ErrForbidden", got, err)
	}
}

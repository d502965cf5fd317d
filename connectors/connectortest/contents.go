package connectortest

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"maps"
	"slices"
	"testing"

	"github.com/confuse/data-connector/domain"
)

// withToken gives s the credential of f.
func (f Fixture) withToken(s domain.Scope) domain.Scope {
	if f.Token != "" {
		s.Credential = func(context.Context) (domain.Credential, error) {
			return domain.Credential{Kind: domain.CredentialToken, Secret: domain.Secret(f.Token)}, nil
		}
	}
	return s
}

func testFetch(t *testing.T, f Fixture) {
	s := f.scope(t)
	for path, item := range snapshot(t, f, s).items() {
		checkContent(t, f, s, item)
		if d := item.Digest; !d.IsZero() && d != sha256.Sum256([]byte(f.Files[path])) {
			t.Errorf("got digest %s listed for %q", d, path)
		}
	}
}

// checkContent reads item, as the engine does.
func checkContent(t *testing.T, f Fixture, s domain.Scope, item domain.Item) {
	t.Helper()
	c, err := f.Connector.Fetch(t.Context(), s, item.Ref())
	if err != nil {
		t.Fatalf("fetch %q: %v", item.Path, err)
	}
	b, err := io.ReadAll(c.Body)
	if err = errors.Join(err, c.Body.Close()); err != nil {
		t.Fatalf("read %q: %v", item.Path, err)
	}
	if want := f.Files[string(item.Path)]; string(b) != want {
		t.Errorf("got %d bytes of %q, want %d, or other ones", len(b), item.Path, len(want))
	}
	if item.Version != "" && c.Version != "" && c.Version != item.Version {
		t.Errorf("got version %q of %q, listed is %q", c.Version, item.Path, item.Version)
	}
	if c.Read != nil {
		c.Read(sha256.Sum256(b))
	}
}

// testFetchGone removes a file that was listed. Where versions have names the
// listed one may be there still.
func testFetchGone(t *testing.T, f Fixture) {
	s := f.scope(t)
	items := snapshot(t, f, s).items()
	path := slices.Sorted(maps.Keys(f.Files))[0]
	f.Remove(path)
	c, err := f.Connector.Fetch(t.Context(), s, items[path].Ref())
	if err != nil {
		return
	}
	b, err := io.ReadAll(c.Body)
	if err = errors.Join(err, c.Body.Close()); err != nil {
		return
	}
	if c.Version == "" || c.Version != items[path].Version || string(b) != f.Files[path] {
		t.Errorf("got %d bytes, version %q, of %q, which is gone", len(b), c.Version, path)
	}
}

// testCache lists, reads everything and lists again: what the cache says must be
// what the provider holds, and so it must after changes.
func testCache(t *testing.T, f Fixture) {
	s := f.scope(t)
	for _, item := range snapshot(t, f, s).items() {
		checkContent(t, f, s, item)
	}
	checkDigests(t, f, snapshot(t, f, s))
	paths := slices.Sorted(maps.Keys(f.Files))
	f.Put(paths[0], "changed "+f.Files[paths[0]])
	f.Remove(paths[1])
	f.Put(paths[2]+".new", "new")
	f.Files[paths[0]], f.Files[paths[2]+".new"] = "changed "+f.Files[paths[0]], "new"
	delete(f.Files, paths[1])
	checkDigests(t, f, snapshot(t, f, s))
	s.Fresh = true
	checkDigests(t, f, snapshot(t, f, s))
}

func checkDigests(t *testing.T, f Fixture, got *collector) {
	t.Helper()
	checkListed(t, f, got.pages)
	for path, item := range got.items() {
		if d := item.Digest; !d.IsZero() && d != sha256.Sum256([]byte(f.Files[path])) {
			t.Errorf("got digest %s listed for %q", d, path)
		}
	}
}

package vault_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/confuse/data-connector/adapters/clock"
	"github.com/confuse/data-connector/adapters/vault"
	"github.com/confuse/data-connector/domain"
)

// copyOf is the keyset as it is now, elsewhere.
func copyOf(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	kept := filepath.Join(t.TempDir(), "kept.json")
	if err := os.WriteFile(kept, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	return kept
}

// Behind a rotation the new key opens everything, and the old one nothing.
func TestRotate(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	const rows = 250 // more than two pages
	ids := make([]string, rows)
	for i := range ids {
		ids[i] = w.put(t, ann, github, fmt.Sprint("token-", i))
	}
	old := vault.New(w.db, keyring(t, copyOf(t, w.path), ""), clock.System{})
	if err := w.ring.AddKey(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n, err := w.Stale(t.Context()); err != nil || n != rows {
		t.Errorf("got %d, %v stale rows, want %d", n, err, rows)
	}
	if n, err := w.Reseal(t.Context()); err != nil || n != rows {
		t.Fatalf("got %d, %v sealed again, want %d", n, err, rows)
	}
	if n, err := w.Reseal(t.Context()); err != nil || n != 0 {
		t.Errorf("got %d, %v the second time, want 0", n, err)
	}
	if err := w.ring.Disable(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i, id := range ids {
		if c, err := w.Get(t.Context(), ann, github, id); err != nil || string(c.Secret) != fmt.Sprint("token-", i) {
			t.Fatalf("row %d: got %q, %v", i, string(c.Secret), err)
		}
	}
	if _, err := old.Get(t.Context(), ann, github, ids[0]); !errors.Is(err, domain.ErrUnavailable) {
		t.Errorf("the old keyset: got %v, want ErrUnavailable: its key is not there", err)
	}
}

// Rotations at the same time, each in a process of its own, lose no key: what each
// has sealed opens.
func TestRotateTogether(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	const rotations = 8
	var ids [rotations]string
	var together sync.WaitGroup
	for i := range rotations {
		other := vault.New(w.db, keyring(t, w.path, ""), clock.System{})
		ring := keyring(t, w.path, "")
		together.Go(func() {
			if err := ring.AddKey(t.Context()); err != nil {
				t.Error(err)
			}
			var err error
			if ids[i], err = other.Put(t.Context(), ann, github, domain.Credential{Kind: domain.CredentialToken, Secret: canary}); err != nil {
				t.Error(err)
			}
		})
	}
	together.Wait()
	for i, id := range ids {
		if _, err := w.Get(t.Context(), ann, github, id); err != nil {
			t.Errorf("rotation %d: %v", i, err)
		}
	}
}

// A disabled key says so; it is no fault of the credential.
func TestDisabledKey(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	id := w.put(t, ann, github, canary)
	if err := errors.Join(w.ring.AddKey(t.Context()), w.ring.Disable(t.Context())); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Get(t.Context(), ann, github, id); !errors.Is(err, domain.ErrUnavailable) {
		t.Errorf("got %v, want ErrUnavailable", err)
	}
	if n, err := w.Reseal(t.Context()); n != 0 || !errors.Is(err, domain.ErrUnavailable) {
		t.Errorf("reseal: got %d, %v, want ErrUnavailable", n, err)
	}
}

// A rotation that was stopped in the middle is finished by the next one.
func TestRotateResumed(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	first, second := w.put(t, ann, github, "one"), w.put(t, bob, github, "two")
	if err := w.ring.AddKey(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.exec(t, `UPDATE app.oauth_tokens SET sealed = set_byte(sealed, 20, get_byte(sealed, 20) # 1) WHERE id = $1`, second)
	if _, err := w.Reseal(t.Context()); !errors.Is(err, domain.ErrUnauthorized) {
		t.Fatalf("got %v, want that a row does not open", err)
	}
	w.exec(t, `UPDATE app.oauth_tokens SET sealed = set_byte(sealed, 20, get_byte(sealed, 20) # 1) WHERE id = $1`, second)
	if n, err := w.Reseal(t.Context()); err != nil || n != 2 { // the page was rolled back as a whole
		t.Errorf("got %d, %v, want both", n, err)
	}
	for id, owner := range map[string]domain.OwnerID{first: ann, second: bob} {
		if _, err := w.Get(t.Context(), owner, github, id); err != nil {
			t.Error(err)
		}
	}
}

// No read fails while the keys change below a process that runs.
func TestRotateUnderLoad(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	running := vault.New(w.db, keyring(t, w.path, ""), clock.System{}) // another process
	id := w.put(t, ann, github, canary)
	ctx, stop := context.WithCancel(t.Context())
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for ctx.Err() == nil {
				if c, err := running.Get(t.Context(), ann, github, id); err != nil || c.Secret != canary {
					t.Errorf("got %q, %v while the keys change", string(c.Secret), err)
					return
				}
			}
		})
	}
	for range 5 {
		if err := w.ring.AddKey(t.Context()); err != nil {
			t.Error(err)
		}
		if _, err := w.Reseal(t.Context()); err != nil {
			t.Error(err)
		}
	}
	stop()
	readers.Wait()
	made, err := running.Put(t.Context(), ann, github, domain.Credential{Kind: domain.CredentialToken, Secret: "new"})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := w.Stale(t.Context()); err != nil || n != 0 {
		t.Errorf("got %d, %v stale rows, want that the process that runs seals %s by the new key", n, err, made)
	}
}

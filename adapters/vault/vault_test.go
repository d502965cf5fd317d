package vault_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/confuse/data-connector/adapters/clock"
	"github.com/confuse/data-connector/adapters/testenv"
	"github.com/confuse/data-connector/adapters/vault"
	"github.com/confuse/data-connector/domain"
)

const (
	ann    = domain.OwnerID("ann")
	bob    = domain.OwnerID("bob")
	github = domain.Provider("github")
	canary = "ghp_canaryCanaryCanaryCanaryCanaryCanary"
)

// A world is a vault on a database and a keyset of its own.
type world struct {
	*vault.Vault
	db   *pgxpool.Pool
	ring *vault.Keyring
	path string
}

func newWorld(t *testing.T) world {
	t.Helper()
	db, err := pgxpool.New(t.Context(), testenv.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	path := filepath.Join(t.TempDir(), "keyset.json")
	ring := keyring(t, path, "")
	return world{Vault: vault.New(db, ring, clock.System{}), db: db, ring: ring, path: path}
}

// keyring opens the keys in path, which are made if there are none.
func keyring(t *testing.T, path, kms string) *vault.Keyring {
	t.Helper()
	ring, err := vault.OpenKeyring(t.Context(), path, kms)
	if errors.Is(err, vault.ErrNoKeyset) {
		err = ring.Create(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

func (w world) put(t *testing.T, owner domain.OwnerID, provider domain.Provider, secret string) string {
	t.Helper()
	id, err := w.Put(t.Context(), owner, provider, domain.Credential{Kind: domain.CredentialToken, Secret: domain.Secret(secret)})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func (w world) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	if _, err := w.db.Exec(t.Context(), sql, args...); err != nil {
		t.Fatal(err)
	}
}

func TestPutAndGet(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	tests := map[string]domain.Credential{
		"token": {Kind: domain.CredentialToken, Secret: canary, ExpiresAt: time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC)},
		"basic": {Kind: domain.CredentialBasic, Username: "ann@example.com", Secret: "p w \"ü"},
		"app":   {Kind: domain.CredentialApp, Secret: "-----BEGIN-----\nx\n", Settings: map[string]string{"app_id": "12", "installation_id": "34"}},
		"4 KB":  {Kind: domain.CredentialToken, Secret: domain.Secret(strings.Repeat("x", 4096))},
	}
	for name, want := range tests {
		id, err := w.Put(t.Context(), ann, github, want)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got, err := w.Get(t.Context(), ann, github, id)
		want.ID = id
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: got error %v, credential (-want +got):\n%s", name, err, diff)
		}
	}
	if _, err := w.Put(t.Context(), ann, github, domain.Credential{Kind: domain.CredentialToken}); !errors.Is(err, domain.ErrForbidden) {
		t.Errorf("an empty secret: got %v, want ErrForbidden", err)
	}
}

// Whoever asks, an id opens only for its owner and provider, and not at all once
// it is deleted.
func TestOthersDoNotGet(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	id := w.put(t, ann, github, canary)
	if err := w.Delete(t.Context(), bob, id); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Get(t.Context(), ann, github, id); err != nil {
		t.Errorf("after another owner's delete: %v", err)
	}
	for name, get := range map[string]func() (domain.Credential, error){
		"another owner":    func() (domain.Credential, error) { return w.Get(t.Context(), bob, github, id) },
		"another provider": func() (domain.Credential, error) { return w.Get(t.Context(), ann, "gitlab", id) },
		"another id":       func() (domain.Credential, error) { return w.Get(t.Context(), ann, github, uuid.NewString()) },
		"no id":            func() (domain.Credential, error) { return w.Get(t.Context(), ann, github, "") },
	} {
		if c, err := get(); !errors.Is(err, domain.ErrUnauthorized) || c.Secret != "" {
			t.Errorf("%s: got %q, %v, want ErrUnauthorized", name, string(c.Secret), err)
		}
	}
	for range 2 {
		if err := w.Delete(t.Context(), ann, id); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Get(t.Context(), ann, github, id); !errors.Is(err, domain.ErrUnauthorized) {
		t.Errorf("deleted: got %v, want ErrUnauthorized", err)
	}
}

// Who can write to the table still opens nothing: not by changing a row, nor by
// moving what is sealed to another row, owner or provider.
func TestTamperedRows(t *testing.T) {
	t.Parallel()

	const move = `UPDATE app.oauth_tokens SET sealed = (SELECT sealed FROM app.oauth_tokens WHERE id = $1) WHERE id = $2`
	tests := map[string]func(t *testing.T, w world, anns, bobs string){
		"one bit": func(t *testing.T, w world, _, bobs string) {
			w.exec(t, `UPDATE app.oauth_tokens SET sealed = set_byte(sealed, 20, get_byte(sealed, 20) # 1) WHERE id = $1`, bobs)
		},
		"cut": func(t *testing.T, w world, _, bobs string) {
			w.exec(t, `UPDATE app.oauth_tokens SET sealed = substring(sealed FROM 1 FOR 12) WHERE id = $1`, bobs)
		},
		"another row": func(t *testing.T, w world, anns, bobs string) { w.exec(t, move, anns, bobs) },
		"another owner": func(t *testing.T, w world, anns, bobs string) {
			w.exec(t, `DELETE FROM app.oauth_tokens WHERE id = $1`, bobs)
			w.exec(t, `UPDATE app.oauth_tokens SET owner_id = 'bob', id = $2 WHERE id = $1`, anns, bobs)
		},
		"own row made another owner's": func(t *testing.T, w world, _, bobs string) {
			other := w.put(t, bob, "gitlab", "other")
			w.exec(t, `DELETE FROM app.oauth_tokens WHERE id = $1`, bobs)
			w.exec(t, `UPDATE app.oauth_tokens SET provider = 'github', id = $2 WHERE id = $1`, other, bobs)
		},
	}
	for name, tamper := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			w := newWorld(t)
			anns, bobs := w.put(t, ann, github, canary), w.put(t, bob, github, "bob's")
			tamper(t, w, anns, bobs)
			c, err := w.Get(t.Context(), bob, github, bobs)
			if !errors.Is(err, domain.ErrUnauthorized) || c.Secret != "" {
				t.Fatalf("got %q, %v, want ErrUnauthorized", string(c.Secret), err)
			}
			if strings.Contains(err.Error(), canary) {
				t.Errorf("got the secret in %q", err)
			}
		})
	}
}

// The same row id under another owner or provider is another spot, though the
// row is found.
func TestRowMovedToAnotherOwner(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	id := w.put(t, ann, github, canary)
	w.exec(t, `UPDATE app.oauth_tokens SET owner_id = 'bob' WHERE id = $1`, id)
	if _, err := w.Get(t.Context(), bob, github, id); !errors.Is(err, domain.ErrUnauthorized) {
		t.Errorf("another owner: got %v, want ErrUnauthorized", err)
	}
	w.exec(t, `UPDATE app.oauth_tokens SET owner_id = 'ann', provider = 'gitlab' WHERE id = $1`, id)
	if _, err := w.Get(t.Context(), ann, "gitlab", id); !errors.Is(err, domain.ErrUnauthorized) {
		t.Errorf("another provider: got %v, want ErrUnauthorized", err)
	}
}

// I7: the database alone shows no secret.
func TestDumpShowsNothing(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.put(t, ann, github, canary)
	var dump string
	if err := w.db.QueryRow(t.Context(), `SELECT string_agg(r::text || encode(r.sealed, 'escape'), ' ') FROM app.oauth_tokens r`).Scan(&dump); err != nil {
		t.Fatal(err)
	}
	if dump == "" || strings.Contains(dump, canary) {
		t.Errorf("got the secret, or nothing, in %q", dump)
	}
	info, err := os.Stat(w.path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got mode %v, %v of the keyset, want 0600", info.Mode(), err)
	}
}

func TestKeysetMissing(t *testing.T) {
	t.Parallel()

	ring, err := vault.OpenKeyring(t.Context(), filepath.Join(t.TempDir(), "none.json"), "")
	if !errors.Is(err, vault.ErrNoKeyset) {
		t.Fatalf("got %v, want ErrNoKeyset", err)
	}
	w := newWorld(t)
	if _, err := vault.New(w.db, ring, clock.System{}).Put(t.Context(), ann, github, domain.Credential{Secret: "x"}); !errors.Is(err, vault.ErrNoKeyset) {
		t.Errorf("put: got %v, want ErrNoKeyset", err)
	}
}

// Two processes that start at once use the same keys.
func TestCreateTwice(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	id := w.put(t, ann, github, canary)
	if err := w.ring.Create(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	if c, err := w.Get(t.Context(), ann, github, id); err != nil || c.Secret != canary {
		t.Errorf("got %v after the second Create", err)
	}
}

// A keyset that a key management service seals is no use without it.
func TestKeysetUnderKMS(t *testing.T) {
	t.Parallel()

	const kms, other = "base64key://smGbjm71Nxd1Ig5FS0wj9SlbzAIrnolCz9bQQ6uAhl4=", "base64key://c21Hbmptbm14ZDFJZzVGUzB3ajlTbGJ6QUlybm9sY3o="
	w := newWorld(t)
	path := filepath.Join(t.TempDir(), "sealed.json")
	v := vault.New(w.db, keyring(t, path, kms), clock.System{})
	id, err := v.Put(t.Context(), ann, github, domain.Credential{Kind: domain.CredentialToken, Secret: canary})
	if err != nil {
		t.Fatal(err)
	}
	again := vault.New(w.db, keyring(t, path, kms), clock.System{})
	if c, err := again.Get(t.Context(), ann, github, id); err != nil || c.Secret != canary {
		t.Errorf("got %v with the same key", err)
	}
	for name, address := range map[string]string{"another key": other, "none": ""} {
		if _, err := vault.OpenKeyring(t.Context(), path, address); err == nil {
			t.Errorf("%s: got the keys", name)
		}
	}
	if _, err := vault.OpenKeyring(t.Context(), path, "base64key://not-a-key"); err == nil || strings.Contains(err.Error(), "not-a-key") {
		t.Errorf("got %v, want an error without the address", err)
	}
}

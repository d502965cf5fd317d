package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/confuse/data-connector/adapters/clock"
	"github.com/confuse/data-connector/adapters/postgres"
	"github.com/confuse/data-connector/adapters/testenv"
	"github.com/confuse/data-connector/adapters/vault"
	"github.com/confuse/data-connector/domain"
)

// The keys are made once, and changed without losing what they seal.
func TestVaultVerbs(t *testing.T) {
	t.Parallel()

	path := filepath.Join(t.TempDir(), "keyset.json")
	env := []string{"DATABASE_URL=" + testenv.Database(t), "VAULT_KEYSET_FILE=" + path}
	if r := call(t, env, "vault", "rotate"); r.code == exitOK || !strings.Contains(r.err, "no keyset") {
		t.Errorf("rotate without keys: got exit code %d, %q", r.code, r.err)
	}
	must(t, env, "vault", "init")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	must(t, env, "vault", "init")
	if again, err := os.ReadFile(path); err != nil || string(again) != string(raw) {
		t.Errorf("got other keys after the second init, %v", err)
	}
	db, err := postgres.Open(t.Context(), mapOf(env)["DATABASE_URL"])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	ring, err := vault.OpenKeyring(t.Context(), path, "")
	if err != nil {
		t.Fatal(err)
	}
	v := vault.New(db, ring, clock.System{})
	id, err := v.Put(t.Context(), "ann", "github", domain.Credential{Kind: domain.CredentialToken, Secret: "s"})
	if err != nil {
		t.Fatal(err)
	}
	if out := must(t, env, "vault", "rotate", "--disable-old"); out != "1 sealed by the new key\n" {
		t.Errorf("got %q", out)
	}
	if c, err := v.Get(t.Context(), "ann", "github", id); err != nil || c.Secret != "s" {
		t.Errorf("got %v behind the rotation", err)
	}
}

// A serve whose keyset is missing says how to make one, and does not begin.
func TestServeWithoutItsKeyset(t *testing.T) {
	t.Parallel()

	env := with(serveEnv(t, t.TempDir()), "VAULT_KEYSET_FILE="+filepath.Join(t.TempDir(), "none.json"))
	if r := call(t, env, "serve"); r.code == exitOK || !strings.Contains(r.err, "data-connector vault init") {
		t.Errorf("got exit code %d, %q", r.code, r.err)
	}
}

// Without a keyset the service runs, and says that it takes no credentials.
func TestCredentialWithoutVault(t *testing.T) {
	t.Parallel()

	dir := folder(t, map[string]string{"a": "a"})
	server := startChild(t, serveEnv(t, dir), "serve")
	resp, err := http.Post(server.URL+"/sources", "application/json", strings.NewReader(`{"type":"localfs","config":{"rootPath":"`+dir+`"},"accessToken":"t"}`)) //nolint:noctx // a test
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }() // only the status counts
	if resp.StatusCode != http.StatusBadRequest {
		t.Errorf("got %d, want 400", resp.StatusCode)
	}
}

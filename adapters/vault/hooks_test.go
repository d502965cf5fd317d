package vault_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/ingest"
)

func hookOf(t *testing.T, owner domain.OwnerID, key string) ingest.SourceHook {
	t.Helper()
	source, err := domain.NewSourceID()
	if err != nil {
		t.Fatal(err)
	}
	return ingest.SourceHook{
		Source: source, Owner: owner, Provider: github, Key: key, Secret: "secret of " + domain.Secret(owner),
		SecretAt: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), URL: "https://example.com/" + key,
	}
}

// What was put is found by key and by source, and each change needs the version
// before it.
func TestHooks(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	table := w.Hooks()
	h := hookOf(t, ann, "key-1")
	if err := table.Put(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	if err := table.Put(t.Context(), h); !errors.Is(err, domain.ErrConflict) {
		t.Errorf("a second first one: got %v, want ErrConflict", err)
	}
	h.Version = 1
	got, err := table.ByKey(t.Context(), github, "key-1")
	if diff := cmp.Diff(h, got); err != nil || diff != "" {
		t.Errorf("got error %v, hook (-want +got):\n%s", err, diff)
	}
	h.Previous, h.Secret, h.HookID, h.Tries, h.Failure = h.Secret, "new", "42", 3, "no permission"
	h.EnsuredAt, h.TriedAt, h.ExpiresAt = h.SecretAt.Add(time.Hour), h.SecretAt.Add(2*time.Hour), h.SecretAt.Add(3*time.Hour)
	for _, want := range []error{nil, domain.ErrConflict} { // the second time it is another version
		if err := table.Put(t.Context(), h); !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
	}
	h.Version = 2
	got, err = table.Of(t.Context(), h.Source)
	if diff := cmp.Diff(h, got); err != nil || diff != "" {
		t.Errorf("got error %v, hook (-want +got):\n%s", err, diff)
	}
	if _, err := table.ByKey(t.Context(), "gitlab", "key-1"); !errors.Is(err, domain.ErrSourceNotFound) {
		t.Errorf("another provider: got %v, want ErrSourceNotFound", err)
	}
	for got, err := range table.All(t.Context()) {
		h.Secret, h.Previous = "", ""
		if diff := cmp.Diff(h, got); err != nil || diff != "" {
			t.Errorf("got error %v, hook (-want +got):\n%s", err, diff)
		}
	}
	for range 2 {
		if err := table.Delete(t.Context(), h.Source); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := table.Of(t.Context(), h.Source); !errors.Is(err, domain.ErrSourceNotFound) {
		t.Errorf("deleted: got %v, want ErrSourceNotFound", err)
	}
	if err := table.Put(t.Context(), ingest.SourceHook{Source: h.Source, Key: "k"}); !errors.Is(err, domain.ErrForbidden) {
		t.Errorf("an empty secret: got %v, want ErrForbidden", err)
	}
}

// A secret opens only where it was sealed, and a rotation of the keys keeps it.
func TestHooksAreSealed(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	table := w.Hooks()
	anns, bobs := hookOf(t, ann, "key-a"), hookOf(t, bob, "key-b")
	if err := errors.Join(table.Put(t.Context(), anns), table.Put(t.Context(), bobs)); err != nil {
		t.Fatal(err)
	}
	if err := w.ring.AddKey(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n, err := w.Reseal(t.Context()); err != nil || n != 2 {
		t.Errorf("got %d, %v sealed again, want both", n, err)
	}
	if err := w.ring.Disable(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, err := table.ByKey(t.Context(), github, "key-a"); err != nil || got.Secret != "secret of ann" {
		t.Errorf("got %q, %v", string(got.Secret), err)
	}
	w.exec(t, `UPDATE app.hooks SET sealed = (SELECT sealed FROM app.hooks WHERE key = 'key-a') WHERE key = 'key-b'`)
	if got, err := table.ByKey(t.Context(), github, "key-b"); !errors.Is(err, domain.ErrUnauthorized) {
		t.Errorf("got %q, %v, want ErrUnauthorized", string(got.Secret), err)
	}
}

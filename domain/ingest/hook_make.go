package ingest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/confuse/data-connector/domain"
)

// SourceHooks makes the addresses at which sources take webhooks. It may be used
// concurrently.
type SourceHooks struct {
	Hooks     HookTable
	Index     domain.Index
	Clock     domain.Clock
	PublicURL string // where providers reach the service; empty: not known
}

// Make gives a source an address with a secret, for somebody who sets the webhook
// up by hand. A source that has one keeps its address and gets a new secret; the
// one before is good for another day. ErrSourceNotFound: unknown, another owner's,
// or being removed.
func (m *SourceHooks) Make(ctx context.Context, owner domain.OwnerID, id domain.SourceID) (SourceHook, error) {
	src, err := m.owned(ctx, owner, id)
	if err != nil {
		return SourceHook{}, err
	}
	h, err := m.Hooks.Of(ctx, id)
	switch {
	case errors.Is(err, domain.ErrSourceNotFound):
		h = newHook(src, m.Clock.Now())
	case err != nil:
		return SourceHook{}, err
	default:
		h = h.rotated(m.Clock.Now())
	}
	h.URL = addressOf(m.PublicURL, h)
	return h, m.Hooks.Put(ctx, h)
}

// Show is the row of a source, without its secrets. ErrSourceNotFound: as Make,
// and when it has none.
func (m *SourceHooks) Show(ctx context.Context, owner domain.OwnerID, id domain.SourceID) (SourceHook, error) {
	if _, err := m.owned(ctx, owner, id); err != nil {
		return SourceHook{}, err
	}
	h, err := m.Hooks.Of(ctx, id)
	h.Secret, h.Previous = "", ""
	return h, err
}

func (m *SourceHooks) owned(ctx context.Context, owner domain.OwnerID, id domain.SourceID) (domain.Source, error) {
	src, err := m.Index.Source(ctx, id)
	if err == nil && (src.Owner != owner || src.Removing || src.Removed) { // I10
		err = fmt.Errorf("source %q: %w", id, domain.ErrSourceNotFound)
	}
	return src, err
}

// newHook is the row of a source that has none: a key of 128 bits and a secret of
// 256.
func newHook(src domain.Source, at time.Time) SourceHook {
	return SourceHook{
		Source: src.ID, Owner: src.Owner, Provider: src.Provider,
		Key: random(16), Secret: domain.Secret(random(32)), SecretAt: at,
	}
}

// worn reports whether h needs another secret. Only one that the provider has from
// us may be replaced by us: what somebody set by hand would fail from then on, and
// so would a third one while the provider still signs with the first.
func (h SourceHook) worn(now time.Time) bool {
	return h.HookID != "" && !h.EnsuredAt.Before(h.SecretAt) && !now.Before(h.SecretAt.Add(secretLasts))
}

// rotated is h with another secret, and the one before beside it.
func (h SourceHook) rotated(at time.Time) SourceHook {
	h.Previous, h.Secret, h.SecretAt = h.Secret, domain.Secret(random(32)), at
	return h
}

func random(bytes int) string {
	raw := make([]byte, bytes)
	_, _ = rand.Read(raw) // never fails
	return hex.EncodeToString(raw)
}

// addressOf is where the provider sends deliveries for h; without a base only the
// path.
func addressOf(base string, h SourceHook) string {
	return strings.TrimRight(base, "/") + "/webhooks/" + string(h.Provider) + "/" + h.Key
}

package ingest

import (
	"context"
	"iter"
	"time"

	"github.com/confuse/data-connector/domain"
)

// marksLast is how long a delivery is known again: GitHub sends one again for 3
// days, its Enterprise Server and GitLab for 7.
const marksLast = 8 * 24 * time.Hour

// Marks remember deliveries for a while. Losing them is harmless: a delivery that
// comes again then is the same event, and at worst one needless sync.
type Marks interface {
	// Marked tells which of keys are marked, in their order.
	Marked(ctx context.Context, keys []string) ([]bool, error)
	// Mark marks keys for d.
	Mark(ctx context.Context, d time.Duration, keys []string) error
}

// An Inbox keeps hints that the log did not take in time.
type Inbox interface {
	// Put keeps messages, all or none. One that is there already stays as it is.
	Put(ctx context.Context, messages ...domain.Message) error
	// Oldest are up to limit of them, the oldest first.
	Oldest(ctx context.Context, limit int) ([]domain.Message, error)
	// Delete forgets messages. Deleting what is not there is harmless.
	Delete(ctx context.Context, ids ...domain.EventID) error
}

// Objects finds the sources of an object of a provider.
type Objects interface {
	// SourcesOf are the sources of all owners that were connected to the object with
	// this external key, also ones that were removed since.
	SourcesOf(ctx context.Context, provider domain.Provider, externalKey string) ([]domain.SourceID, error)
}

// Installed finds the sources that an installation of an app opens.
type Installed interface {
	// InstalledSources are those of all owners, also ones that are being removed.
	InstalledSources(ctx context.Context, provider domain.Provider, installation string) iter.Seq2[domain.Source, error]
}

// A HookTable is the table of what sources take webhooks with. Its secrets are
// sealed.
type HookTable interface {
	// ByKey finds the row whose address ends with key; ErrSourceNotFound: none.
	ByKey(ctx context.Context, provider domain.Provider, key string) (SourceHook, error)
	// Of is the row of a source; ErrSourceNotFound: it has none.
	Of(ctx context.Context, source domain.SourceID) (SourceHook, error)
	// Put inserts h with Version 0, or replaces the row of its Version, whose number
	// it raises. ErrConflict: another one was faster.
	Put(ctx context.Context, h SourceHook) error
	// Delete forgets the row of a source. Deleting what is not there is harmless.
	Delete(ctx context.Context, source domain.SourceID) error
	// All are all rows, without their secrets.
	All(ctx context.Context) iter.Seq2[SourceHook, error]
}

// overlap is how long the secret before is still good once the provider has the
// new one: deliveries signed with it may be on their way or be sent again.
const overlap = 24 * time.Hour

// A SourceHook is what a source takes webhooks with. The row is there before the
// provider is asked, so that a delivery never comes to an unknown address, and a
// hook that was made before a crash is found again by its URL.
type SourceHook struct {
	Source   domain.SourceID
	Owner    domain.OwnerID
	Provider domain.Provider
	Key      string // last part of the address: 128 bits

	Secret   domain.Secret
	Previous domain.Secret // the one before; empty: there is none
	SecretAt time.Time     // when Secret was made

	HookID    string    // at the provider; empty: not made yet, or by hand
	URL       string    // that the provider was told
	ExpiresAt time.Time // zero: never
	EnsuredAt time.Time // when the provider had it so; zero: never
	TriedAt   time.Time // the last attempt, whatever came of it
	Tries     int       // in a row that failed
	Failure   string    // why the last one failed; empty: it did not
	Version   int64     // 0: not kept yet
}

// Active are the secrets that a delivery may be signed with at time now. The one
// before stays good until the provider has had the new one for a day.
func (h SourceHook) Active(now time.Time) []domain.Secret {
	told := h.EnsuredAt
	if h.HookID == "" {
		told = h.SecretAt // somebody sets it by hand
	}
	if h.Previous == "" || !told.Before(h.SecretAt) && !now.Before(told.Add(overlap)) {
		return []domain.Secret{h.Secret}
	}
	return []domain.Secret{h.Secret, h.Previous}
}

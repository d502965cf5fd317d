package domain

import (
	"context"
	"net/http"
	"time"
)

// A WebhookParser reads a provider's webhooks; it is pure.
type WebhookParser interface {
	// Verify checks the raw body against each active secret and the signed time, in
	// constant time. ErrForbidden: no secret fits, or there is none.
	Verify(h http.Header, raw []byte, secrets []Secret, now time.Time) error
	// Parse is called only after Verify. InvalidError: it is no delivery of this
	// provider.
	Parse(h http.Header, raw []byte) (Delivery, error)
}

// A Delivery is what a webhook says.
type Delivery struct {
	ID string // the provider's delivery id; empty where it gives none, or repeats it
	// IDSigned: the signature covers ID, so the same body under another id is another
	// delivery, and not one that somebody caught and sends again.
	IDSigned bool
	Event    string   // the provider's word: "push"
	Notices  []Notice // empty: it means nothing to us
	Ignored  string   // why it means nothing, for people: "a ping"
	About    string   // external key of what it is about although it means nothing; empty: it does not say
}

// A Notice says that one object of the provider may have changed.
type Notice struct {
	ExternalKey string   // of the source, as Validate gives it; empty: the source that the address names
	Refs        []string // branches and items that it speaks of, for people
	// Installation is of an app, whose access has changed: instead of ExternalKey it
	// means all sources that it opens. Zero: it does not.
	Installation Installation
	Access       bool // with Installation: the provider gives access again, or more of it
}

// A WebhookAdmin registers webhooks at the provider, in the name of a source's
// credential.
type WebhookAdmin interface {
	// EnsureHook makes the hook that want describes, or adopts and repairs the one
	// that is there: the one named by want.ID, else one with the same URL.
	EnsureHook(ctx context.Context, s Scope, want Hook) (Hook, error)
	// RemoveHook removes it. Removing what is not there is harmless.
	RemoveHook(ctx context.Context, s Scope, id string) error
}

// A DeliveryLog is a provider that keeps what became of its deliveries.
type DeliveryLog interface {
	// Undelivered reports whether a delivery to a webhook failed behind a place in
	// the log, empty: in what is kept of it, and where to go on from.
	Undelivered(ctx context.Context, s Scope, hook, after string) (failed bool, next string, err error)
}

// A SharedDeliveryLog is a provider that keeps what became of deliveries to the
// address that all sources share, such as those of a GitHub App.
type SharedDeliveryLog interface {
	// UndeliveredToAll is Undelivered for such deliveries about the object of s.
	// Where nothing sends any, none failed.
	UndeliveredToAll(ctx context.Context, s Scope, after string) (failed bool, next string, err error)
}

// A Hook is a webhook at the provider.
type Hook struct {
	ID        string    // the provider's; empty before it is made
	URL       string    // where deliveries go
	Secret    Secret    // that they are signed with
	ExpiresAt time.Time // zero: never
}

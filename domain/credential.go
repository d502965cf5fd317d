package domain

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"
)

// hiddenSecret is what a [Secret] shows of itself.
const hiddenSecret = "[hidden]"

// A Secret is a token, password or key. It shows itself in no log line, error or
// JSON (I7); string(s) is the one way to it.
type Secret string

// String hides s.
func (s Secret) String() string { return hide(s) }

// GoString hides s from %#v.
func (s Secret) GoString() string { return hide(s) }

// LogValue hides s.
func (s Secret) LogValue() slog.Value { return slog.StringValue(hide(s)) }

// MarshalJSON hides s.
func (s Secret) MarshalJSON() ([]byte, error) { return json.Marshal(hide(s)) }

func hide(s Secret) string {
	if s == "" {
		return ""
	}
	return hiddenSecret
}

// A Credential opens a source at its provider.
type Credential struct {
	ID       string // of the row that it is sealed in; empty when it is not kept
	Kind     CredentialKind
	Username string // who the secret is of, where the provider asks for it
	Secret   Secret // the token, the password, or the private key as PEM
	// Settings are what is no secret: "app_id", "installation_id".
	Settings  map[string]string
	ExpiresAt time.Time // zero: not known, or never
}

// A CredentialKind says how a credential is used.
type CredentialKind string

// The kinds of credentials.
const (
	CredentialToken CredentialKind = "token" // sent as it is: personal, project and workspace access tokens
	CredentialBasic CredentialKind = "basic" // Username and Secret
	CredentialApp   CredentialKind = "app"   // the private key of an app, from which short-lived tokens are made
)

// Credentials is where the credentials of sources are kept, sealed. It may be
// used concurrently.
type Credentials interface {
	// Put seals c for owner and provider and returns its id. Nothing refers to it
	// until credential_attached does.
	Put(ctx context.Context, owner OwnerID, provider Provider, c Credential) (id string, err error)
	// Get opens what Put has sealed. ErrUnauthorized: there is none of that id that
	// is this owner's and this provider's.
	Get(ctx context.Context, owner OwnerID, provider Provider, id string) (Credential, error)
	// Delete forgets it. Deleting what is not there is harmless.
	Delete(ctx context.Context, owner OwnerID, id string) error
}

package vault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/confuse/data-connector/domain"
)

// ofTokens is where credentials lie.
const ofTokens = "app.oauth_tokens.sealed"

// A Vault is the table of credentials. It may be used concurrently.
type Vault struct {
	db    *pgxpool.Pool
	ring  *Keyring
	clock domain.Clock
}

var _ domain.Credentials = (*Vault)(nil)

// New makes the vault over the pool db, with the keys of ring.
func New(db *pgxpool.Pool, ring *Keyring, clock domain.Clock) *Vault {
	return &Vault{db: db, ring: ring, clock: clock}
}

// A content is a credential as it is sealed. Secret would hide itself.
type content struct {
	Kind      domain.CredentialKind `json:"kind"`
	Username  string                `json:"username,omitempty"`
	Secret    string                `json:"secret"`
	Settings  map[string]string     `json:"settings,omitempty"`
	ExpiresAt time.Time             `json:"expires_at,omitzero"`
}

// Put implements domain.Credentials.
func (v *Vault) Put(ctx context.Context, owner domain.OwnerID, provider domain.Provider, c domain.Credential) (string, error) {
	if c.Secret == "" {
		return "", fmt.Errorf("vault: a credential without a secret: %w", domain.ErrForbidden)
	}
	row, err := uuid.NewV7()
	if err != nil {
		return "", fmt.Errorf("vault: %w", err)
	}
	plain, err := json.Marshal(content{Kind: c.Kind, Username: c.Username, Secret: string(c.Secret), Settings: c.Settings, ExpiresAt: c.ExpiresAt})
	if err != nil {
		return "", fmt.Errorf("vault: %w", err)
	}
	s, err := v.ring.seal(ctx, spot{table: ofTokens, row: row, owner: owner, provider: provider}, plain)
	if err != nil {
		return "", err
	}
	_, err = v.db.Exec(ctx, `
		INSERT INTO app.oauth_tokens (id, owner_id, provider, kind, sealed, key_id, expires_at, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)`,
		[16]byte(row), string(owner), string(provider), string(c.Kind), s.raw, int64(s.key), nullTime(c.ExpiresAt), v.clock.Now())
	if err != nil {
		return "", fmt.Errorf("vault: keep a credential: %w", err)
	}
	return row.String(), nil
}

// Get implements domain.Credentials. ErrUnavailable: the key that sealed it is
// not in the keyset.
func (v *Vault) Get(ctx context.Context, owner domain.OwnerID, provider domain.Provider, id string) (domain.Credential, error) {
	row, err := uuid.Parse(id)
	if err != nil {
		return domain.Credential{}, fmt.Errorf("vault: there is no credential %q: %w", id, domain.ErrUnauthorized)
	}
	var raw []byte
	err = v.db.QueryRow(ctx, `SELECT sealed FROM app.oauth_tokens WHERE id = $1 AND owner_id = $2 AND provider = $3`,
		[16]byte(row), string(owner), string(provider)).Scan(&raw)
	if errors.Is(err, pgx.ErrNoRows) {
		return domain.Credential{}, fmt.Errorf("vault: there is no credential %s of this owner: %w", row, domain.ErrUnauthorized)
	}
	if err != nil {
		return domain.Credential{}, fmt.Errorf("vault: read a credential: %w", err)
	}
	plain, err := v.ring.open(ctx, spot{table: ofTokens, row: row, owner: owner, provider: provider}, raw)
	if err != nil {
		return domain.Credential{}, err
	}
	var c content
	if err := json.Unmarshal(plain, &c); err != nil {
		return domain.Credential{}, fmt.Errorf("vault: credential %s has another form", row) // not err: it may quote what it holds
	}
	return domain.Credential{
		ID: id, Kind: c.Kind, Username: c.Username, Secret: domain.Secret(c.Secret), Settings: c.Settings, ExpiresAt: c.ExpiresAt,
	}, nil
}

// Delete implements domain.Credentials.
func (v *Vault) Delete(ctx context.Context, owner domain.OwnerID, id string) error {
	row, err := uuid.Parse(id)
	if err != nil {
		return nil // there is none of that id
	}
	if _, err := v.db.Exec(ctx, `DELETE FROM app.oauth_tokens WHERE id = $1 AND owner_id = $2`, [16]byte(row), string(owner)); err != nil {
		return fmt.Errorf("vault: delete a credential: %w", err)
	}
	return nil
}

// nullTime is null for a time that is not known.
func nullTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

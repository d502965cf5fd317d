package postgres

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/confuse/data-connector/domain"
)

// keyPrefix begins every API key, so that scanners for leaked secrets know them.
const keyPrefix = "dck_"

// keyBytes is how many random bytes a key has.
const keyBytes = 32

// ErrKeyNotFound answers for an API key that does not exist, or is another
// owner's.
var ErrKeyNotFound = errors.New("API key not found")

// APIKeys is the table of API keys. The database holds only the SHA-256 of a key:
// it has 256 random bits, so no slow hash is needed, and looking it up takes the
// same time whichever key was tried. It may be used concurrently.
type APIKeys struct {
	db    *pgxpool.Pool
	clock domain.Clock
}

// NewAPIKeys makes the table over the pool db.
func NewAPIKeys(db *pgxpool.Pool, clock domain.Clock) *APIKeys {
	return &APIKeys{db: db, clock: clock}
}

// An APIKey is what is known of a key, all but the key.
type APIKey struct {
	ID         uuid.UUID
	Owner      domain.OwnerID
	Name       string // for people
	Rights     []domain.Right
	CreatedAt  time.Time
	ExpiresAt  time.Time // zero: never
	RevokedAt  time.Time // zero: it was not
	LastUsedAt time.Time // to the minute; zero: never
}

// Create makes a key for k.Owner with k.Name, k.Rights (at least one) and
// k.ExpiresAt. secret is the key itself: it is stored nowhere and can never be
// shown again.
func (t *APIKeys) Create(ctx context.Context, k APIKey) (key APIKey, secret string, err error) {
	k.CreatedAt, k.RevokedAt, k.LastUsedAt = t.clock.Now(), time.Time{}, time.Time{}
	if err := k.check(); err != nil {
		return APIKey{}, "", err
	}
	if k.ID, err = uuid.NewV7(); err != nil {
		return APIKey{}, "", err
	}
	var random [keyBytes]byte
	_, _ = rand.Read(random[:]) // never fails: crypto/rand.Read
	secret = keyPrefix + hex.EncodeToString(random[:])
	_, err = t.db.Exec(ctx, `
		INSERT INTO app.api_keys (id, owner_id, name, hash, scopes, created_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		[16]byte(k.ID), string(k.Owner), k.Name, hash(secret), scopes(k.Rights), k.CreatedAt, nullTime(k.ExpiresAt))
	if err != nil {
		return APIKey{}, "", fmt.Errorf("postgres: create API key: %w", err)
	}
	return k, secret, nil
}

// check looks at what a caller may choose. A key without rights is refused: a
// caller without a list of rights may do everything.
func (k APIKey) check() error {
	const all = "read, write, operate"
	switch {
	case k.Owner == "":
		return &domain.InvalidError{Field: "owner", Problem: "is missing"}
	case len(k.Rights) == 0:
		return &domain.InvalidError{Field: "scopes", Problem: "are missing", Allowed: all}
	case !k.ExpiresAt.IsZero() && !k.ExpiresAt.After(k.CreatedAt):
		return &domain.InvalidError{Field: "expiresAt", Problem: "is not in the future"}
	}
	for _, r := range k.Rights {
		if r != domain.MayRead && r != domain.MayWrite && r != domain.MayOperate {
			return &domain.InvalidError{Field: "scopes", Problem: fmt.Sprintf("%q is not a scope", r), Allowed: all}
		}
	}
	return nil
}

// List gives the keys of owner, the oldest first, revoked and expired ones too.
func (t *APIKeys) List(ctx context.Context, owner domain.OwnerID) ([]APIKey, error) {
	keys, err := t.read(ctx, `WHERE owner_id = $1 ORDER BY created_at, id`, string(owner))
	if err != nil {
		return nil, fmt.Errorf("postgres: list API keys: %w", err)
	}
	return keys, nil
}

// Revoke ends a key of owner at once. Doing it again changes nothing.
// ErrKeyNotFound: owner has no such key.
func (t *APIKeys) Revoke(ctx context.Context, owner domain.OwnerID, id uuid.UUID) error {
	tag, err := t.db.Exec(ctx, `UPDATE app.api_keys SET revoked_at = coalesce(revoked_at, $3) WHERE id = $1 AND owner_id = $2`,
		[16]byte(id), string(owner), t.clock.Now())
	if err != nil {
		return fmt.Errorf("postgres: revoke API key: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return fmt.Errorf("%s: %w", id, ErrKeyNotFound)
	}
	return nil
}

func (t *APIKeys) read(ctx context.Context, where string, args ...any) ([]APIKey, error) {
	rows, err := t.db.Query(ctx, `
		SELECT id, owner_id, name, scopes, created_at, expires_at, revoked_at, last_used_at FROM app.api_keys `+where, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanKey)
}

func scanKey(row pgx.CollectableRow) (APIKey, error) {
	var k APIKey
	var rights []string
	var expires, revoked, used pgtype.Timestamptz
	err := row.Scan((*[16]byte)(&k.ID), (*string)(&k.Owner), &k.Name, &rights, &k.CreatedAt, &expires, &revoked, &used)
	for _, r := range rights {
		k.Rights = append(k.Rights, domain.Right(r))
	}
	k.CreatedAt, k.ExpiresAt, k.RevokedAt, k.LastUsedAt = k.CreatedAt.UTC(), utc(expires), utc(revoked), utc(used)
	return k, err
}

func scopes(rights []domain.Right) []string {
	out := make([]string, len(rights))
	for i, r := range rights {
		out[i] = string(r)
	}
	return out
}

func nullTime(t time.Time) pgtype.Timestamptz {
	return pgtype.Timestamptz{Time: t, Valid: !t.IsZero()}
}

func utc(t pgtype.Timestamptz) time.Time {
	if !t.Valid {
		return time.Time{}
	}
	return t.Time.UTC()
}

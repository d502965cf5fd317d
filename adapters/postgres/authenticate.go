package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/confuse/data-connector/domain"
)

// usedEvery is how often the last use of a key is written down, at most.
const usedEvery = time.Minute

// Authenticate tells who holds secret. domain.ErrUnauthorized: it is unknown,
// revoked or expired; the answer does not say which.
func (t *APIKeys) Authenticate(ctx context.Context, secret string) (domain.Caller, error) {
	if len(secret) != len(keyPrefix)+hex.EncodedLen(keyBytes) || !strings.HasPrefix(secret, keyPrefix) {
		return domain.Caller{}, domain.ErrUnauthorized
	}
	now := t.clock.Now()
	k, err := t.one(ctx, `WHERE hash = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)`, hash(secret), now)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && len(k.Rights) == 0 {
		return domain.Caller{}, domain.ErrUnauthorized
	}
	if err != nil {
		return domain.Caller{}, fmt.Errorf("postgres: API key: %w", err)
	}
	if now.Sub(k.LastUsedAt) >= usedEvery {
		if err := t.used(ctx, k.ID, now); err != nil {
			return domain.Caller{}, err
		}
	}
	return domain.Caller{Owner: k.Owner, Rights: k.Rights, KeyID: k.ID.String()}, nil
}

func (t *APIKeys) used(ctx context.Context, id uuid.UUID, now time.Time) error {
	_, err := t.db.Exec(ctx, `
		UPDATE app.api_keys SET last_used_at = $2 WHERE id = $1 AND (last_used_at IS NULL OR last_used_at <= $3)`,
		[16]byte(id), now, now.Add(-usedEvery))
	if err != nil {
		return fmt.Errorf("postgres: use of an API key: %w", err)
	}
	return nil
}

func (t *APIKeys) one(ctx context.Context, where string, args ...any) (APIKey, error) {
	keys, err := t.read(ctx, where, args...)
	if err == nil && len(keys) == 0 {
		err = pgx.ErrNoRows
	}
	if err != nil {
		return APIKey{}, err
	}
	return keys[0], nil
}

func hash(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

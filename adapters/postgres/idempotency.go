package postgres

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/confuse/data-connector/domain"
)

// maxIdempotencyKey is the most bytes of an Idempotency-Key.
const maxIdempotencyKey = 255

// Idempotency is the table of idempotency keys. It may be used concurrently.
type Idempotency struct {
	db *pgxpool.Pool
}

var _ domain.Idempotency = (*Idempotency)(nil)

// NewIdempotency makes the table over the pool db.
func NewIdempotency(db *pgxpool.Pool) *Idempotency {
	return &Idempotency{db: db}
}

// Begin implements domain.Idempotency. A key that is empty, longer than 255
// bytes or not text is an InvalidError, too.
func (t *Idempotency) Begin(ctx context.Context, owner domain.OwnerID, key string, request domain.Digest, ids domain.CommandIDs,
) (domain.CommandIDs, error) {
	if key == "" || len(key) > maxIdempotencyKey || !utf8.ValidString(key) || strings.Contains(key, "\x00") {
		return domain.CommandIDs{}, badKey("is not a key", "1 to 255 bytes of text")
	}
	mine, err := json.Marshal(ids)
	if err != nil {
		return domain.CommandIDs{}, fmt.Errorf("postgres: idempotency key: %w", err)
	}
	var digest, kept []byte
	// The update changes nothing; it makes the row that is there come back.
	err = t.db.QueryRow(ctx, `
		INSERT INTO app.idempotency (owner_id, key, request_sha256, ids, created_at) VALUES ($1, $2, $3, $4::jsonb, now())
		ON CONFLICT (owner_id, key) DO UPDATE SET key = EXCLUDED.key
		RETURNING request_sha256, ids`, string(owner), key, request[:], string(mine)).Scan(&digest, &kept)
	if err != nil {
		return domain.CommandIDs{}, fmt.Errorf("postgres: idempotency key: %w", err)
	}
	if !bytes.Equal(digest, request[:]) {
		return domain.CommandIDs{}, badKey("was used for another request", "a new key for each request, the same one to repeat it")
	}
	var out domain.CommandIDs
	if err := json.Unmarshal(kept, &out); err != nil {
		return domain.CommandIDs{}, fmt.Errorf("postgres: idempotency key: %w", err)
	}
	return out, nil
}

func badKey(problem, allowed string) error {
	return &domain.InvalidError{Field: "Idempotency-Key", Problem: problem, Allowed: allowed}
}

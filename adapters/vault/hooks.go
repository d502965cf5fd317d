package vault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/ingest"
)

// ofHooks is where the secrets of webhooks lie.
const ofHooks = "app.hooks.sealed"

// Hooks is the table of what sources take webhooks with. It may be used
// concurrently.
type Hooks struct {
	db    *pgxpool.Pool
	ring  *Keyring
	clock domain.Clock
}

var _ ingest.HookTable = (*Hooks)(nil)

// Hooks is the table beside the credentials, under the same keys.
func (v *Vault) Hooks() *Hooks { return &Hooks{db: v.db, ring: v.ring, clock: v.clock} }

// hookSecrets are the secrets of a row as they are sealed.
type hookSecrets struct {
	Secret   string `json:"secret"`
	Previous string `json:"previous,omitempty"`
}

const hookColumns = `source_id, owner_id, provider, key, sealed, secret_at, hook_id, url, expires_at, ensured_at, tried_at, tries, failure, version`

// ByKey implements ingest.HookTable.
func (t *Hooks) ByKey(ctx context.Context, provider domain.Provider, key string) (ingest.SourceHook, error) {
	return t.one(ctx, `SELECT `+hookColumns+` FROM app.hooks WHERE key = $1 AND provider = $2`, key, string(provider))
}

// Of implements ingest.HookTable.
func (t *Hooks) Of(ctx context.Context, source domain.SourceID) (ingest.SourceHook, error) {
	return t.one(ctx, `SELECT `+hookColumns+` FROM app.hooks WHERE source_id = $1`, [16]byte(source.UUID))
}

func (t *Hooks) one(ctx context.Context, sql string, args ...any) (ingest.SourceHook, error) {
	rows, err := t.db.Query(ctx, sql, args...)
	if err != nil {
		return ingest.SourceHook{}, fmt.Errorf("vault: read a webhook: %w", err)
	}
	row, err := pgx.CollectExactlyOneRow(rows, scanHook)
	if errors.Is(err, pgx.ErrNoRows) {
		return ingest.SourceHook{}, fmt.Errorf("vault: there is no such webhook: %w", domain.ErrSourceNotFound)
	}
	if err != nil {
		return ingest.SourceHook{}, fmt.Errorf("vault: read a webhook: %w", err)
	}
	plain, err := t.ring.open(ctx, t.spot(row.SourceHook), row.raw)
	if err != nil {
		return ingest.SourceHook{}, err
	}
	var s hookSecrets
	if err := json.Unmarshal(plain, &s); err != nil {
		return ingest.SourceHook{}, fmt.Errorf("vault: webhook of %s has another form", row.Source) // not err: it may quote what it holds
	}
	row.Secret, row.Previous = domain.Secret(s.Secret), domain.Secret(s.Previous)
	return row.SourceHook, nil
}

// A hookRow is a row as it lies.
type hookRow struct {
	ingest.SourceHook
	raw []byte
}

func scanHook(row pgx.CollectableRow) (h hookRow, err error) {
	var expires, ensured, tried *time.Time
	err = row.Scan((*[16]byte)(&h.Source.UUID), (*string)(&h.Owner), (*string)(&h.Provider), &h.Key, &h.raw, &h.SecretAt,
		&h.HookID, &h.URL, &expires, &ensured, &tried, &h.Tries, &h.Failure, &h.Version)
	h.SecretAt, h.ExpiresAt, h.EnsuredAt, h.TriedAt = h.SecretAt.UTC(), orZero(expires), orZero(ensured), orZero(tried)
	return h, err
}

func orZero(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}

func (t *Hooks) spot(h ingest.SourceHook) spot {
	return spot{table: ofHooks, row: h.Source.UUID, owner: h.Owner, provider: h.Provider}
}

// Put implements ingest.HookTable. ErrForbidden: it has no secret.
func (t *Hooks) Put(ctx context.Context, h ingest.SourceHook) error {
	if h.Secret == "" || h.Key == "" {
		return fmt.Errorf("vault: a webhook without a secret: %w", domain.ErrForbidden)
	}
	plain, err := json.Marshal(hookSecrets{Secret: string(h.Secret), Previous: string(h.Previous)})
	if err != nil {
		return fmt.Errorf("vault: %w", err)
	}
	s, err := t.ring.seal(ctx, t.spot(h), plain)
	if err != nil {
		return err
	}
	args := []any{
		[16]byte(h.Source.UUID), h.Key, s.raw, int64(s.key), h.SecretAt, h.HookID, h.URL,
		nullTime(h.ExpiresAt), nullTime(h.EnsuredAt), nullTime(h.TriedAt), h.Tries, h.Failure,
	}
	sql := `UPDATE app.hooks SET key = $2, sealed = $3, key_id = $4, secret_at = $5, hook_id = $6, url = $7, expires_at = $8,
			ensured_at = $9, tried_at = $10, tries = $11, failure = $12, version = version + 1
		WHERE source_id = $1 AND version = $13`
	args = append(args, h.Version)
	if h.Version == 0 {
		sql = `INSERT INTO app.hooks (source_id, key, sealed, key_id, secret_at, hook_id, url, expires_at, ensured_at, tried_at, tries, failure,
				version, owner_id, provider, created_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13 + 1, $14, $15, $16) ON CONFLICT (source_id) DO NOTHING`
		args = append(args, string(h.Owner), string(h.Provider), t.clock.Now())
	}
	tag, err := t.db.Exec(ctx, sql, args...)
	if err != nil {
		return fmt.Errorf("vault: keep a webhook: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return fmt.Errorf("vault: the webhook of %s has changed: %w", h.Source, domain.ErrConflict)
	}
	return nil
}

// Delete implements ingest.HookTable.
func (t *Hooks) Delete(ctx context.Context, source domain.SourceID) error {
	if _, err := t.db.Exec(ctx, `DELETE FROM app.hooks WHERE source_id = $1`, [16]byte(source.UUID)); err != nil {
		return fmt.Errorf("vault: delete a webhook: %w", err)
	}
	return nil
}

// hooksPage is how many rows All reads at once.
const hooksPage = 500

// All implements ingest.HookTable.
func (t *Hooks) All(ctx context.Context) iter.Seq2[ingest.SourceHook, error] {
	return func(yield func(ingest.SourceHook, error) bool) {
		var last domain.SourceID
		for {
			rows, err := t.db.Query(ctx, `SELECT `+hookColumns+` FROM app.hooks WHERE source_id > $1 ORDER BY source_id LIMIT $2`, [16]byte(last.UUID), hooksPage)
			if err == nil {
				var page []hookRow
				page, err = pgx.CollectRows(rows, scanHook)
				for _, h := range page {
					if !yield(h.SourceHook, nil) {
						return
					}
					last = h.Source
				}
				if err == nil && len(page) < hooksPage {
					return
				}
			}
			if err != nil {
				yield(ingest.SourceHook{}, fmt.Errorf("vault: read webhooks: %w", err))
				return
			}
		}
	}
}

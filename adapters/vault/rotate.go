package vault

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
)

// resealPage is how many rows are sealed again in one transaction.
const resealPage = 100

// AddKey makes a new key and lets everything be sealed by it from now on. The
// keys before it still open what they have sealed; processes that run notice the
// new file by themselves.
func (r *Keyring) AddKey(ctx context.Context) error {
	return r.change(ctx, func(m *keyset.Manager, _ keys) error {
		id, err := m.Add(aead.AES256GCMKeyTemplate())
		if err != nil {
			return err
		}
		return m.SetPrimary(id)
	})
}

// Disable lets only the primary key open anything. The others stay in the file,
// so that it can be undone by hand. The caller has made sure that they seal
// nothing any more: see [Vault.Stale].
func (r *Keyring) Disable(ctx context.Context) error {
	return r.change(ctx, func(m *keyset.Manager, k keys) error {
		for i := range k.handle.Len() {
			entry, err := k.handle.Entry(i)
			if err != nil {
				return err
			}
			if entry.KeyID() == k.primary || entry.KeyStatus() != keyset.Enabled {
				continue
			}
			if err := m.Disable(entry.KeyID()); err != nil {
				return err
			}
		}
		return nil
	})
}

// change replaces the file by what edit makes of it. One process at a time does so:
// of two that had read the same file, the second one would lose the key of the
// first, and all that is sealed by it.
func (r *Keyring) change(ctx context.Context, edit func(*keyset.Manager, keys) error) error {
	unlock, err := lockBeside(r.path)
	if err != nil {
		return fmt.Errorf("vault: lock the keyset: %w", err)
	}
	defer unlock()
	r.forget()
	k, err := r.current(ctx)
	if err != nil {
		return err
	}
	m := keyset.NewManagerFromHandle(k.handle)
	if err := edit(m, k); err != nil {
		return fmt.Errorf("vault: change the keyset: %w", err)
	}
	handle, err := m.Handle()
	if err != nil {
		return fmt.Errorf("vault: change the keyset: %w", err)
	}
	raw, err := r.encode(ctx, handle)
	if err != nil {
		return err
	}
	if err := replaceFile(r.path, raw); err != nil {
		return fmt.Errorf("vault: keep the keyset: %w", err)
	}
	_, err = r.current(ctx)
	return err
}

// resealed are the tables with something sealed: the column, and the row that it
// is bound to.
func resealed() []struct{ of, table, id string } {
	return []struct{ of, table, id string }{
		{ofTokens, "app.oauth_tokens", "id"},
		{ofHooks, "app.hooks", "source_id"},
	}
}

// Stale is how many rows are not sealed by the primary key.
func (v *Vault) Stale(ctx context.Context) (n int64, err error) {
	k, err := v.ring.current(ctx)
	if err != nil {
		return 0, err
	}
	for _, t := range resealed() {
		var rows int64
		if err := v.db.QueryRow(ctx, `SELECT count(*) FROM `+t.table+` WHERE key_id <> $1`, int64(k.primary)).Scan(&rows); err != nil {
			return 0, fmt.Errorf("vault: count rows: %w", err)
		}
		n += rows
	}
	return n, nil
}

// Reseal seals every row by the primary key that is not, and returns how many
// there were. It may be stopped anywhere and called again: what was done stays
// done. A row that does not open ends it with an error that names the row.
func (v *Vault) Reseal(ctx context.Context) (n int64, err error) {
	for _, t := range resealed() {
		last := uuid.UUID{}
		for more := true; more; {
			var rows int64
			if last, rows, err = v.resealPage(ctx, t.of, t.table, t.id, last); err != nil {
				return n, err
			}
			n += rows
			more = rows > 0
		}
	}
	return n, nil
}

// A held is a row that is to be sealed again.
type held struct {
	spot
	raw []byte
}

// resealPage seals the next rows behind last again. They are locked meanwhile: a
// credential that is replaced at the same time is the one that stays.
func (v *Vault) resealPage(ctx context.Context, of, table, id string, last uuid.UUID) (next uuid.UUID, n int64, err error) {
	k, err := v.ring.current(ctx)
	if err != nil {
		return last, 0, err
	}
	next = last
	err = pgx.BeginFunc(ctx, v.db, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT `+id+`, owner_id, provider, sealed FROM `+table+`
			WHERE key_id <> $1 AND `+id+` > $2 ORDER BY `+id+` LIMIT $3 FOR UPDATE`, int64(k.primary), [16]byte(last), resealPage)
		if err != nil {
			return err
		}
		page, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (held, error) {
			h := held{spot: spot{table: of}}
			return h, row.Scan((*[16]byte)(&h.row), (*string)(&h.owner), (*string)(&h.provider), &h.raw)
		})
		if err != nil {
			return err
		}
		for _, h := range page {
			if err := v.resealRow(ctx, tx, h, `UPDATE `+table+` SET sealed = $2, key_id = $3 WHERE `+id+` = $1`); err != nil {
				return err
			}
			next, n = h.row, n+1
		}
		return nil
	})
	if err != nil {
		return last, 0, fmt.Errorf("vault: seal again: %w", err)
	}
	return next, n, nil
}

func (v *Vault) resealRow(ctx context.Context, tx pgx.Tx, h held, update string) error {
	plain, err := v.ring.open(ctx, h.spot, h.raw)
	if err != nil {
		return err
	}
	s, err := v.ring.seal(ctx, h.spot, plain)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, update, [16]byte(h.row), s.raw, int64(s.key))
	return err
}

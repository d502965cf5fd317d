package postgres

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/confuse/data-connector/domain"
)

// Inbox is the table of hints that the log did not take in time. It may be used
// concurrently.
type Inbox struct {
	db *pgxpool.Pool
}

// NewInbox makes the table over the pool db.
func NewInbox(db *pgxpool.Pool) *Inbox {
	return &Inbox{db: db}
}

// Put keeps messages, all or none. One that is there already stays as it is. The
// traceparent is not kept.
func (t *Inbox) Put(ctx context.Context, messages ...domain.Message) error {
	err := pgx.BeginFunc(ctx, t.db, func(tx pgx.Tx) error {
		for _, m := range messages {
			e, ok := m.Event.(domain.SourceChanged)
			if !ok {
				return fmt.Errorf("%T is no hint", m.Event)
			}
			raw, err := json.Marshal(e)
			if err != nil {
				return err
			}
			_, err = tx.Exec(ctx, `
				INSERT INTO app.hint_inbox (event_id, source_id, partition, event, received_at)
				VALUES ($1, $2, $3, $4::jsonb, $5) ON CONFLICT (event_id) DO NOTHING`,
				[16]byte(m.ID.UUID), [16]byte(e.SourceID.UUID), m.Partition, string(raw), m.Time)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("postgres: keep hints: %w", err)
	}
	return nil
}

// Oldest are up to limit messages, the oldest first.
func (t *Inbox) Oldest(ctx context.Context, limit int) ([]domain.Message, error) {
	rows, err := t.db.Query(ctx, `
		SELECT event_id, partition, event, received_at FROM app.hint_inbox ORDER BY received_at, event_id LIMIT $1`, limit)
	if err != nil {
		return nil, fmt.Errorf("postgres: read hints: %w", err)
	}
	messages, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (m domain.Message, err error) {
		var raw []byte
		if err := row.Scan((*[16]byte)(&m.ID.UUID), &m.Partition, &raw, &m.Time); err != nil {
			return m, err
		}
		var e domain.SourceChanged
		err = json.Unmarshal(raw, &e)
		m.Time, m.Event = m.Time.UTC(), e
		return m, err
	})
	if err != nil {
		return nil, fmt.Errorf("postgres: read hints: %w", err)
	}
	return messages, nil
}

// Delete forgets messages. Deleting what is not there is harmless.
func (t *Inbox) Delete(ctx context.Context, ids ...domain.EventID) error {
	raw := make([][16]byte, len(ids))
	for i, id := range ids {
		raw[i] = id.UUID
	}
	if _, err := t.db.Exec(ctx, `DELETE FROM app.hint_inbox WHERE event_id = ANY($1::uuid[])`, raw); err != nil {
		return fmt.Errorf("postgres: delete hints: %w", err)
	}
	return nil
}

// SourcesOf are the sources of all owners that were connected to the object with
// this external key, also ones that were removed since.
func (t *Reservations) SourcesOf(ctx context.Context, provider domain.Provider, externalKey string) ([]domain.SourceID, error) {
	rows, err := t.db.Query(ctx, `
		SELECT source_id FROM app.source_keys WHERE provider = $1 AND md5(external_key) = md5($2) AND external_key = $2
		ORDER BY source_id`, string(provider), domain.Clean(externalKey))
	if err != nil {
		return nil, fmt.Errorf("postgres: find sources: %w", err)
	}
	ids, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (id domain.SourceID, err error) {
		return id, row.Scan((*[16]byte)(&id.UUID))
	})
	if err != nil {
		return nil, fmt.Errorf("postgres: find sources: %w", err)
	}
	return ids, nil
}

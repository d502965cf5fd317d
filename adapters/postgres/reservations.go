package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/confuse/data-connector/domain"
)

// Reservations is the table of source keys: an owner connects the same thing
// once. It may be used concurrently.
type Reservations struct {
	db *pgxpool.Pool
}

var _ domain.Reservations = (*Reservations)(nil)

// NewReservations makes the table over the pool db.
func NewReservations(db *pgxpool.Pool) *Reservations {
	return &Reservations{db: db}
}

// Reserve implements domain.Reservations. free is asked outside of any
// transaction; when it errs, nothing has changed. The traceparent of the message
// is not kept: who finishes the append has one of their own.
func (t *Reservations) Reserve(ctx context.Context, r domain.Reservation, free func(domain.SourceID) (bool, error),
) (domain.Reservation, bool, error) {
	for {
		had, mine, err := t.insertOrFind(ctx, r)
		if err != nil {
			return domain.Reservation{}, false, fmt.Errorf("postgres: reserve source key: %w", err)
		}
		if mine || had.Source == r.Source {
			return had, mine, nil
		}
		removed, err := free(had.Source)
		if err != nil || !removed {
			return had, false, err
		}
		if err := t.free(ctx, had); err != nil {
			return domain.Reservation{}, false, fmt.Errorf("postgres: free source key: %w", err)
		}
	}
}

// insertOrFind inserts r, or gives the row with its key.
func (t *Reservations) insertOrFind(ctx context.Context, r domain.Reservation) (domain.Reservation, bool, error) {
	event, err := json.Marshal(r.Message.Event)
	if err != nil {
		return r, false, err
	}
	for {
		tag, err := t.db.Exec(ctx, `
			INSERT INTO app.source_keys (owner_id, provider, external_key, source_id, event_id, event, partition, created_at)
			VALUES ($1, $2, $3, $4, $5, $6::jsonb, $7, $8)
			ON CONFLICT (owner_id, provider, external_key) DO NOTHING`,
			string(r.Owner), string(r.Provider), r.ExternalKey, [16]byte(r.Source.UUID), [16]byte(r.Message.ID.UUID),
			string(event), r.Message.Partition, r.Message.Time)
		if err != nil {
			return r, false, err
		}
		if tag.RowsAffected() == 1 {
			return r, true, nil
		}
		had, err := t.find(ctx, r)
		if !errors.Is(err, pgx.ErrNoRows) { // else it was freed just now
			return had, false, err
		}
	}
}

func (t *Reservations) find(ctx context.Context, key domain.Reservation) (domain.Reservation, error) {
	r := domain.Reservation{Owner: key.Owner, Provider: key.Provider, ExternalKey: key.ExternalKey}
	var event []byte
	err := t.db.QueryRow(ctx, `
		SELECT source_id, event_id, event, partition, created_at FROM app.source_keys
		WHERE owner_id = $1 AND provider = $2 AND external_key = $3`,
		string(key.Owner), string(key.Provider), key.ExternalKey).
		Scan((*[16]byte)(&r.Source.UUID), (*[16]byte)(&r.Message.ID.UUID), &event, &r.Message.Partition, &r.Message.Time)
	if err != nil {
		return r, err
	}
	r.Message.Time = r.Message.Time.UTC()
	var registered domain.SourceChanged
	err = json.Unmarshal(event, &registered)
	r.Message.Event = registered
	return r, err
}

// free deletes the row of a removed source. Another source may have the key by
// now; that one stays.
func (t *Reservations) free(ctx context.Context, r domain.Reservation) error {
	_, err := t.db.Exec(ctx, `
		DELETE FROM app.source_keys WHERE owner_id = $1 AND provider = $2 AND external_key = $3 AND source_id = $4`,
		string(r.Owner), string(r.Provider), r.ExternalKey, [16]byte(r.Source.UUID))
	return err
}

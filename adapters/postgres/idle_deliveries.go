package postgres

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/ingest"
)

// IdleDeliveries is the table of deliveries that had no effect. It may be used
// concurrently: what comes while rows are being written goes with the next ones, so
// that many cost little more than a few.
type IdleDeliveries struct {
	db   *pgxpool.Pool
	turn chan struct{} // held by who writes

	mu   sync.Mutex
	next *idleBatch // that waits for its turn; nil: none does
}

// An idleBatch is what is written at once.
type idleBatch struct {
	rows map[domain.EventID]idleRow
	done chan struct{} // closed when it is written, or will never be
	err  error
}

// An idleRow is a delivery as often as it came.
type idleRow struct {
	ingest.IdleDelivery
	last  time.Time
	times int64
}

var _ ingest.IdleDeliveries = (*IdleDeliveries)(nil)

// NewIdleDeliveries makes the table over the pool db.
func NewIdleDeliveries(db *pgxpool.Pool) *IdleDeliveries {
	return &IdleDeliveries{db: db, turn: make(chan struct{}, 1)}
}

// Note implements ingest.IdleDeliveries.
func (t *IdleDeliveries) Note(ctx context.Context, all ...ingest.IdleDelivery) error {
	b, first := t.join(all)
	if first {
		go t.write(context.WithoutCancel(ctx), b)
	}
	select {
	case <-b.done:
	case <-ctx.Done():
		return fmt.Errorf("postgres: note deliveries: %w", ctx.Err())
	}
	if b.err != nil {
		return fmt.Errorf("postgres: note deliveries: %w", b.err)
	}
	return nil
}

// join adds deliveries to the batch that waits. first: nobody writes it yet.
func (t *IdleDeliveries) join(all []ingest.IdleDelivery) (b *idleBatch, first bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if first = t.next == nil; first {
		t.next = &idleBatch{rows: map[domain.EventID]idleRow{}, done: make(chan struct{})}
	}
	for _, d := range all {
		r, ok := t.next.rows[d.ID]
		if !ok {
			r = idleRow{IdleDelivery: d, last: d.At}
		}
		r.times++
		if r.last.Before(d.At) {
			r.last = d.At
		}
		t.next.rows[d.ID] = r
	}
	return t.next, first
}

// writeTime is how long a batch may take. Who waits for it gives up sooner.
const writeTime = 2 * time.Second

// write writes b when it is its turn.
func (t *IdleDeliveries) write(ctx context.Context, b *idleBatch) {
	defer close(b.done)
	t.turn <- struct{}{}
	defer func() { <-t.turn }()
	t.mu.Lock()
	t.next = nil // full: what comes now is the next batch
	t.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, writeTime)
	defer cancel()
	b.err = t.insert(ctx, b.rows)
}

// insert adds rows in one order, so that two processes do not wait for each other.
func (t *IdleDeliveries) insert(ctx context.Context, rows map[domain.EventID]idleRow) error {
	var (
		ids, sources                     [][16]byte
		owners, providers, events, names []string
		reasons                          []string
		bodies                           [][]byte
		firsts, lasts                    []time.Time
		times                            []int64
		order                            = make([]domain.EventID, 0, len(rows))
	)
	for id := range rows {
		order = append(order, id)
	}
	slices.SortFunc(order, func(a, b domain.EventID) int { return bytes.Compare(a.UUID[:], b.UUID[:]) })
	for _, id := range order {
		r := rows[id]
		ids, sources, owners = append(ids, id.UUID), append(sources, r.Source.UUID), append(owners, string(r.Owner))
		providers, events, names = append(providers, string(r.Provider)), append(events, r.Event), append(names, r.Delivery)
		bodies, reasons = append(bodies, r.Body[:]), append(reasons, r.Reason)
		firsts, lasts, times = append(firsts, r.At), append(lasts, r.last), append(times, r.times)
	}
	_, err := t.db.Exec(ctx, `
		INSERT INTO app.idle_deliveries AS d (event_id, source_id, owner_id, provider, event, delivery, body, reason, first_at, last_at, times)
		SELECT event_id, nullif(source_id, '00000000-0000-0000-0000-000000000000'), owner_id, provider, event, delivery, body, reason, first_at, last_at, times
		FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bytea[], $8::text[], $9::timestamptz[], $10::timestamptz[], $11::bigint[])
			AS u(event_id, source_id, owner_id, provider, event, delivery, body, reason, first_at, last_at, times)
		ON CONFLICT (event_id) DO UPDATE SET times = d.times + EXCLUDED.times, last_at = greatest(d.last_at, EXCLUDED.last_at)`,
		ids, sources, owners, providers, events, names, pgtype.FlatArray[[]byte](bodies), reasons, firsts, lasts, times)
	return err
}

// Trim implements ingest.IdleDeliveries. It waits for no row: one that is being
// written is left to the next time.
func (t *IdleDeliveries) Trim(ctx context.Context, before time.Time, most int) error {
	_, err := t.db.Exec(ctx, `
		DELETE FROM app.idle_deliveries WHERE event_id IN (
			SELECT d.event_id FROM app.idle_deliveries d JOIN (
				SELECT event_id, row_number() OVER (PARTITION BY source_id ORDER BY first_at DESC, event_id DESC) AS place
				FROM app.idle_deliveries WHERE reason <> '') AS o USING (event_id)
			WHERE d.last_at < $1 OR o.place > $2
			FOR UPDATE OF d SKIP LOCKED)`, before, most)
	if err != nil {
		return fmt.Errorf("postgres: trim deliveries: %w", err)
	}
	return nil
}

// Forget implements ingest.IdleDeliveries. It takes rows in the order in which insert
// does, so that they do not wait for each other.
func (t *IdleDeliveries) Forget(ctx context.Context, source domain.SourceID) error {
	_, err := t.db.Exec(ctx, `
		DELETE FROM app.idle_deliveries WHERE event_id IN (
			SELECT event_id FROM app.idle_deliveries WHERE source_id = $1 ORDER BY event_id FOR UPDATE)`, [16]byte(source.UUID))
	if err != nil {
		return fmt.Errorf("postgres: forget deliveries: %w", err)
	}
	return nil
}

package projections

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/confuse/data-connector/domain"
)

// A HintRow is a hint that was taken, or a delivery that was ignored, with what came
// of it.
type HintRow struct {
	domain.Hint
	ID         domain.EventID
	SourceID   domain.SourceID // zero: ignored, since it is about nothing that is connected
	Owner      domain.OwnerID
	Provider   domain.Provider
	ReceivedAt time.Time // UTC
	Position   domain.Position
	Counted    bool
	// JobID is the job whose claim was the first behind the hint: its run saw what
	// the hint was about. Zero while no run has started since.
	JobID     domain.JobID
	JobStatus domain.JobStatus // empty with JobID zero
	// Ignored is why a delivery meant nothing; empty: it is a hint. It has no place on
	// the log.
	Ignored    string
	Repeats    int64     // how often the delivery came again, without a further effect
	RepeatedAt time.Time // UTC, when it did so last
}

// A HintKey is the place of a hint in a listing.
type HintKey struct {
	At time.Time
	ID domain.EventID
}

// A HintPage says which hints of an owner are asked for.
type HintPage struct {
	Source  domain.SourceID // zero: of all sources
	Unowned bool            // with Source zero: also deliveries that are about nothing that is connected
	Before  *HintKey        // older ones, the newest first; nil: from the newest on
	After   *HintKey        // instead of Before: newer ones, the oldest first
	Limit   int
}

const hintRow = `w.event_id, w.source_id, w.owner_id, w.provider, w.origin, w.provider_event, w.delivery_id, w.refs, w.payload_digest,
	w.received_at, w.partition, w.log_offset, w.counted, r.job_id, coalesce(j.status, ''),
	coalesce(d.times, 0), d.last_at`

// The run that saw a hint is the first that was claimed behind it (I3: a claim
// is made before anything is read).
const hintRows = `webhook_events w JOIN sources s ON s.source_id = w.source_id
	LEFT JOIN LATERAL (SELECT c.job_id FROM runs c WHERE c.source_id = w.source_id AND c.started_offset > w.log_offset
		ORDER BY c.started_offset LIMIT 1) r ON true
	LEFT JOIN sync_jobs j ON j.job_id = r.job_id
	LEFT JOIN app.idle_deliveries d ON d.event_id = w.event_id
	WHERE NOT s.removing`

// ListHints are the hints of owner, and the deliveries that were ignored. next is the key of the last one, to go on
// from; nil when there are no more now. domain.ErrSourceNotFound: the source that
// was asked for is not there.
func (r *Reader) ListHints(ctx context.Context, owner domain.OwnerID, p HintPage) (hints []HintRow, next *HintKey, err error) {
	w := &where{from: hintRows}
	w.and(`w.owner_id = %s`, string(owner))
	if p.Source != (domain.SourceID{}) {
		if err := r.owned(ctx, owner, p.Source); err != nil {
			return nil, nil, fmt.Errorf("list hints: %w", err)
		}
		w.and(`w.source_id = %s`, [16]byte(p.Source.UUID))
	}
	direction := p.from(w, `w.received_at, w.event_id`)
	sql := `SELECT ` + hintRow + ` FROM ` + w.from +
		` ORDER BY w.received_at ` + direction + `, w.event_id ` + direction + ` LIMIT ` + w.arg(p.Limit+1)
	hints, err = queryOrdered(ctx, r.db, scanHint, sql, w.args...)
	if err != nil {
		return nil, nil, fmt.Errorf("list hints: %w", err)
	}
	ignored, err := r.listIgnored(ctx, owner, p)
	if err != nil {
		return nil, nil, fmt.Errorf("list ignored deliveries: %w", err)
	}
	hints = p.merged(hints, ignored)
	if p.Unowned && p.Source == (domain.SourceID{}) {
		if ignored, err = r.listIgnored(ctx, "", p); err != nil {
			return nil, nil, fmt.Errorf("list ignored deliveries: %w", err)
		}
		hints = p.merged(hints, ignored)
	}
	if len(hints) > p.Limit {
		hints = hints[:p.Limit]
		last := hints[p.Limit-1]
		next = &HintKey{At: last.ReceivedAt, ID: last.ID}
	}
	return hints, next, nil
}

func scanHint(row pgx.CollectableRow) (HintRow, error) {
	var (
		h            HintRow
		refs, digest []byte
		job          pgtype.UUID
		again        pgtype.Timestamptz
	)
	err := row.Scan((*[16]byte)(&h.ID.UUID), (*[16]byte)(&h.SourceID.UUID), (*string)(&h.Owner), (*string)(&h.Provider), &h.Origin,
		&h.ProviderEvent, &h.DeliveryID, &refs, &digest, &h.ReceivedAt, &h.Position.Partition, &h.Position.Offset, &h.Counted,
		&job, (*string)(&h.JobStatus), &h.Repeats, &again)
	if err != nil {
		return h, err
	}
	copy(h.PayloadDigest[:], digest)
	h.ReceivedAt, h.JobID.UUID, h.RepeatedAt = h.ReceivedAt.UTC(), job.Bytes, utc(again)
	return h, json.Unmarshal(refs, &h.Refs)
}

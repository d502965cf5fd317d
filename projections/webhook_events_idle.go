package projections

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/confuse/data-connector/domain"
)

// listIgnored are deliveries that meant nothing, in the order of p; with owner empty
// those about nothing that is connected. They are no events, so their table is not
// made from the log.
func (r *Reader) listIgnored(ctx context.Context, owner domain.OwnerID, p HintPage) ([]HintRow, error) {
	w := &where{from: `app.idle_deliveries d LEFT JOIN sources s ON s.source_id = d.source_id
		WHERE d.reason <> '' AND NOT coalesce(s.removing, d.source_id IS NOT NULL)`}
	w.and(`d.owner_id = %s`, string(owner))
	if p.Source != (domain.SourceID{}) {
		w.and(`d.source_id = %s`, [16]byte(p.Source.UUID))
	}
	direction := p.from(w, `d.first_at, d.event_id`)
	sql := `SELECT d.event_id, d.source_id, d.owner_id, d.provider, d.event, d.delivery, d.body, d.reason, d.first_at, d.times - 1, d.last_at
		FROM ` + w.from + ` ORDER BY d.first_at ` + direction + `, d.event_id ` + direction + ` LIMIT ` + w.arg(p.Limit+1)
	return queryOrdered(ctx, r.db, scanIgnored, sql, w.args...)
}

func scanIgnored(row pgx.CollectableRow) (HintRow, error) {
	h := HintRow{Hint: domain.Hint{Origin: "webhook"}}
	var (
		source pgtype.UUID
		body   []byte
	)
	err := row.Scan((*[16]byte)(&h.ID.UUID), &source, (*string)(&h.Owner), (*string)(&h.Provider), &h.ProviderEvent, &h.DeliveryID, &body,
		&h.Ignored, &h.ReceivedAt, &h.Repeats, &h.RepeatedAt)
	copy(h.PayloadDigest[:], body)
	h.SourceID.UUID, h.ReceivedAt, h.RepeatedAt = source.Bytes, h.ReceivedAt.UTC(), h.RepeatedAt.UTC()
	return h, err
}

// from narrows w to where p goes on by two columns, and is the direction of the
// order.
func (p HintPage) from(w *where, columns string) string {
	switch {
	case p.After != nil:
		w.and(`(`+columns+`) > (%s, %s)`, p.After.At, [16]byte(p.After.ID.UUID))
		return `ASC`
	case p.Before != nil:
		w.and(`(`+columns+`) < (%s, %s)`, p.Before.At, [16]byte(p.Before.ID.UUID))
	}
	return `DESC`
}

// merged are two lists in the order of p as one.
func (p HintPage) merged(a, b []HintRow) []HintRow {
	all := slices.Concat(a, b)
	slices.SortFunc(all, func(a, b HintRow) int {
		order := a.ReceivedAt.Compare(b.ReceivedAt)
		if order == 0 {
			order = slices.Compare(a.ID.UUID[:], b.ID.UUID[:])
		}
		if p.After == nil {
			return -order
		}
		return order
	})
	return all
}

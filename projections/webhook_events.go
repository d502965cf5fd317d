package projections

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// hintNames are the columns of webhook_events in the order of [hintColumns.values].
const hintNames = `event_id, source_id, owner_id, provider, origin, provider_event, delivery_id, refs,
	payload_digest, received_at, log_offset, counted, partition`

// A hint that was delivered twice, or went through the inbox as well, has one id
// and so one row: the first one on the log.
const insertHints = `
	INSERT INTO webhook_events (` + hintNames + `)
	SELECT u.event_id, u.source_id, u.owner_id, u.provider, u.origin, u.provider_event, u.delivery_id, u.refs::jsonb,
		u.payload_digest, u.received_at, u.log_offset, u.counted, $13
	FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
			$9::bytea[], $10::timestamptz[], $11::bigint[], $12::bool[])
		AS u(event_id, source_id, owner_id, provider, origin, provider_event, delivery_id, refs,
			payload_digest, received_at, log_offset, counted)
	ON CONFLICT (event_id) DO NOTHING`

func writeHints(ctx context.Context, tx pgx.Tx, p *partition, b *batch) error {
	if len(b.hints) == 0 {
		return nil
	}
	var c hintColumns
	for _, h := range b.hints {
		if err := c.add(h, b); err != nil {
			return fmt.Errorf("webhook_events: %w", err)
		}
	}
	if _, err := tx.Exec(ctx, insertHints, c.values(p.number)...); err != nil {
		return fmt.Errorf("webhook_events: %w", err)
	}
	return nil
}

type hintColumns struct {
	id, source                                     [][16]byte
	owner, provider, origin, event, delivery, refs []string
	digest                                         [][]byte
	at                                             []pgtype.Timestamptz
	offset                                         []int64
	counted                                        []bool
}

func (c *hintColumns) add(h hintOf, b *batch) error {
	refs, err := jsonText(append([]string{}, h.hint.Refs...))
	if err != nil {
		return err
	}
	s := b.sourceNow(h.source)
	c.id, c.source = append(c.id, eventID(h.rec)), append(c.source, h.source.UUID)
	c.owner, c.provider = append(c.owner, string(s.Owner)), append(c.provider, string(s.Provider))
	c.origin, c.event = append(c.origin, h.hint.Origin), append(c.event, h.hint.ProviderEvent)
	c.delivery, c.refs = append(c.delivery, h.hint.DeliveryID), append(c.refs, refs)
	c.digest = append(c.digest, slices.Clone(digestBytes(h.hint.PayloadDigest)))
	c.at = append(c.at, nullTime(h.at))
	c.offset, c.counted = append(c.offset, h.rec.Position.Offset), append(c.counted, h.counted)
	return nil
}

func (c *hintColumns) values(partition int32) []any {
	return []any{
		c.id, c.source, c.owner, c.provider, c.origin, c.event, c.delivery, c.refs,
		pgtype.FlatArray[[]byte](c.digest), pgtype.FlatArray[pgtype.Timestamptz](c.at), c.offset, c.counted, partition,
	}
}

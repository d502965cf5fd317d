package projections

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/confuse/data-connector/domain"
)

// follows is the error of a record that is not known to be bad itself; it tells
// such a one from the bad ones.
const follows = "its source is parked by a record before it"

// poisonNames are the columns of poison in the order of [poisonValues].
const poisonNames = `topic, partition, log_offset, source_id, key, event_id, headers, raw, error, parks, at`

const insertPoison = `
	INSERT INTO poison (` + poisonNames + `)
	VALUES ($1, $2, $3, $4, $5, $6, $7::jsonb, $8, $9, $10, $11)
	ON CONFLICT (topic, partition, log_offset) DO UPDATE SET error = EXCLUDED.error, parks = EXCLUDED.parks`

// writePoison keeps the records that are in no other table, whole, so that they
// can be tried again; one that was and failed again is there already. They are
// few: one statement each.
func writePoison(ctx context.Context, tx pgx.Tx, p *partition, b *batch) error {
	for _, bad := range b.poison {
		values, err := poisonValues(p.place, bad)
		if err == nil {
			_, err = tx.Exec(ctx, insertPoison, values...)
		}
		if err != nil {
			return fmt.Errorf("poison: %w", err)
		}
	}
	return nil
}

// poisonValues is one row of poison.
func poisonValues(at place, bad poisonOf) ([]any, error) {
	headers := make(map[string]string, len(bad.rec.Headers))
	for k, v := range bad.rec.Headers {
		headers[text(k)] = text(v)
	}
	asJSON, err := jsonText(headers)
	if err != nil {
		return nil, err
	}
	why := follows
	if bad.rec.Err != nil {
		why = text(bad.rec.Err.Error())
	}
	source := pgtype.UUID{Bytes: bad.source.UUID, Valid: bad.source != domain.SourceID{}}
	return []any{
		at.topic, at.number, bad.rec.Position.Offset, source, bad.rec.Key,
		idOf(bad.rec), asJSON, bad.rec.Raw, why, bad.parks, eventTime(bad.rec),
	}, nil
}

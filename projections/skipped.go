package projections

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/confuse/data-connector/domain"
)

// loadSkipped reads which records of a partition were left out. They are in
// schema app, which survives the read tables: live and filled anew agree.
func loadSkipped(ctx context.Context, tx pgx.Tx, p *partition) error {
	rows, err := tx.Query(ctx, `SELECT log_offset, event_id FROM app.skipped_records WHERE topic = $1 AND partition = $2`, p.topic, p.number)
	if err != nil {
		return err
	}
	_, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (id string, err error) {
		var offset int64
		err = row.Scan(&offset, &id)
		p.known.skipped[offset] = id
		return id, err
	})
	if err != nil {
		return fmt.Errorf("skipped records: %w", err)
	}
	return nil
}

// writeSkipped leaves a record out, from now on and for every fold to come.
func writeSkipped(ctx context.Context, tx pgx.Tx, rec domain.Record, by string) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO app.skipped_records (topic, partition, log_offset, event_id, by, at) VALUES ($1, $2, $3, $4, $5, now())
		ON CONFLICT (topic, partition, log_offset) DO UPDATE SET event_id = EXCLUDED.event_id, by = EXCLUDED.by, at = EXCLUDED.at`,
		rec.Topic, rec.Position.Partition, rec.Position.Offset, idOf(&rec), text(by))
	if err != nil {
		return fmt.Errorf("skipped records: %w", err)
	}
	return nil
}

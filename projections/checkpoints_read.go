package projections

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// A Checkpoint says how far a partition is folded. Its lag is the end of the
// partition less Position.
type Checkpoint struct {
	Topic     string
	Partition int32
	Position  int64 // next offset to fold
	UpdatedAt time.Time
	Poison    int64 // records that were set aside
	Parked    int64 // sources that are set aside
}

// Checkpoints are those of all partitions that were ever assigned, by topic and
// number.
func (r *Reader) Checkpoints(ctx context.Context) ([]Checkpoint, error) {
	all, err := query(ctx, r.db, func(row pgx.CollectableRow) (c Checkpoint, err error) {
		err = row.Scan(&c.Topic, &c.Partition, &c.Position, &c.UpdatedAt, &c.Poison, &c.Parked)
		c.UpdatedAt = c.UpdatedAt.UTC()
		return c, err
	}, `
		SELECT c.topic, c.partition, c.position, c.updated_at, count(p.topic), count(DISTINCT p.source_id) FILTER (WHERE p.parks)
		FROM checkpoints c LEFT JOIN poison p ON p.topic = c.topic AND p.partition = c.partition
		GROUP BY c.topic, c.partition ORDER BY c.topic, c.partition`)
	if err != nil {
		return nil, fmt.Errorf("checkpoints: %w", err)
	}
	return all, nil
}

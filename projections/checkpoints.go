package projections

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/confuse/data-connector/domain"
)

// A checkpoint is a row of checkpoints.
type checkpoint struct {
	position   int64
	generation int64
	topicID    string
	lastID     string
}

// open makes the checkpoint of a partition that was never folded. Nothing is
// lost with a topic from which nothing was read: its id may still change.
func open(ctx context.Context, db *pgxpool.Pool, at place, topicID string) error {
	_, err := db.Exec(ctx, `
		INSERT INTO checkpoints (topic, partition, position, topic_id, last_id, updated_at) VALUES ($1, $2, 0, $3, '', now())
		ON CONFLICT (topic, partition) DO UPDATE SET topic_id = EXCLUDED.topic_id, updated_at = EXCLUDED.updated_at
		WHERE checkpoints.position = 0`, at.topic, at.number, topicID)
	return err
}

func readCheckpoint(ctx context.Context, tx pgx.Tx, at place) (checkpoint, error) {
	var c checkpoint
	err := tx.QueryRow(ctx, `SELECT position, generation, topic_id, last_id FROM checkpoints WHERE topic = $1 AND partition = $2`,
		at.topic, at.number).Scan(&c.position, &c.generation, &c.topicID, &c.lastID)
	return c, err
}

// advance moves the checkpoint over b. No row is hit when another runner has
// moved it, when rows that p remembers were repaired, or when the schema was
// retired: then nothing of this transaction counts.
func advance(ctx context.Context, tx pgx.Tx, p *partition, b *batch) error {
	last := b.records[len(b.records)-1]
	tag, err := tx.Exec(ctx, `
		UPDATE checkpoints SET position = $4, last_id = $5, updated_at = now()
		WHERE topic = $1 AND partition = $2 AND position = $3 AND generation = $6`,
		p.topic, p.number, p.position, b.next(), idOf(&last), p.generation)
	if err == nil && tag.RowsAffected() == 0 {
		return domain.ErrFenced
	}
	return err
}

// hold locks the checkpoint of a partition until the end of tx, so that nobody
// folds there, and makes whoever remembers something of it load it again.
// ErrNotPoison: the partition was never folded. domain.ErrFenced: the tables were
// exchanged while it waited; what it holds is a row of the retired ones.
func hold(ctx context.Context, tx pgx.Tx, at place) error {
	var position int64
	err := tx.QueryRow(ctx, `UPDATE checkpoints SET generation = generation + 1 WHERE topic = $1 AND partition = $2 RETURNING position`,
		at.topic, at.number).Scan(&position)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return ErrNotPoison
	case err != nil:
		return err
	case position < 0:
		return domain.ErrFenced
	}
	return fits(ctx, tx)
}

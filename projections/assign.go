package projections

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/confuse/data-connector/domain"
)

// remedy ends the message about a log that lost records.
const remedy = `restore the topic; or, to go on with the log as it is, stop all processes and run DROP SCHEMA ` + Schema +
	` CASCADE: the tables are then filled from it again`

// load reads what is known of a partition at its checkpoint, in one snapshot. A
// zombie that commits meanwhile moves the checkpoint, and the first batch is
// fenced.
func (r *Runner) load(ctx context.Context, at place, p domain.FeedPartition) (*partition, error) {
	if err := open(ctx, r.db, at, p.TopicID); err != nil {
		return nil, err
	}
	part := &partition{place: at, known: newKnown(at.pipeline()), aside: r.moved != nil}
	var c checkpoint
	err := pgx.BeginTxFunc(ctx, r.db, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		err := fits(ctx, tx)
		if err != nil {
			return err
		}
		if c, err = readCheckpoint(ctx, tx, at); err != nil {
			return err
		}
		return loadKnown(ctx, tx, part)
	})
	if err != nil {
		return nil, err
	}
	part.position, part.generation = c.position, c.generation
	return part, c.compare(ctx, p)
}

// loadKnown reads the sources of a partition, which of them are parked, and the
// records that were left out.
func loadKnown(ctx context.Context, tx pgx.Tx, p *partition) error {
	if err := loadSkipped(ctx, tx, p); err != nil || p.pipeline() {
		return err
	}
	rows, err := tx.Query(ctx, `SELECT state FROM sources WHERE partition = $1`, p.number)
	if err != nil {
		return err
	}
	sources, err := pgx.CollectRows(rows, scanState)
	if err != nil {
		return fmt.Errorf("sources: %w", err)
	}
	for _, s := range sources {
		p.known.sources[s.ID] = s
	}
	rows, err = tx.Query(ctx, `SELECT DISTINCT source_id FROM poison WHERE topic = $1 AND partition = $2 AND parks`, p.topic, p.number)
	if err != nil {
		return err
	}
	parked, err := pgx.CollectRows(rows, pgx.RowTo[[16]byte])
	for _, id := range parked {
		p.known.parked[domain.SourceID{UUID: id}] = true
	}
	return err
}

func scanState(row pgx.CollectableRow) (domain.Source, error) {
	var state []byte
	if err := row.Scan(&state); err != nil {
		return domain.Source{}, err
	}
	var s domain.Source
	err := json.Unmarshal(state, &s)
	return s, err
}

// compare looks whether the log is the one that c was written from: the same
// topic, long enough, and the record before the position is the one folded last.
func (c checkpoint) compare(ctx context.Context, p domain.FeedPartition) error {
	lost := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s; %s", domain.ErrLogLost, fmt.Sprintf(format, args...), remedy)
	}
	switch {
	case c.topicID != p.TopicID:
		return lost("the topic was made anew (its id is %q, the tables were filled from %q)", p.TopicID, c.topicID)
	case c.position > p.End:
		return lost("it ends at offset %d, the tables hold everything before %d", p.End, c.position)
	case c.position == 0:
		return nil
	}
	rec, err := p.Last(ctx, c.position-1)
	if errors.Is(err, domain.ErrLogLost) {
		return lost("offset %d, folded last, is not there: %v", c.position-1, err)
	}
	if err != nil {
		return fmt.Errorf("record before the checkpoint: %w", err)
	}
	if id := idOf(&rec); id != c.lastID {
		return lost("offset %d holds event %q, the tables were filled from %q", c.position-1, id, c.lastID)
	}
	return nil
}

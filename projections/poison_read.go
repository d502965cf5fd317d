package projections

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/confuse/data-connector/domain"
)

// ErrNotPoison answers who names a record or source of which nothing is set
// aside, or not for them to see (I10).
var ErrNotPoison = errors.New("no such record is set aside")

// A Caller is who asks for records that were set aside. The zero one sees none.
type Caller struct {
	Owner    domain.OwnerID // sees those of the owner's sources
	Operator bool           // sees all, also those of sources that are not known
	Name     string         // kept with what the caller skips
}

// A PoisonKey is the place of a record on the log.
type PoisonKey struct {
	Topic     string
	Partition int32
	Offset    int64
}

func (k PoisonKey) String() string { return fmt.Sprintf("%s/%d:%d", k.Topic, k.Partition, k.Offset) }

func (k PoisonKey) place() place { return place{topic: k.Topic, number: k.Partition} }

// A PoisonRow is a record that was set aside. Its bytes stay in the table: they
// may hold anything.
type PoisonRow struct {
	PoisonKey
	SourceID domain.SourceID // zero when the record does not say
	EventID  string          // ce_id as it stands; empty when it has none
	Type     string          // ce_type, likewise
	Error    string
	Parks    bool      // its source is set aside from here on
	Behind   int64     // with Parks: how many records of the source wait behind it
	At       time.Time // ce_time, UTC; zero when it has none
}

// A PoisonPage says which records are asked for.
type PoisonPage struct {
	Topic  string          // empty: all
	Source domain.SourceID // zero: all
	Causes bool            // leave out what only waits behind a record that parks its source
	After  PoisonKey       // zero: from the first one on
	Limit  int
}

const poisonRow = `p.topic, p.partition, p.log_offset, p.source_id, p.event_id, coalesce(p.headers ->> 'ce_type', ''), p.error, p.parks,
	CASE WHEN p.parks THEN (SELECT count(*) FROM poison b WHERE b.source_id = p.source_id AND b.topic = p.topic
		AND b.partition = p.partition AND b.log_offset > p.log_offset) ELSE 0 END, p.at`

// ListPoison are the records that were set aside, in the order of the log. next
// is the key to go on behind; nil when there are no more.
func (r *Reader) ListPoison(ctx context.Context, c Caller, p PoisonPage) (rows []PoisonRow, next *PoisonKey, err error) {
	w := c.where()
	w.and(`(p.topic, p.partition, p.log_offset) > (%s, %s, %s)`, p.After.Topic, p.After.Partition, p.After.Offset)
	if p.Topic != "" {
		w.and(`p.topic = %s`, p.Topic)
	}
	if p.Source != (domain.SourceID{}) {
		w.and(`p.source_id = %s`, [16]byte(p.Source.UUID))
	}
	if p.Causes {
		w.and(`p.error <> %s`, follows)
	}
	rows, err = query(ctx, r.db, scanPoison,
		`SELECT `+poisonRow+` FROM `+w.from+` ORDER BY p.topic, p.partition, p.log_offset LIMIT `+w.arg(p.Limit+1), w.args...)
	if err != nil {
		return nil, nil, fmt.Errorf("list poison: %w", err)
	}
	if len(rows) > p.Limit {
		rows = rows[:p.Limit]
		next = &rows[p.Limit-1].PoisonKey
	}
	return rows, next, nil
}

// where is what the caller may see of poison.
func (c Caller) where() *where {
	w := &where{from: `poison p LEFT JOIN sources s ON s.source_id = p.source_id WHERE true`}
	if !c.Operator {
		w.and(`s.owner_id = %s AND NOT s.removing`, string(c.Owner))
	}
	return w
}

func scanPoison(row pgx.CollectableRow) (PoisonRow, error) {
	var r PoisonRow
	var source pgtype.UUID
	var at pgtype.Timestamptz
	err := row.Scan(&r.Topic, &r.Partition, &r.Offset, &source, &r.EventID, &r.Type, &r.Error, &r.Parks, &r.Behind, &at)
	r.SourceID.UUID, r.At = source.Bytes, utc(at)
	return r, err
}

package projections

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/wire"
)

// errPassed is why a SourceChanged stays where it is that did not park its
// source: what follows it was folded without it.
var errPassed = errors.New("events of its source behind it are folded; only filling the tables from the log puts it in its place")

// A poisonRecord is a record as it stands in poison, decoded again: the program
// may have learned to.
type poisonRecord struct {
	domain.Record
	source domain.SourceID // zero when it is not known
}

const poisonRecordRow = `p.log_offset, p.source_id, p.key, p.headers, p.raw`

func (p *partition) scanPoisonRecord(row pgx.CollectableRow) (poisonRecord, error) {
	var r poisonRecord
	var source pgtype.UUID
	var headers []byte
	r.Topic, r.Position.Partition = p.topic, p.number
	if err := row.Scan(&r.Position.Offset, &source, &r.Key, &headers, &r.Raw); err != nil {
		return r, err
	}
	r.source.UUID = source.Bytes
	if err := json.Unmarshal(headers, &r.Headers); err != nil {
		return r, fmt.Errorf("headers of offset %d: %w", r.Position.Offset, err)
	}
	r.Event, r.Err = wire.Decode(r.Headers, r.Raw)
	return r, nil
}

// foldLate folds records of one source that were set aside one by one, while
// what stands behind them was folded.
func (m *mending) foldLate(ctx context.Context, source domain.SourceID, records []domain.Record) error {
	runs, err := m.runs(ctx, source)
	if err != nil {
		return err
	}
	left := len(records) + int(m.done.Folded)
	err = m.fold(ctx, func(k known, records []domain.Record) *batch { return foldLate(k, runs, records) }, records)
	m.done.Left += int64(left) - m.done.Folded
	return err
}

// runs are all runs of a source in this partition.
func (m *mending) runs(ctx context.Context, source domain.SourceID) (map[domain.RunID]domain.Run, error) {
	rows, err := m.tx.Query(ctx, `SELECT run_id, started_offset, coalesce(ended_offset, -1) FROM runs WHERE source_id = $1 AND partition = $2`,
		[16]byte(source.UUID), m.p.number)
	if err != nil {
		return nil, err
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (r domain.Run, err error) {
		err = row.Scan((*[16]byte)(&r.ID.UUID), &r.Started, &r.Ended)
		return r, err
	})
	runs := make(map[domain.RunID]domain.Run, len(all))
	for _, r := range all {
		runs[r.ID] = r
	}
	return runs, err
}

// foldLate is fold for records that come after their time. An event of a file
// counts if its run was the current one where it stands (I3); its row is then
// guarded by (run, seq), or for a stage also by the offset.
func foldLate(k known, runs map[domain.RunID]domain.Run, records []domain.Record) *batch {
	b := newBatch(k, records)
	for i := range records {
		rec := &records[i]
		if rec.Err != nil {
			b.leave(rec)
			continue
		}
		switch e := rec.Event.(type) {
		case domain.FileChanged:
			if r, ran := runs[e.RunID]; ran && spans(r, rec.Position.Offset) {
				b.file(&e, int32(i))
			}
		case domain.StageReported:
			b.report(rec)
		case domain.SourceChanged:
			rec.Err = errPassed
			b.leave(rec)
		} // I6: other types are skipped
	}
	return b
}

// spans reports whether r is the current run for an event at this offset.
func spans(r domain.Run, offset int64) bool {
	return r.Started < offset && (r.Ended < 0 || offset < r.Ended)
}

// leave keeps a record in poison. It parks nothing: its source went on without it.
func (b *batch) leave(rec *domain.Record) {
	source, _ := sourceOf(rec)
	b.poison = append(b.poison, poisonOf{rec: rec, source: source})
}

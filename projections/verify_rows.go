package projections

import (
	"bytes"
	"context"
	"reflect"

	"github.com/jackc/pgx/v5"
)

// firstDifferences is how many differences are told in full.
const firstDifferences = 10

// A keyedTable is a table with the text that names a row, and the order of its
// rows: that of the bytes of this text.
type keyedTable struct {
	table, key, order, where string
	left                     []string // columns that tell when and how often rows were written
}

// keyed are all tables that follow from the log. A checkpoint at 0 says no more
// than none.
func keyed() []keyedTable {
	return []keyedTable{
		{table: "sources", key: `source_id::text`, order: `source_id`},
		{table: "sync_jobs", key: `job_id::text`, order: `job_id`},
		{table: "runs", key: `source_id || ' ' || lpad(run::text, 20, '0')`, order: `source_id, run`},
		{table: "files", key: `file_id::text`, order: `file_id`},
		{table: "webhook_events", key: `event_id::text`, order: `event_id`},
		{table: "file_stages", key: `file_id || ' ' || stage`, order: `file_id, stage COLLATE "C"`},
		{table: "poison", key: poisonKeyText, order: `(` + poisonKeyText + `) COLLATE "C"`},
		{
			table: "checkpoints", key: checkpointKeyText, order: `(` + checkpointKeyText + `) COLLATE "C"`, where: ` WHERE position > 0`,
			left: []string{"generation", "updated_at"},
		},
	}
}

const (
	checkpointKeyText = `topic || '/' || lpad(partition::text, 10, '0')`
	poisonKeyText     = checkpointKeyText + ` || ':' || lpad(log_offset::text, 20, '0')`
)

// table compares one table, row by row.
func (v *Verified) table(ctx context.Context, k keyedTable, live, next pgx.Tx) error {
	columns, err := k.columns(ctx, live)
	if err != nil {
		return err
	}
	sql := `SELECT ` + k.key + `, ROW(` + columns + `)::text FROM ` + k.table + k.where + ` ORDER BY ` + k.order
	a, err := openRows(ctx, live, sql)
	if err != nil {
		return err
	}
	defer a.rows.Close()
	b, err := openRows(ctx, next, sql)
	if err != nil {
		return err
	}
	defer b.rows.Close()
	c := Compared{Table: k.table}
	var keys []string
	for !a.ended || !b.ended {
		order := a.compare(b)
		if order != 0 || !bytes.Equal(a.row, b.row) {
			c.Differ++
			if len(keys)+len(v.First) < firstDifferences {
				keys = append(keys, string(min2(order <= 0, a.key, b.key)))
			}
		}
		if order <= 0 {
			c.Live++
			a.next()
		}
		if order >= 0 {
			c.Rebuilt++
			b.next()
		}
	}
	v.Tables = append(v.Tables, c)
	for _, r := range []*rowStream{a, b} {
		r.rows.Close()
		if err := r.rows.Err(); err != nil {
			return err
		}
	}
	return v.tell(ctx, k, keys, live, next)
}

// min2 is a where first says so, else b.
func min2(first bool, a, b []byte) []byte {
	if first {
		return a
	}
	return b
}

// columns are the names of the columns to compare.
func (k keyedTable) columns(ctx context.Context, tx pgx.Tx) (names string, err error) {
	err = tx.QueryRow(ctx, `
		SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
		WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped AND attname <> ALL($2::text[])`,
		k.table, append([]string{}, k.left...)).Scan(&names)
	return names, err
}

// tell reads the rows of these keys and keeps in what they differ.
func (v *Verified) tell(ctx context.Context, k keyedTable, keys []string, live, next pgx.Tx) error {
	for _, key := range keys {
		a, err := k.row(ctx, live, key)
		if err != nil {
			return err
		}
		b, err := k.row(ctx, next, key)
		if err != nil {
			return err
		}
		for column, value := range a {
			if other, ok := b[column]; ok && reflect.DeepEqual(value, other) {
				delete(a, column)
				delete(b, column)
			}
		}
		v.First = append(v.First, Difference{Table: k.table, Key: key, Live: a, Rebuilt: b})
	}
	return nil
}

// row is a row as a map; nil when there is none.
func (k keyedTable) row(ctx context.Context, tx pgx.Tx, key string) (map[string]any, error) {
	rows, err := tx.Query(ctx, `SELECT to_jsonb(t) - $2::text[] FROM `+k.table+` t WHERE `+k.key+` = $1`, key, append([]string{}, k.left...))
	if err != nil {
		return nil, err
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[map[string]any])
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return found[0], nil
}

// A rowStream is the rows of a table in the order of their keys.
type rowStream struct {
	rows     pgx.Rows
	key, row []byte // until next
	ended    bool
}

func openRows(ctx context.Context, tx pgx.Tx, sql string) (*rowStream, error) {
	rows, err := tx.Query(ctx, sql) //nolint:rowserrcheck // table looks when it has closed them
	if err != nil {
		return nil, err
	}
	r := &rowStream{rows: rows}
	r.next()
	return r, nil
}

func (r *rowStream) next() {
	if r.ended = !r.rows.Next(); r.ended {
		r.key, r.row = nil, nil
		return
	}
	values := r.rows.RawValues()
	r.key, r.row = values[0], values[1]
}

// compare tells whose row comes first: negative is r's, 0 is the same key.
func (r *rowStream) compare(other *rowStream) int {
	switch {
	case r.ended:
		return 1
	case other.ended:
		return -1
	}
	return bytes.Compare(r.key, other.key)
}

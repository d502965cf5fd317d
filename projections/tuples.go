package projections

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/jackc/pgx/v5/pgtype"
)

// A tuple is one row as COPY BINARY takes it.
type tuple []byte

// A sheet is how rows of a table are copied.
type sheet struct {
	table, names string
	types        []uint32 // of its columns, as Postgres numbers types
}

// sheetsOf are the tables that a rebuild copies.
func sheetsOf() []sheet {
	return []sheet{
		{table: "sources", names: sourceNames}, {table: "sync_jobs", names: jobNames}, {table: "runs", names: runNames},
		{table: "files", names: fileNames}, {table: "webhook_events", names: hintNames}, {table: "file_stages", names: stageNames},
		{table: "poison", names: poisonNames}, {table: "rebuild_stale", names: "file_id, partition, log_offset"},
	}
}

// An encoder makes tuples. One goroutine at a time uses it.
type encoder struct {
	types *pgtype.Map
	buf   []byte
}

func newEncoder() *encoder { return &encoder{types: pgtype.NewMap()} }

// tuple is row i of columns, which are those of an upsert: a slice for each
// column, or one value for all rows.
func (e *encoder) tuple(s sheet, columns []any, i int) (tuple, error) {
	e.buf = binary.BigEndian.AppendUint16(e.buf[:0], uint16(len(columns))) //nolint:gosec // a table has few columns
	for c, column := range columns {
		at := len(e.buf)
		e.buf = append(e.buf, 0, 0, 0, 0)
		filled, err := e.types.Encode(s.types[c], pgtype.BinaryFormatCode, cell(column, i), e.buf)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.table, err)
		}
		size := int32(-1) // null
		if filled != nil {
			size = int32(len(filled) - at - 4) //nolint:gosec // an event is far below 2 GiB
			e.buf = filled
		}
		binary.BigEndian.PutUint32(e.buf[at:], uint32(size)) //nolint:gosec // as COPY wants it
	}
	return append(tuple(nil), e.buf...), nil
}

// cell is the value of a column in row i.
func cell(column any, i int) any {
	switch c := column.(type) {
	case [][16]byte:
		return c[i]
	case []string:
		return c[i]
	case []int64:
		return c[i]
	case []int32:
		return c[i]
	case []bool:
		return c[i]
	case pgtype.FlatArray[[]byte]:
		return c[i]
	case pgtype.FlatArray[pgtype.Text]:
		return c[i]
	case pgtype.FlatArray[pgtype.Int8]:
		return c[i]
	case pgtype.FlatArray[pgtype.Timestamptz]:
		return c[i]
	}
	return column
}

// copyHead and copyTail enclose the tuples: signature, no flags, no extension;
// and a tuple that is none.
var (
	copyHead = append([]byte("PGCOPY\n\xff\r\n\x00"), 0, 0, 0, 0, 0, 0, 0, 0)
	copyTail = []byte{0xff, 0xff}
)

// A tupleReader gives tuples as the input of COPY BINARY. Nil ones are left out.
type tupleReader struct {
	next func() (tuple, bool)
	rest []byte
	done bool
}

func readTuples(next func() (tuple, bool)) io.Reader {
	return &tupleReader{next: next, rest: copyHead}
}

// Read implements io.Reader.
func (r *tupleReader) Read(p []byte) (n int, err error) {
	for n < len(p) {
		if len(r.rest) == 0 {
			if r.done {
				break
			}
			t, ok := r.next()
			if !ok {
				t, r.done = copyTail, true
			}
			r.rest = t
			continue
		}
		moved := copy(p[n:], r.rest)
		n, r.rest = n+moved, r.rest[moved:]
	}
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// once hands out rows that stand one behind the other, as one tuple.
func once(rows []byte) func() (tuple, bool) {
	return func() (tuple, bool) {
		t := rows
		rows = nil
		return t, len(t) > 0
	}
}

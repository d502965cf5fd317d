package projections

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// cells are values as Postgres takes them in binary, in the order in which they
// are added: with one column they are rows for COPY, each behind the one before;
// with several they go round, so that each column holds the elements of an array.
//
// # Why
//
// Files are nearly all rows that there are. The types of pgx look at each value
// through interfaces, which takes longer than Postgres takes for the row.
type cells struct {
	columns [][]byte
	next    int
}

func newCells(columns int) *cells { return &cells{columns: make([][]byte, columns)} }

// into is where the next cell goes.
func (c *cells) into() *[]byte {
	at := &c.columns[c.next]
	if c.next++; c.next == len(c.columns) {
		c.next = 0
	}
	return at
}

// row begins a row for COPY.
func (c *cells) row(columns int) {
	c.columns[0] = binary.BigEndian.AppendUint16(c.columns[0], uint16(columns)) //nolint:gosec // a table has few
}

func (c *cells) null() {
	at := c.into()
	*at = append(*at, 0xff, 0xff, 0xff, 0xff) // the length -1
}

// bytes adds b; nil is null.
func (c *cells) bytes(b []byte) {
	if b == nil {
		c.null()
		return
	}
	at := c.into()
	*at = append(appendLength(*at, len(b)), b...)
}

func (c *cells) text(s string) {
	at := c.into()
	*at = append(appendLength(*at, len(s)), s...)
}

func (c *cells) id(id [16]byte) {
	at := c.into()
	*at = append(appendLength(*at, len(id)), id[:]...)
}

func (c *cells) int8(n int64) {
	at := c.into()
	*at = binary.BigEndian.AppendUint64(appendLength(*at, 8), uint64(n)) //nolint:gosec // the bits are read back as they are
}

func (c *cells) int4(n int32) {
	at := c.into()
	*at = binary.BigEndian.AppendUint32(appendLength(*at, 4), uint32(n)) //nolint:gosec // the same
}

func (c *cells) bool(b bool) {
	at := c.into()
	*at = append(appendLength(*at, 1), 0)
	if b {
		(*at)[len(*at)-1] = 1
	}
}

// postgresEpoch is what Postgres counts microseconds from, in those of Unix.
const postgresEpoch = 946_684_800_000_000

// time adds t; the zero one is null.
func (c *cells) time(t time.Time) {
	if t.IsZero() {
		c.null()
		return
	}
	c.int8(t.Unix()*1_000_000 + int64(t.Nanosecond()/1000) - postgresEpoch)
}

// jsonb adds JSON text.
func (c *cells) jsonb(s string) {
	at := c.into()
	*at = append(appendLength(*at, 1+len(s)), 1) // the version of the form
	*at = append(*at, s...)
}

func appendLength(b []byte, n int) []byte {
	return binary.BigEndian.AppendUint32(b, uint32(n)) //nolint:gosec // an event is far below 2 GiB
}

// arrays are the columns as parameters: arrays of n elements of these types.
func (c *cells) arrays(n int, types []uint32) [][]byte {
	all := make([][]byte, len(c.columns))
	for i, elements := range c.columns {
		head := make([]byte, 0, 20+len(elements))
		for _, word := range []uint32{1, 1, types[i], uint32(n), 1} { //nolint:gosec // one dimension; may hold nulls; from 1 on
			head = binary.BigEndian.AppendUint32(head, word)
		}
		all[i] = append(head, elements...)
	}
	return all
}

// exec does a statement whose parameters are binary. It is prepared once for each
// connection.
func exec(ctx context.Context, tx pgx.Tx, name, sql string, values [][]byte) error {
	if _, err := tx.Conn().Prepare(ctx, name, sql); err != nil {
		return err
	}
	_, err := tx.Conn().PgConn().ExecPrepared(ctx, name, values, []int16{pgtype.BinaryFormatCode}, nil).Close()
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

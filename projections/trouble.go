package projections

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/confuse/data-connector/domain"
)

// Classes of SQLSTATE that blame the data: data exception, integrity constraint
// violation, program limit exceeded (an index entry that is too long). All other
// trouble passes or needs an operator.
var dataClasses = [...]string{"22", "23", "54"}

// schemaChanged is what a prepared statement answers once after the tables it
// reads were made anew with other columns.
const schemaChanged = "0A000"

// isData tells whether err is about what was written, not about the database.
func isData(err error) bool {
	var unencodable *json.MarshalerError
	if errors.As(err, &unencodable) {
		return true
	}
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return false
	}
	for _, class := range dataClasses {
		if len(pg.Code) == 5 && pg.Code[:2] == class {
			return true
		}
	}
	return false
}

// refusal is why the database does not take a record, without what depends on
// the statement around it.
func refusal(err error) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return fmt.Errorf("refused by the database: %s (SQLSTATE %s)", pg.Message, pg.Code)
	}
	var unencodable *json.MarshalerError
	if errors.As(err, &unencodable) {
		return unencodable
	}
	return err
}

// What SQLSTATE begins with when it passes: the connection broke, the server is a
// standby for now, the transaction has to be done again, the server is short of
// something, somebody has ended what ran (a restart, too), the machine has trouble.
var passingStates = [...]string{"08", "25006", "25P03", "40", "53", "57", "58"}

// Passing tells whether err is trouble with the database that passes: a server
// that restarts, is full or cannot be reached, a connection that it has ended. What
// was asked may be asked again; whether a write was committed is not known.
func Passing(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return slices.ContainsFunc(passingStates[:], func(state string) bool { return strings.HasPrefix(pg.Code, state) })
	}
	var refused *pgconn.ConnectError
	var broken *net.OpError // not net.Error, which a file that cannot be read is as well
	return errors.As(err, &refused) || errors.As(err, &broken) || pgconn.Timeout(err) || pgconn.SafeToRetry(err) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed)
}

// readTries is how often a read is tried whose connection breaks: a restart leaves
// more than one of them in the pool that does not work any more.
const readTries = 4

// lostStates are those of passingStates that say that the connection is gone: for
// these another one helps at once. A server that is full, or that ends what takes
// too long, is not asked for the same again.
var lostStates = [...]string{"08", "57P", "25P03"}

// lost tells whether err ended its connection.
func lost(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return slices.ContainsFunc(lostStates[:], func(state string) bool { return strings.HasPrefix(pg.Code, state) })
	}
	return Passing(err)
}

// isStale tells whether a statement was prepared for tables of other columns.
func isStale(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == schemaChanged
}

// again runs a read, and once more when the tables were exchanged under it, or when
// its connection breaks. domain.ErrUnavailable: the database has trouble that
// passes.
func again[T any](ctx context.Context, read func() (T, error)) (T, error) {
	v, err := read()
	if isStale(err) {
		v, err = read()
	}
	for tries := 1; tries < readTries && lost(err) && ctx.Err() == nil; tries++ {
		v, err = read()
	}
	if err != nil && ctx.Err() == nil && Passing(err) {
		err = fmt.Errorf("%w: %w", domain.ErrUnavailable, err)
	}
	return v, err
}

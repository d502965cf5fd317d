package projections

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
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

// again runs a read, and once more when the tables were exchanged under it.
func again[T any](read func() (T, error)) (T, error) {
	v, err := read()
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == schemaChanged {
		return read()
	}
	return v, err
}

package postgres

import (
	"errors"
	"io"
	"net"

	"github.com/jackc/pgx/v5/pgconn"
)

// Classes of SQLSTATE that blame the server: connection exceptions, too few
// resources, an operator who ends it, a system error.
var outageClasses = [...]string{"08", "53", "57", "58"}

// canceled is the one of class 57 that is not the server's doing.
const canceled = "57014"

// Outage reports whether err is trouble of the server or of the way to it, which
// passes: the same statement may succeed later.
func Outage(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		for _, class := range outageClasses {
			if len(pg.Code) == 5 && pg.Code[:2] == class && pg.Code != canceled {
				return true
			}
		}
		return false
	}
	var connect *pgconn.ConnectError
	var network net.Error
	return errors.As(err, &connect) || errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed)
}

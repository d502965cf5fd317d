package projections

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/confuse/data-connector/domain"
)

// A connection that is gone is worth other tries; a server that is full, or has
// ended a statement that took too long, is not asked again at once.
func TestWhatIsReadAgain(t *testing.T) {
	t.Parallel()

	for code, want := range map[string]int{"57P01": readTries, "08006": readTries, "57014": 1, "53100": 1, "53300": 1, "22012": 1, schemaChanged: 2} {
		tries := 0
		_, err := again(t.Context(), func() (int, error) {
			tries++
			return 0, &pgconn.PgError{Code: code}
		})
		if passes := code != "22012" && code != schemaChanged; tries != want || errors.Is(err, domain.ErrUnavailable) != passes {
			t.Errorf("%s: got %d tries and %v, want %d", code, tries, err, want)
		}
	}
}

// What breaks on the way to a server passes; a file that cannot be read does not,
// though the error of the system is of the same type.
func TestPassingIsOfAServer(t *testing.T) {
	t.Parallel()

	for name, tt := range map[string]struct {
		err  error
		want bool
	}{
		"a connection that was refused": {&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, true},
		"one that was reset":            {fmt.Errorf("read: %w", &net.OpError{Op: "read", Err: syscall.ECONNRESET}), true},
		"a closed one":                  {net.ErrClosed, true},
		"a file without permission":     {&fs.PathError{Op: "open", Path: "/x", Err: syscall.EACCES}, false},
		"a full disk":                   {fmt.Errorf("spool: %w", syscall.ENOSPC), false},
		"bad data":                      {&pgconn.PgError{Code: "22012"}, false},
	} {
		if got := Passing(tt.err); got != tt.want {
			t.Errorf("%s: got %v, want %v", name, got, tt.want)
		}
	}
}

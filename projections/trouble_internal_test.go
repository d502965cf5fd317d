package projections

import (
	"errors"
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

package domain

import (
	"strings"
	"testing"

	"github.com/google/uuid"
)

// An id is the UUIDv5 of its parts, joined by NUL: ids on the log stay what they
// are (I6).
func TestNameIsUUIDv5(t *testing.T) {
	t.Parallel()

	source := SourceID{uuid.MustParse("0198c0de-0000-7000-8000-000000000001")}
	for _, parts := range [][]string{{"path"}, {"path", "a/b.go", "0"}, {"", "", ""}, {"event", strings.Repeat("long/", 1000), "x"}} {
		if got, want := name(source, parts...), uuid.NewSHA1(source.UUID, []byte(strings.Join(parts, "\x00"))); got != want {
			t.Errorf("%q: got %s, want %s", parts, got, want)
		}
	}
}

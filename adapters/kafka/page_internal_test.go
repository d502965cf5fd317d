package kafka

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/confuse/data-connector/domain"
)

// Room in flight goes by the size of a page, which is that of its own messages, whatever
// stood in its memory before.
func TestPageSize(t *testing.T) {
	t.Parallel()

	var l Log
	size := func(n int) int64 {
		p, err := l.page("", paused(n))
		if err != nil {
			t.Fatal(err)
		}
		defer l.free(p)
		return p.size
	}
	one := size(1)
	for range 20 { // not every page that is free is found
		if got := size(4 * minShare); got != 4*minShare*one {
			t.Fatalf("got size %d, want %d times %d", got, 4*minShare, one)
		}
		if got := size(1); got != one {
			t.Fatalf("got size %d behind a long page, want %d", got, one)
		}
	}
}

// paused are n messages of one size.
func paused(n int) []domain.Message {
	noon := time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)
	all := make([]domain.Message, n)
	for i := range all {
		all[i] = domain.Message{ID: domain.EventID{UUID: uuid.New()}, Time: noon, Event: domain.SourceChanged{
			SourceID: domain.SourceID{UUID: uuid.New()}, OwnerID: "owner", Provider: "localfs",
			Change: domain.SourcePaused, At: noon, Version: 1,
		}}
	}
	return all
}

package ingest_test

import (
	"testing"
	"time"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/ingest"
)

// A file that disappears without a word of the feed is gone with the full sync
// that comes by itself, once in its time; a provider without a feed needs none.
func TestFullSyncByItself(t *testing.T) {
	t.Parallel()

	for name, tt := range map[string]struct {
		feed bool
		want int // jobs of a day
	}{"a feed": {true, 1}, "no feed": {false, 0}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			p := &provider{files: tree(30), pageSize: 10}
			var conn domain.Connector = p
			if tt.feed {
				conn = &fed{provider: p}
			}
			b := newBench(t, conn, anyConfig)
			b.run()
			delete(p.files, "dir0/file003.txt")
			s := b.scheduler(newQueue())
			s.Connectors, s.FullEvery = ingest.Connectors{conn}, 24*time.Hour
			jobs := 0
			for range 30 { // hours
				b.Clock.Turn(time.Hour)
				if err := s.Once(t.Context()); err != nil {
					t.Fatal(err)
				}
				if len(b.Source(b.source).Jobs) > 0 {
					jobs++
					if got := b.run(); len(got) != 1 || got[0] != "removed dir0/file003.txt" {
						t.Errorf("got %q", got)
					}
				}
			}
			if jobs != tt.want {
				t.Errorf("got %d jobs within 30 hours, want %d", jobs, tt.want)
			}
		})
	}
}

package kafka_test

import (
	"context"
	"testing"

	"github.com/confuse/data-connector/adapters/kafka"
	"github.com/confuse/data-connector/domain"
)

// Parts are all partitions of both topics, and Batches exactly the records asked
// for; with Follow also those that come later.
func TestParts(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w world) {
		w.write(t, 1, 1, 10)
		reader := kafka.NewReader(w.Options)
		all, err := reader.Parts(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ends := map[string]int64{}
		var part domain.FeedPartition
		for _, p := range all {
			ends[p.Topic] += p.End
			if p.Topic == w.Layout.Events() && p.Number == 1 {
				part = p
			}
			if p.TopicID == "" {
				t.Errorf("got no id of topic %s", p.Topic)
			}
		}
		if len(all) != 2*partitions || ends[w.Layout.Events()] != 10 || ends[w.Layout.Pipeline()] != 0 {
			t.Fatalf("got %d partitions with ends %v, want %d and 10 events", len(all), ends, 2*partitions)
		}
		if last, err := part.Last(t.Context(), 9); err != nil || last.Position.Offset != 9 {
			t.Errorf("got record %v, error %v, want the last one", last.Position, err)
		}

		var next int64 = 3
		for records, err := range reader.Batches(t.Context(), part, 3, 8) {
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range records {
				if r.Position.Offset != next || r.Err != nil {
					t.Errorf("got record %v, error %v, want offset %d", r.Position, r.Err, next)
				}
				next++
			}
		}
		if next != 8 {
			t.Errorf("got records before %d, want before 8", next)
		}

		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		for records, err := range reader.Batches(ctx, part, next, kafka.Follow) {
			if err != nil {
				break // as ctx has ended
			}
			if next += int64(len(records)); next == 10 {
				w.write(t, 1, 11, 11)
			}
			if next == 11 {
				stop()
			}
		}
		if next != 11 || ctx.Err() == nil {
			t.Errorf("got records before %d, want also the one that came later", next)
		}
	})
}

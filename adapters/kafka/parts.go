package kafka

import (
	"context"
	"fmt"
	"iter"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/confuse/data-connector/domain"
)

// Parts are all partitions of the topics of events and of the pipeline, as they
// are now. domain.ErrUnavailable: the broker does not tell.
func (r *Reader) Parts(ctx context.Context) ([]domain.FeedPartition, error) {
	client, err := kgo.NewClient(r.options.client()...)
	if err != nil {
		return nil, fmt.Errorf("kafka: %w", err)
	}
	defer client.Close()
	topics := []string{r.options.Layout.Events(), r.options.Layout.Pipeline()}
	ends, err := kadm.NewClient(client).ListEndOffsets(ctx, topics...)
	if err != nil {
		return nil, askError("ends of the log", err)
	}
	var all []domain.FeedPartition
	for _, topic := range topics {
		id, n, err := metadata(ctx, client, topic)
		if err != nil {
			return nil, askError("look at "+topic, err)
		}
		for number := range n {
			at := partitionName{topic, number}
			end, ok := ends.Lookup(topic, number)
			if !ok || end.Err != nil {
				return nil, askError("end of "+at.String(), end.Err)
			}
			all = append(all, domain.FeedPartition{Topic: topic, TopicID: id, Number: number, End: end.Offset, Last: r.options.lastOf(at)})
		}
	}
	return all, nil
}

// lastOf reads one record of a partition, for domain.FeedPartition.
func (o Options) lastOf(at partitionName) func(context.Context, int64) (domain.Record, error) {
	return func(ctx context.Context, offset int64) (domain.Record, error) {
		for rec, err := range o.read(ctx, at, offset, offset+1) {
			return rec, err
		}
		return domain.Record{}, at.lost("offset %d was read before and is no longer there", offset)
	}
}

// Batches gives the records of p, one of Parts, from the offset from on, in
// batches such as those of a Feed; up to but not including to, or with Follow
// until ctx ends. Up to an offset the next batch is decoded while one is worked
// on. An error is the last thing it gives: ctx's, domain.ErrLogLost.
func (r *Reader) Batches(ctx context.Context, p domain.FeedPartition, from, to int64) iter.Seq2[[]domain.Record, error] {
	if to == Follow {
		return r.batches(ctx, p, from, to)
	}
	return func(yield func([]domain.Record, error) bool) {
		ctx, stop := context.WithCancel(ctx)
		ahead := make(chan decoded)
		go func() {
			defer close(ahead)
			for records, err := range r.batches(ctx, p, from, to) {
				select {
				case ahead <- decoded{records, err}:
				case <-ctx.Done():
					if err == nil {
						err = context.Cause(ctx)
					}
					ahead <- decoded{nil, err}
					return
				}
			}
		}()
		defer func() {
			stop()
			for range ahead { // until the other one has ended
			}
		}()
		for batch := range ahead {
			if !yield(batch.records, batch.err) {
				return
			}
		}
	}
}

// A decoded is a batch, or why there is none.
type decoded struct {
	records []domain.Record
	err     error
}

func (r *Reader) batches(ctx context.Context, p domain.FeedPartition, from, to int64) iter.Seq2[[]domain.Record, error] {
	return func(yield func([]domain.Record, error) bool) {
		s, err := openScan(r.options, partitionName{p.Topic, p.Number}, from)
		if err != nil {
			yield(nil, err)
			return
		}
		defer s.close()
		for next := from; next < to; {
			records, err := s.batch(ctx)
			if err != nil {
				yield(nil, err)
				return
			}
			if over := next + int64(len(records)) - to; over > 0 {
				records = records[:int64(len(records))-over]
			}
			next += int64(len(records))
			if !yield(decodeAll(records), nil) {
				return
			}
		}
	}
}

package kafka

import (
	"context"
	"iter"
	"math"

	"github.com/confuse/data-connector/domain"
)

// Follow as the end of a range means that there is none: the scan goes on with
// what is appended until its context ends.
const Follow int64 = math.MaxInt64

// A Reader scans the events topic outside of any group. It may be used
// concurrently.
type Reader struct{ options Options }

// NewReader makes a Reader. It has nothing to close: each scan has its own
// connections.
func NewReader(o Options) *Reader { return &Reader{o} }

// Read gives the records of a partition of the events topic from the offset from
// on, up to but not including to, or the end of the log as it is at the start.
// Records that are not events have Err set. An error is the last thing it gives:
// the end of ctx, domain.ErrLogLost when from is no longer on the log (for
// Follow, also when it is not there yet), a *domain.InvalidError for a partition
// or offset that cannot be, domain.ErrUnavailable.
func (r *Reader) Read(ctx context.Context, partition int32, from, to int64) iter.Seq2[domain.Record, error] {
	return r.options.read(ctx, partitionName{r.options.Layout.Events(), partition}, from, to)
}

// All gives what a topic holds of a partition now, in the order of its offsets,
// which need not be dense. A record without a value has Err set, and its key and
// headers.
func (r *Reader) All(ctx context.Context, topic string, partition int32) iter.Seq2[domain.Record, error] {
	return func(yield func(domain.Record, error) bool) {
		at := partitionName{topic, partition}
		s, err := openScan(r.options, at, 0)
		if err != nil {
			yield(domain.Record{}, err)
			return
		}
		now, err := locate(ctx, s.client, at)
		s.close()
		if err != nil {
			yield(domain.Record{}, err)
			return
		}
		if now.start < now.end {
			r.options.read(ctx, at, now.start, now.end)(yield)
		}
	}
}

func (o Options) read(ctx context.Context, at partitionName, from, to int64) iter.Seq2[domain.Record, error] {
	return func(yield func(domain.Record, error) bool) {
		if from < 0 {
			yield(domain.Record{}, &domain.InvalidError{Field: "from", Problem: "is negative", Allowed: "an offset"})
			return
		}
		s, err := openScan(o, at, from)
		if err != nil {
			yield(domain.Record{}, err)
			return
		}
		defer s.close()
		now, err := locate(ctx, s.client, at)
		if err != nil {
			yield(domain.Record{}, err)
			return
		}
		if to != Follow {
			to = min(to, now.end)
		}
		s.each(ctx, to, yield)
	}
}

// each yields what comes before to.
func (s *scan) each(ctx context.Context, to int64, yield func(domain.Record, error) bool) {
	for next := s.next; next < to; {
		records, err := s.batch(ctx)
		if err != nil {
			yield(domain.Record{}, err)
			return
		}
		for _, r := range records {
			if next = r.Offset + 1; next > to || !yield(decode(r), nil) {
				return
			}
		}
	}
}

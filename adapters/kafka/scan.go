package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// How much a batch holds at most, and how long one waits to be filled while
// there is more on the log.
const (
	batchRecords = 5_000
	batchBytes   = 4 << 20
	batchWait    = 50 * time.Millisecond
)

// fetchBytes is what one fetch holds at most, compressed: about two full batches
// of events. One is read ahead per partition.
const fetchBytes = 512 << 10

// A scan reads one partition from an offset on, with a client of its own.
type scan struct {
	client *kgo.Client
	at     partitionName
	next   int64 // offset behind the last record that came in
	high   int64 // offset behind the last record of the log, as of the last fetch
	held   []*kgo.Record
	err    error // what ended it; told once held is handed out
}

// openScan starts to read. An offset that the log does not have is found out by
// the first batch.
func openScan(o Options, at partitionName, from int64) (*scan, error) {
	client, err := kgo.NewClient(o.client(
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{at.topic: {at.number: kgo.NewOffset().At(from)}}),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()), // lost history is an alarm, not a place to skip
		kgo.FetchMaxBytes(fetchBytes),
		kgo.FetchMaxPartitionBytes(fetchBytes),
	)...)
	if err != nil {
		return nil, fmt.Errorf("kafka: %w", err)
	}
	return &scan{client: client, at: at, next: from}, nil
}

func (s *scan) close() { s.client.Close() }

// batch waits for records and returns those that follow, at most one batch. At
// the end of the log it returns what is there at once. After an error the scan
// is of no more use.
func (s *scan) batch(ctx context.Context) ([]*kgo.Record, error) {
	for len(s.held) == 0 && s.err == nil {
		s.poll(ctx)
	}
	for s.err == nil && s.next < s.high && len(s.held) < batchRecords && size(s.held) < batchBytes {
		if !s.fill(ctx) {
			break
		}
	}
	n := cut(s.held)
	if n == 0 {
		return nil, s.err
	}
	batch := s.held[:n:n]
	s.held = s.held[n:]
	return batch, nil
}

// fill polls for a short while and reports whether something came.
func (s *scan) fill(ctx context.Context) bool {
	short, cancel := context.WithTimeout(ctx, batchWait)
	defer cancel()
	s.poll(short)
	if errors.Is(s.err, context.DeadlineExceeded) && ctx.Err() == nil {
		s.err = nil
		return false
	}
	return true
}

// poll adds what comes next to held. What came before an error is kept.
func (s *scan) poll(ctx context.Context) {
	s.client.PollRecords(ctx, batchRecords).EachPartition(func(p kgo.FetchTopicPartition) {
		if p.Err != nil {
			s.err = errors.Join(s.err, readError(s.at, s.next, p.Err))
			return
		}
		s.high = p.HighWatermark
		if n := len(p.Records); n > 0 {
			s.held, s.next = append(s.held, p.Records...), p.Records[n-1].Offset+1
		}
	})
}

// cut is how many of rs make a batch.
func cut(rs []*kgo.Record) int {
	bytes := 0
	for i, r := range rs {
		bytes += len(r.Key) + len(r.Value)
		if i == batchRecords || i > 0 && bytes > batchBytes {
			return i
		}
	}
	return len(rs)
}

func size(rs []*kgo.Record) int {
	bytes := 0
	for _, r := range rs {
		bytes += len(r.Key) + len(r.Value)
	}
	return bytes
}

package kafka

import (
	"cmp"
	"runtime"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/wire"
)

// minShare is how many messages one processor encodes at least: fewer do not pay
// for waking another one.
const minShare = 128

// records are messages as records, and about what they take. A page is encoded on
// all processors: nothing of it is sent before the last message has its form, and
// the broker waits meanwhile.
func (l *Log) records(trace string, messages []domain.Message) ([]*kgo.Record, int64, error) {
	records := make([]*kgo.Record, len(messages))
	shares := min(runtime.GOMAXPROCS(0), len(messages)/minShare)
	if shares < 2 {
		size, err := l.encode(trace, messages, records)
		return records, size, err
	}
	sizes := make([]int64, shares)
	var work errgroup.Group
	for i := range shares {
		from, to := i*len(messages)/shares, (i+1)*len(messages)/shares
		work.Go(func() (err error) {
			sizes[i], err = l.encode(trace, messages[from:to], records[from:to])
			return err
		})
	}
	err := work.Wait()
	return records, sum(sizes), err
}

func sum(all []int64) (total int64) {
	for _, n := range all {
		total += n
	}
	return total
}

// encode puts messages into records. There are many, so they share memory, which
// is free when the last of them is answered for.
func (l *Log) encode(trace string, messages []domain.Message, records []*kgo.Record) (size int64, err error) {
	all := make([]kgo.Record, len(messages))
	var c wire.Encoder
	var h headers
	for i := range messages {
		m := messages[i]
		m.Trace = cmp.Or(m.Trace, trace) // of the copy
		e, err := c.Encode(m)
		if err != nil {
			return 0, err
		}
		// Its timestamp is that of the append: retention goes by it, ce_time may be long ago.
		all[i] = kgo.Record{Topic: l.topicOf(m.Event), Partition: m.Partition, Key: e.Key, Value: e.Value, Headers: h.of(e.Headers, len(messages)-i)}
		size += int64(len(e.Key) + len(e.Value) + headerBytes(e.Headers))
		records[i] = &all[i]
	}
	return size, nil
}

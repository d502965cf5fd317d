package kafka

import (
	"cmp"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/wire"
)

// A share is what one processor encodes of a page: one record behind the other, in
// memory that they share.
type share struct {
	texts   wire.Encoder
	headers []kgo.RecordHeader
	records []kgo.Record
	size    int64 // about what they take, in bytes
}

// encode puts messages into records.
func (s *share) encode(topics eventTopics, trace string, messages []domain.Message, records []*kgo.Record) error {
	s.size = 0
	s.records = slices.Grow(s.records, len(messages))[:len(messages)]
	for i, m := range messages {
		m.Trace = cmp.Or(m.Trace, trace)
		e, err := s.texts.Encode(m)
		if err != nil {
			return err
		}
		// Its timestamp is that of the append: retention goes by it, ce_time may be long ago.
		s.records[i] = kgo.Record{
			Topic: topics.of(m.Event), Partition: m.Partition,
			Key: e.Key, Value: e.Value, Headers: s.headersOf(e.Headers, len(messages)-i),
		}
		s.size += int64(len(e.Key) + len(e.Value))
		records[i] = &s.records[i]
	}
	return nil
}

// headersOf are own as the client takes them, with the same texts. more is how many
// records are to come, with this one.
func (s *share) headersOf(own []wire.Header, more int) []kgo.RecordHeader {
	if cap(s.headers)-len(s.headers) < len(own) {
		s.headers = make([]kgo.RecordHeader, 0, cap(s.headers)+len(own)*more) // enough for such a page the next time
	}
	first := len(s.headers)
	for _, h := range own {
		s.headers = append(s.headers, kgo.RecordHeader(h))
		s.size += int64(len(h.Key) + len(h.Value))
	}
	return s.headers[first:len(s.headers):len(s.headers)]
}

// reset makes the memory of all records free for others.
func (s *share) reset() {
	clear(s.records)
	s.records, s.headers = s.records[:0], s.headers[:0]
	s.texts.Reset()
}

package kafka

import (
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/wire"
)

// decode gives r as the domain sees it. A record that is not an event carries
// the reason in Err and keeps what is needed to set it aside.
func decode(r *kgo.Record) domain.Record {
	headers := make(map[string]string, len(r.Headers))
	for _, h := range r.Headers {
		headers[h.Key] = string(h.Value)
	}
	event, err := wire.Decode(headers, r.Value)
	return domain.Record{
		Topic: r.Topic, Position: domain.Position{Partition: r.Partition, Offset: r.Offset},
		Key: r.Key, Headers: headers, Raw: r.Value, Event: event, Err: err,
	}
}

func decodeAll(rs []*kgo.Record) []domain.Record {
	records := make([]domain.Record, len(rs))
	for i, r := range rs {
		records[i] = decode(r)
	}
	return records
}

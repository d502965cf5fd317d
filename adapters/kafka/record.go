package kafka

import (
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/wire"
)

// decode gives r as the domain sees it. A record that is not an event carries
// the reason in Err and keeps what is needed to set it aside.
func decode(r *kgo.Record) domain.Record {
	headers := headersOf(r)
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

// headersOf are those of r.
func headersOf(r *kgo.Record) map[string]string {
	headers := make(map[string]string, len(r.Headers))
	addHeaders(headers, r)
	return headers
}

// addHeaders adds those of r. Their texts share memory: there are eleven of them.
func addHeaders(headers map[string]string, r *kgo.Record) {
	size := 0
	for _, h := range r.Headers {
		size += len(h.Value)
	}
	var all strings.Builder
	all.Grow(size)
	for _, h := range r.Headers {
		_, _ = all.Write(h.Value) // never fails
	}
	texts := all.String()
	for _, h := range r.Headers {
		headers[h.Key], texts = texts[:len(h.Value)], texts[len(h.Value):]
	}
}

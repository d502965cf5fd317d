package kafka

import (
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/wire"
)

// decode gives r as the domain sees it. A record that is not an event carries
// the reason in Err and keeps what is needed to set it aside.
func decode(r *kgo.Record) domain.Record { return new(decoder).decode(r) }

func decodeAll(rs []*kgo.Record) []domain.Record {
	records, d := make([]domain.Record, len(rs)), decoder{}
	for i, r := range rs {
		records[i] = d.decode(r)
	}
	return records
}

// A decoder decodes one record after the other.
type decoder struct{ texts []byte }

func (d *decoder) decode(r *kgo.Record) domain.Record {
	headers := d.headers(r)
	event, err := wire.Decode(headers, r.Value)
	return domain.Record{
		Topic: r.Topic, Position: domain.Position{Partition: r.Partition, Offset: r.Offset},
		Key: r.Key, Headers: headers, Raw: r.Value, Event: event, Err: err,
	}
}

// headers are those of r.
func (d *decoder) headers(r *kgo.Record) map[string]string {
	headers := make(map[string]string, len(r.Headers))
	d.into(headers, r)
	return headers
}

// into adds the headers of r. Their texts share memory: there are eleven of them.
func (d *decoder) into(headers map[string]string, r *kgo.Record) {
	d.texts = d.texts[:0]
	for _, h := range r.Headers {
		d.texts = append(d.texts, h.Value...)
	}
	texts := string(d.texts)
	for _, h := range r.Headers {
		headers[h.Key], texts = texts[:len(h.Value)], texts[len(h.Value):]
	}
}

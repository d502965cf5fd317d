package kafka

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"strconv"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/confuse/data-connector/domain/wire"
)

// A Publisher is watermill's on Kafka. It may be used concurrently.
type Publisher struct{ client *kgo.Client }

var _ message.Publisher = (*Publisher)(nil)

// NewPublisher makes a Publisher. It connects at the first use. Close ends it.
func NewPublisher(o Options) (*Publisher, error) {
	client, err := kgo.NewClient(o.client(
		kgo.RequiredAcks(kgo.AllISRAcks()), // I5
		kgo.RecordPartitioner(kgo.BasicConsistentPartitioner(placed)),
		kgo.ProducerBatchCompression(o.codec()),
		kgo.ProducerLinger(o.Linger),
	)...)
	if err != nil {
		return nil, fmt.Errorf("kafka: %w", err)
	}
	return &Publisher{client}, nil
}

// placed puts a record into the partition that it names, or else into one that
// follows from its key.
func placed(string) func(*kgo.Record, int) int {
	return func(r *kgo.Record, partitions int) int {
		if r.Partition >= 0 {
			return int(r.Partition)
		}
		h := fnv.New32a()
		_, _ = h.Write(r.Key) // never fails
		return int(h.Sum32() % uint32(partitions))
	}
}

// Publish puts messages on topic, in their order within each partition: the one
// that wire.MetaPartition names, or else one that follows from wire.MetaKey. The rest of
// the metadata become headers. When it returns nil all are durable (I5), and
// their metadata say where they stand. After an error any of them may be.
func (p *Publisher) Publish(topic string, messages ...*message.Message) error {
	records := make([]*kgo.Record, len(messages))
	for i, m := range messages {
		r, err := recordOf(topic, m)
		if err != nil {
			return fmt.Errorf("kafka: publish: %w", err)
		}
		records[i] = r
	}
	// The context of a message ends with its delivery, which is no reason to give
	// up what is in flight: the client would fail all that waits behind it.
	if err := p.client.ProduceSync(context.Background(), records...).FirstErr(); err != nil {
		return appendError(err, !refused(err))
	}
	for i, r := range records {
		meta := messages[i].Metadata
		meta[wire.MetaTopic], meta[wire.MetaPartition], meta[wire.MetaOffset] = r.Topic, strconv.Itoa(int(r.Partition)), strconv.FormatInt(r.Offset, 10)
	}
	return nil
}

// Close ends the connections once what is in flight is answered for.
func (p *Publisher) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	err := p.client.Flush(ctx)
	p.client.Close()
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("kafka: close: %w: %w", errUnanswered, err)
	}
	return err
}

// errUnanswered is what Close leaves behind.
var errUnanswered = errors.New("some messages were not answered for")

func recordOf(topic string, m *message.Message) (*kgo.Record, error) {
	r := &kgo.Record{Topic: topic, Partition: -1, Value: m.Payload}
	for k, v := range m.Metadata {
		switch k {
		case wire.MetaTopic, wire.MetaOffset, wire.MetaRepeat: // where it stood before
		case wire.MetaKey:
			r.Key = []byte(v)
		case wire.MetaPartition:
			n, err := strconv.ParseInt(v, 10, 32)
			if err != nil || n < 0 {
				return nil, fmt.Errorf("%s %q is no partition", wire.MetaPartition, v)
			}
			r.Partition = int32(n)
		default:
			r.Headers = append(r.Headers, kgo.RecordHeader{Key: k, Value: []byte(v)})
		}
	}
	if m.Metadata[wire.HeaderID] != m.UUID {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: headerUUID, Value: []byte(m.UUID)})
	}
	return r, nil
}

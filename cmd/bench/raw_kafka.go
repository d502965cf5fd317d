package main

import (
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/wire"
)

// rawClient is a plain client with the settings of the service: acknowledged by
// all replicas, LZ4, the partition as given.
func rawClient(brokers []string, more ...kgo.Opt) (*kgo.Client, error) {
	return kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(brokers...), kgo.RequiredAcks(kgo.AllISRAcks()), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(kgo.Lz4Compression()),
	}, more...)...)
}

// rawRecords are messages as a client sends them.
func rawRecords(topic string, messages ...domain.Message) ([]*kgo.Record, error) {
	records := make([]*kgo.Record, len(messages))
	for i, m := range messages {
		e, err := wire.Encode(m)
		if err != nil {
			return nil, err
		}
		records[i] = &kgo.Record{Topic: topic, Partition: m.Partition, Key: e.Key, Value: e.Value}
		for _, h := range e.Headers {
			records[i].Headers = append(records[i].Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
		}
	}
	return records, nil
}

package main

import (
	"context"
	"iter"
	"sync/atomic"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/confuse/data-connector/adapters/kafka"
	"github.com/confuse/data-connector/domain"
)

// A checkedLog is a log that is refused with domain.ErrLogAway, at once, until its
// topics have been looked at: what is acknowledged by one that may forget is not
// durable (I5).
type checkedLog struct {
	*kafka.Log
	checked atomic.Bool
}

var _ domain.Log = (*checkedLog)(nil)

// away is domain.ErrLogAway, or nil once the topics have been looked at.
func (l *checkedLog) away() error {
	if l.checked.Load() {
		return nil
	}
	return domain.ErrLogAway
}

// Append implements domain.Log.
func (l *checkedLog) Append(ctx context.Context, messages ...domain.Message) ([]domain.Position, error) {
	if err := l.away(); err != nil {
		return nil, err
	}
	return l.Log.Append(ctx, messages...)
}

// End implements domain.Log.
func (l *checkedLog) End(ctx context.Context, partition int32) (int64, error) {
	if err := l.away(); err != nil {
		return 0, err
	}
	return l.Log.End(ctx, partition)
}

// Partitions implements domain.Log.
func (l *checkedLog) Partitions(ctx context.Context) (int32, error) {
	if err := l.away(); err != nil {
		return 0, err
	}
	return l.Log.Partitions(ctx)
}

// A checkedReader refuses requests as its log does: a broker that is silent would hold
// each for as long as it waits.
type checkedReader struct {
	*kafka.Reader
	log *checkedLog
}

// Read implements httpapi.Events.
func (r checkedReader) Read(ctx context.Context, partition int32, from, to int64) iter.Seq2[domain.Record, error] {
	if err := r.log.away(); err != nil {
		return func(yield func(domain.Record, error) bool) { yield(domain.Record{}, err) }
	}
	return r.Reader.Read(ctx, partition, from, to)
}

// Messages is pipeline.Desk.Messages. What is found is published.
func (r checkedReader) Messages(ctx context.Context, topic string, partition int32, offsets []int64) (map[int64]*message.Message, error) {
	if err := r.log.away(); err != nil {
		return nil, err
	}
	return r.Reader.Messages(ctx, topic, partition, offsets)
}

// Exists is the question of replay.Service.Topic.
func (r checkedReader) Exists(ctx context.Context, topic string) (bool, error) {
	if err := r.log.away(); err != nil {
		return false, err
	}
	return r.Reader.Exists(ctx, topic)
}

func (s *service) checkedReader() checkedReader {
	return checkedReader{kafka.NewReader(s.kafka), s.commands}
}

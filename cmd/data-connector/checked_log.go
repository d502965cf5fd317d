package main

import (
	"context"
	"sync/atomic"

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

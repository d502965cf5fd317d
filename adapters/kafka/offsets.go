package kafka

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// OffsetsAt are the offsets of the events topic, by partition, of the first
// records that were written at a time or later, or behind the last one; of a zero
// time, those of the first records that it holds.
func (r *Reader) OffsetsAt(ctx context.Context, at time.Time) (map[int32]int64, error) {
	return r.offsets(ctx, func(ctx context.Context, admin *kadm.Client, topic string) (kadm.ListedOffsets, error) {
		if at.IsZero() {
			return admin.ListStartOffsets(ctx, topic)
		}
		return admin.ListOffsetsAfterMilli(ctx, at.UnixMilli(), topic)
	})
}

// Ends are the offsets of the events topic, by partition, behind its last records.
func (r *Reader) Ends(ctx context.Context) (map[int32]int64, error) {
	return r.offsets(ctx, func(ctx context.Context, admin *kadm.Client, topic string) (kadm.ListedOffsets, error) {
		return admin.ListEndOffsets(ctx, topic)
	})
}

func (r *Reader) offsets(ctx context.Context, list func(context.Context, *kadm.Client, string) (kadm.ListedOffsets, error)) (map[int32]int64, error) {
	client, err := kgo.NewClient(r.options.client()...)
	if err != nil {
		return nil, fmt.Errorf("kafka: %w", err)
	}
	defer client.Close()
	listed, err := list(ctx, kadm.NewClient(client), r.options.Layout.Events())
	if err == nil {
		err = listed.Error()
	}
	if err != nil {
		return nil, askError("offsets of the log", err)
	}
	offsets := make(map[int32]int64)
	listed.Each(func(o kadm.ListedOffset) { offsets[o.Partition] = o.Offset })
	return offsets, nil
}

// Exists tells whether there is a topic of this name.
func (r *Reader) Exists(ctx context.Context, topic string) (bool, error) {
	client, err := kgo.NewClient(r.options.client()...)
	if err != nil {
		return false, fmt.Errorf("kafka: %w", err)
	}
	defer client.Close()
	details, err := kadm.NewClient(client).ListTopics(ctx, topic)
	if err != nil {
		return false, askError("look at "+topic, err)
	}
	return details.Has(topic), nil
}

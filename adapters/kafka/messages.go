package kafka

import (
	"context"
	"fmt"
	"slices"

	"github.com/ThreeDotsLabs/watermill/message"
)

// Messages reads the messages at these offsets of a partition. One that the topic
// no longer holds, or not yet, is not in the map.
func (r *Reader) Messages(ctx context.Context, topic string, partition int32, offsets []int64) (map[int64]*message.Message, error) {
	found := make(map[int64]*message.Message, len(offsets))
	if len(offsets) == 0 {
		return found, nil
	}
	at := partitionName{topic, partition}
	s, err := openScan(r.options, at, slices.Min(offsets))
	if err != nil {
		return nil, err
	}
	defer func() { s.close() }()
	now, err := locate(ctx, s.client, at)
	if err != nil {
		return nil, err
	}
	from, to := max(slices.Min(offsets), now.start), min(slices.Max(offsets)+1, now.end)
	if from >= to {
		return found, nil
	}
	if from > s.next { // some are gone: there is no going on from there
		on, err := openScan(r.options, at, from)
		if err != nil {
			return nil, err
		}
		s.close()
		s = on
	}
	wanted := make(map[int64]bool, len(offsets))
	for _, o := range offsets {
		wanted[o] = true
	}
	for next := from; next < to; {
		records, err := s.batch(ctx)
		if err != nil {
			return nil, fmt.Errorf("kafka: messages of %s: %w", at, err)
		}
		for _, rec := range records {
			if next = rec.Offset + 1; wanted[rec.Offset] {
				found[rec.Offset] = newMessage(rec)
			}
		}
	}
	return found, nil
}

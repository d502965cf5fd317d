package kafka

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/confuse/data-connector/domain"
)

// A place is how a partition stands now.
type place struct {
	topicID    string
	start, end int64 // of the first record, behind the last one
}

// locate asks how a partition stands. A partition that is not there is a
// *domain.InvalidError, all other trouble domain.ErrUnavailable.
func locate(ctx context.Context, client *kgo.Client, at partitionName) (place, error) {
	id, n, err := metadata(ctx, client, at.topic)
	if err != nil {
		return place{}, askError("look at "+at.String(), err)
	}
	if at.number < 0 || at.number >= n {
		none := &domain.InvalidError{Field: "partition", Problem: "there is no such partition", Allowed: fmt.Sprintf("0 to %d", n-1)}
		return place{}, fmt.Errorf("kafka: %s: %w: %w", at, none, kerr.UnknownTopicOrPartition)
	}
	p, admin := place{topicID: id}, kadm.NewClient(client)
	if p.start, err = listed(ctx, admin.ListStartOffsets, at); err != nil {
		return place{}, askError("start of "+at.String(), err)
	}
	if p.end, err = listed(ctx, admin.ListEndOffsets, at); err != nil {
		return place{}, askError("end of "+at.String(), err)
	}
	return p, nil
}

// listed asks for one offset of a partition.
func listed(ctx context.Context, list func(context.Context, ...string) (kadm.ListedOffsets, error), at partitionName) (int64, error) {
	offsets, err := list(ctx, at.topic)
	o, ok := offsets.Lookup(at.topic, at.number)
	switch {
	case ok:
		return o.Offset, o.Err // the troubles of other partitions are not ours
	case err != nil:
		return 0, err
	default:
		return 0, kerr.UnknownTopicOrPartition
	}
}

// metadata asks a broker, not the client's memory, for a topic's id and how many
// partitions it has.
func metadata(ctx context.Context, client *kgo.Client, topic string) (id string, partitions int32, err error) {
	req := kmsg.NewPtrMetadataRequest()
	t := kmsg.NewMetadataRequestTopic()
	t.Topic = kmsg.StringPtr(topic)
	req.Topics = append(req.Topics, t)
	resp, err := req.RequestWith(ctx, client)
	if err != nil {
		return "", 0, err
	}
	if len(resp.Topics) != 1 {
		return "", 0, fmt.Errorf("metadata of %d topics instead of one", len(resp.Topics))
	}
	found := resp.Topics[0]
	if err := kerr.ErrorForCode(found.ErrorCode); err != nil {
		return "", 0, err
	}
	return kadm.TopicID(found.TopicID).String(), int32(len(found.Partitions)), nil // Kafka counts them in int32
}

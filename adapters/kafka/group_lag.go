package kafka

import (
	"context"
	"errors"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
)

// GroupLag counts the records of topic behind what a consumer group has
// committed; what it has never read counts from the beginning, also when it has not
// done with anything yet. -1: there is no such group. It asks through the connections
// of l.
func (l *Log) GroupLag(ctx context.Context, group, topic string) (int64, error) {
	committed, err := l.admin.FetchOffsets(ctx, group)
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
		return 0, askError("offsets of group "+group, err)
	}
	if len(committed) == 0 {
		running, err := l.GroupsRunning(ctx, group)
		if err != nil {
			return 0, err
		}
		if !running[group] {
			return -1, nil
		}
	}
	starts, err := l.admin.ListStartOffsets(ctx, topic)
	if err != nil {
		return 0, askError("starts of "+topic, err)
	}
	ends, err := l.admin.ListEndOffsets(ctx, topic)
	if err != nil {
		return 0, askError("ends of "+topic, err)
	}
	var behind int64
	ends.Each(func(end kadm.ListedOffset) {
		from := end.Offset
		if start, ok := starts.Lookup(topic, end.Partition); ok {
			from = start.Offset
		}
		if at, ok := committed.Lookup(topic, end.Partition); ok {
			from = max(from, at.At)
		}
		behind += max(end.Offset-from, 0)
	})
	return behind, nil
}

// GroupBehind counts the records of topic below these ends, by partition, behind
// what a consumer group has committed. What it has never read counts from the
// beginning.
func (l *Log) GroupBehind(ctx context.Context, group, topic string, ends map[int32]int64) (int64, error) {
	committed, err := l.admin.FetchOffsets(ctx, group)
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
		return 0, askError("offsets of group "+group, err)
	}
	starts, err := l.admin.ListStartOffsets(ctx, topic)
	if err != nil {
		return 0, askError("starts of "+topic, err)
	}
	var behind int64
	for partition, end := range ends {
		var from int64
		if start, ok := starts.Lookup(topic, partition); ok {
			from = start.Offset
		}
		if at, ok := committed.Lookup(topic, partition); ok {
			from = max(from, at.At)
		}
		behind += max(end-from, 0)
	}
	return behind, nil
}

// GroupsRunning are those of consumer groups that have members, in whatever
// process.
func (l *Log) GroupsRunning(ctx context.Context, groups ...string) (map[string]bool, error) {
	running := make(map[string]bool)
	described, err := l.admin.DescribeGroups(ctx, groups...)
	if err != nil {
		return nil, askError("members of groups", err)
	}
	for name, g := range described {
		switch {
		case g.Err != nil && !errors.Is(g.Err, kerr.GroupIDNotFound):
			return nil, askError("members of group "+name, g.Err)
		case g.Err == nil && len(g.Members) > 0:
			running[name] = true
		}
	}
	return running, nil
}

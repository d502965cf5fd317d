package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/confuse/data-connector/domain"
)

// defaultWorkers is how many batches are in the reader's hands at once.
const defaultWorkers = 2

const (
	// commitEvery is how far lag tools are behind.
	commitEvery = 5 * time.Second
	// commitTime is how long a commit may hold up a rebalance.
	commitTime = 5 * time.Second
	// leaveTime is how long a broker that does not answer may hold up the end.
	leaveTime = grace + commitTime
	// grace is what a batch may still take when its partition is revoked.
	grace = 10 * time.Second
	// sessionTime is after how long the partitions of a process that died go to
	// others. Brokers allow no less than 6 s unless told to.
	sessionTime = 10 * time.Second
	heartbeat   = 2 * time.Second
)

// FeedOptions are what a Feed needs besides Options.
type FeedOptions struct {
	Group    string   // the consumer group that shares the partitions
	Instance string   // name of this process in the group, no two at a time; a restart under the same name gets its partitions back at once. Empty: none
	Topics   []string // empty: events and pipeline
	Workers  int      // batches handed out at once, over all partitions; 0: 2
}

// A Feed is domain.Feeder on Kafka. It may be used again after Feed has returned,
// but not at the same time.
type Feed struct {
	options Options
	own     FeedOptions
	slots   chan struct{}
	ahead   chan struct{} // held by the batch that is decoded and waits for a slot
}

var _ domain.Feeder = (*Feed)(nil)

// NewFeed makes a Feed. It connects in Feed.
func NewFeed(o Options, own FeedOptions) *Feed {
	if len(own.Topics) == 0 {
		own.Topics = []string{o.Layout.Events(), o.Layout.Pipeline()}
	}
	if own.Workers == 0 {
		own.Workers = defaultWorkers
	}
	return &Feed{options: o, own: own, slots: make(chan struct{}, own.Workers), ahead: make(chan struct{}, 1)}
}

// Feed keeps the contract of domain.Feeder. It returns ctx's error, or
// domain.ErrLogLost with the topic, the partition and the offsets.
//
// A batch holds up to 5,000 records or 4 MiB; at the end of the log it holds what
// is there. When Assigned or Batch return an error other than ErrLogLost, or a
// partition cannot be read, that partition is handed in again after a while, and
// the others go on. While a batch is in the reader's hands the next one is read, and
// one more than the reader has is decoded. A batch that runs when its partition is revoked may finish;
// after 10 s its context ends. Every partition that was handed in is revoked
// before Feed returns.
func (f *Feed) Feed(ctx context.Context, r domain.FeedReader) error {
	work, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	a := newAssignment(work, f, r, fail)
	client, err := kgo.NewClient(f.options.client(f.group(a)...)...)
	if err != nil {
		return fmt.Errorf("kafka: feed: %w", err)
	}
	var commits sync.WaitGroup
	commits.Go(func() { a.commitAll(work, client) })
	watch(work, client, f)
	leave(ctx, client)
	a.end()
	commits.Wait()
	return context.Cause(work)
}

// leave revokes everything and tells the group, if it can be reached. Else the
// group finds out when the session ends.
func leave(ctx context.Context, client *kgo.Client) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTime)
	defer cancel()
	_ = client.LeaveGroupContext(ctx) // as above
	client.Close()
}

func (f *Feed) group(a *assignment) []kgo.Opt {
	opts := []kgo.Opt{
		kgo.ConsumerGroup(f.own.Group),
		kgo.ConsumeTopics(f.own.Topics...),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.SessionTimeout(sessionTime),
		kgo.HeartbeatInterval(heartbeat),
		kgo.DisableAutoCommit(),
		kgo.AdjustFetchOffsetsFn(fetchNothing),
		kgo.OnPartitionsAssigned(a.assigned),
		kgo.OnPartitionsRevoked(a.revoked),
		kgo.OnPartitionsLost(a.lost),
	}
	if f.own.Instance != "" {
		opts = append(opts, kgo.InstanceID(f.own.Instance))
	}
	return opts
}

// fetchNothing keeps the member from reading what it is assigned: that is done
// by scans, from the places that the reader names.
func fetchNothing(context.Context, map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
	return nil, nil
}

// watch says what troubles the membership until ctx ends. The client repairs it
// by itself.
func watch(ctx context.Context, client *kgo.Client, f *Feed) {
	for ctx.Err() == nil {
		client.PollFetches(ctx).EachError(func(topic string, partition int32, err error) {
			if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
				return
			}
			f.options.Log.WarnContext(ctx, "consumer group in trouble", "group", f.own.Group, "topic", topic, "partition", partition, "err", err)
		})
	}
}

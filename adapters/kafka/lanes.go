package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/confuse/data-connector/domain"
)

const (
	defaultLanes       = 64
	defaultWindow      = 10_000
	defaultWindowBytes = 64 << 20
	// pollRecords is how many are taken at once.
	pollRecords = 1_000
	// trackEvery is how long done work stays uncommitted, unless it is a quarter of
	// a window before that.
	trackEvery = time.Second
)

// A handleFunc does the work of one record, given as a message too, and reports
// whether it is done. It is not done only when ctx ended first.
type handleFunc func(ctx context.Context, r *kgo.Record, m *message.Message) bool

// lanes read one topic in a consumer group: records of one key in order, those of
// different keys side by side. What is committed lies below the lowest record
// that is not done.
type lanes struct {
	options Options
	own     SubscriberOptions
	topic   string
	handle  handleFunc
	waits   bool // for calls of handle, also when their context has ended
	client  *kgo.Client
	work    context.Context // ends when the topic can no longer be read
	fail    context.CancelCauseFunc
	crew    *crew
	due     chan struct{} // a commit does not wait for its time

	mu    sync.Mutex
	parts map[int32]*window
}

func newLanes(o Options, own SubscriberOptions, topic string, handle handleFunc) *lanes {
	return &lanes{options: o, own: own, topic: topic, handle: handle, crew: newCrew(own.Lanes), due: make(chan struct{}, 1), parts: make(map[int32]*window)}
}

// open joins the group, until ctx ends. It does not wait for partitions.
func (l *lanes) open(ctx context.Context) error {
	l.work, l.fail = context.WithCancelCause(ctx)
	reset := kgo.NewOffset().AtStart() // of a topic that forgets, all that is there
	if l.own.Runs != nil {
		reset = kgo.NoResetOffset() // lost history is an alarm, not a place to skip
	}
	opts := []kgo.Opt{
		kgo.ConsumerGroup(l.own.Group),
		kgo.ConsumeTopics(l.topic),
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()),
		kgo.ConsumeResetOffset(reset),
		kgo.FetchMaxBytes(8 * fetchBytes),
		kgo.FetchMaxPartitionBytes(fetchBytes),
		kgo.SessionTimeout(sessionTime),
		kgo.HeartbeatInterval(heartbeat),
		kgo.DisableAutoCommit(),
		kgo.BlockRebalanceOnPoll(), // what was polled is in its window before its partition can go
		kgo.OnPartitionsAssigned(l.assigned),
		kgo.OnPartitionsRevoked(l.revoked),
		kgo.OnPartitionsLost(l.lost),
	}
	if l.own.Instance != "" {
		opts = append(opts, kgo.InstanceID(l.own.Instance))
	}
	client, err := kgo.NewClient(l.options.client(opts...)...)
	if err != nil {
		return fmt.Errorf("kafka: %w", err)
	}
	l.client = client
	return nil
}

// run hands out until the context of open ends or the log is lost (domain.ErrLogLost). Then it
// lets what is in hand finish, for a while, commits and leaves the group.
func (l *lanes) run() error {
	defer l.fail(nil)
	var commits sync.WaitGroup
	commits.Go(func() {
		every := time.NewTicker(trackEvery)
		defer every.Stop()
		for l.work.Err() == nil {
			select {
			case <-every.C:
			case <-l.due:
			case <-l.work.Done():
				return
			}
			l.commit(l.work, l.client, l.windows())
		}
	})
	for l.work.Err() == nil {
		l.poll(l.work)
	}
	commits.Wait()
	ended := l.takeAll()
	l.stop(ended)
	l.commit(context.WithoutCancel(l.work), l.client, ended)
	l.client.AllowRebalance()
	leave(l.work, l.client)
	return context.Cause(l.work)
}

// pollMost is how many records one poll takes at most. A window is full while it
// has no room for so many.
func (l *lanes) pollMost() int64 { return int64(min(pollRecords, (l.own.Window+3)/4)) }

func (l *lanes) commitSoon() {
	select {
	case l.due <- struct{}{}:
	default:
	}
}

func (l *lanes) poll(ctx context.Context) {
	defer l.client.AllowRebalance()
	l.client.PollRecords(ctx, int(l.pollMost())).EachPartition(func(p kgo.FetchTopicPartition) {
		if p.Err != nil {
			l.trouble(ctx, p)
		}
		l.mu.Lock()
		w := l.parts[p.Partition]
		l.mu.Unlock()
		if w != nil && len(p.Records) > 0 {
			w.take(p.Records)
		}
	})
}

func (l *lanes) trouble(ctx context.Context, p kgo.FetchTopicPartition) {
	if errors.Is(p.Err, context.Canceled) {
		return
	}
	err := readError(partitionName{p.Topic, p.Partition}, -1, p.Err)
	if errors.Is(err, domain.ErrLogLost) {
		l.options.Log.ErrorContext(ctx, "consumer group has lost its place", "group", l.own.Group, "err", err)
		l.fail(fmt.Errorf("consumer group %q: %w", l.own.Group, err))
		return
	}
	l.options.Log.WarnContext(ctx, "consumer group in trouble", "group", l.own.Group, "err", err)
}

func (l *lanes) assigned(ctx context.Context, client *kgo.Client, added map[string][]int32) {
	ends := l.ends(ctx, client)
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, at := range names(added) {
		l.parts[at.number] = newWindow(l, at, ends)
	}
}

// ends are where the partitions of the topic end now, for who is told of repeats:
// what comes later, no process before this one has had. Nil: nobody knows.
func (l *lanes) ends(ctx context.Context, client *kgo.Client) kadm.ListedOffsets {
	if l.own.Runs != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, commitTime)
	defer cancel()
	ends, err := kadm.NewClient(client).ListEndOffsets(ctx, l.topic)
	if err != nil {
		l.options.Log.DebugContext(ctx, "more than needed counts as a repeat", "group", l.own.Group, "err", err)
		return nil
	}
	return ends
}

// revoked lets what is in hand finish before others get the partition, so that
// they begin behind it.
func (l *lanes) revoked(ctx context.Context, client *kgo.Client, gone map[string][]int32) {
	ended := l.take(gone)
	l.stop(ended)
	l.commit(context.WithoutCancel(ctx), client, ended)
}

// lost is too late for that: what is in hand is done twice.
func (l *lanes) lost(_ context.Context, _ *kgo.Client, gone map[string][]int32) {
	for _, w := range l.take(gone) {
		w.drop()
	}
}

func (l *lanes) take(gone map[string][]int32) []*window {
	l.mu.Lock()
	defer l.mu.Unlock()
	var taken []*window
	for _, at := range names(gone) {
		if w, ok := l.parts[at.number]; ok {
			taken = append(taken, w)
			delete(l.parts, at.number)
		}
	}
	return taken
}

func (l *lanes) takeAll() []*window {
	all := l.windows()
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.parts)
	return all
}

func (l *lanes) windows() []*window {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make([]*window, 0, len(l.parts))
	for _, w := range l.parts {
		all = append(all, w)
	}
	return all
}

// stop waits until nothing of ws is in hand.
func (l *lanes) stop(ws []*window) {
	late := time.AfterFunc(l.own.Grace, func() {
		for _, w := range ws {
			w.drop()
		}
	})
	defer late.Stop()
	for _, w := range ws {
		w.quit()
	}
	for _, w := range ws {
		w.wait()
		w.drop()
	}
}

// commit tells the group where to go on: never above what is not done. A failed
// commit repeats work and loses none; the next one makes up for it.
func (l *lanes) commit(ctx context.Context, client *kgo.Client, ws []*window) {
	offsets := make(map[int32]kgo.EpochOffset)
	for _, w := range ws {
		if next, news := w.behind(); news {
			offsets[w.at.number] = kgo.EpochOffset{Epoch: -1, Offset: next}
		}
	}
	if len(offsets) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, commitTime)
	defer cancel()
	if err := commitSync(ctx, client, map[string]map[int32]kgo.EpochOffset{l.topic: offsets}); err != nil {
		l.options.Log.WarnContext(ctx, "offsets not committed", "group", l.own.Group, "err", err)
		return
	}
	for _, w := range ws {
		if at, ok := offsets[w.at.number]; ok {
			w.committed(at.Offset)
		}
	}
}

package kafka

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/confuse/data-connector/domain"
)

// An assignment is the partitions that a feed has now, each with its goroutine.
type assignment struct {
	feed   *Feed
	reader domain.FeedReader
	work   context.Context
	fail   context.CancelCauseFunc

	mu    sync.Mutex
	parts map[partitionName]*partition
	open  sync.WaitGroup // partitions that the reader has not been told the end of
}

func newAssignment(work context.Context, f *Feed, r domain.FeedReader, fail context.CancelCauseFunc) *assignment {
	return &assignment{feed: f, reader: r, work: work, fail: fail, parts: make(map[partitionName]*partition)}
}

// assigned starts to read. It returns at once: where to start is asked by the
// goroutines, so a slow answer costs no membership.
func (a *assignment) assigned(_ context.Context, client *kgo.Client, added map[string][]int32) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, at := range names(added) {
		a.open.Add(1)
		a.parts[at] = startPartition(a, client, at)
	}
}

// revoked ends what the group takes away. The group waits for it, so no batch
// overlaps with one of the next owner.
func (a *assignment) revoked(_ context.Context, client *kgo.Client, gone map[string][]int32) {
	ended := a.take(names(gone))
	a.stop(ended)
	a.commit(context.WithoutCancel(a.work), client, ended)
}

// lost ends what the group has given to others already.
func (a *assignment) lost(_ context.Context, _ *kgo.Client, gone map[string][]int32) {
	a.stop(a.take(names(gone)))
}

func (a *assignment) take(gone []partitionName) []*partition {
	a.mu.Lock()
	defer a.mu.Unlock()
	var taken []*partition
	for _, at := range gone {
		if p, ok := a.parts[at]; ok {
			taken = append(taken, p)
			delete(a.parts, at)
		}
	}
	return taken
}

// end stops what the group did not revoke and waits for what it did.
func (a *assignment) end() {
	a.mu.Lock()
	left := slices.Collect(maps.Values(a.parts))
	clear(a.parts)
	a.mu.Unlock()
	a.stop(left)
	a.open.Wait()
}

// stop waits until no call into the reader is left and tells it.
func (a *assignment) stop(parts []*partition) {
	late := time.AfterFunc(grace, func() {
		for _, p := range parts {
			p.drop()
		}
	})
	defer late.Stop()
	for _, p := range parts {
		p.quit()
	}
	for _, p := range parts {
		<-p.done
		p.drop()
		if p.handed {
			a.reader.Revoked(p.as)
		}
		a.open.Done()
	}
}

// commitAll commits now and then, for lag tools only.
func (a *assignment) commitAll(ctx context.Context, client *kgo.Client) {
	for pause(ctx, commitEvery) {
		a.mu.Lock()
		parts := slices.Collect(maps.Values(a.parts))
		a.mu.Unlock()
		a.commit(ctx, client, parts)
	}
}

// commit tells the group how far parts are. Nobody reads it as truth, so a
// failure is no more than a line for who wonders about a lag tool.
func (a *assignment) commit(ctx context.Context, client *kgo.Client, parts []*partition) {
	offsets := make(map[string]map[int32]kgo.EpochOffset)
	for _, p := range parts {
		next := p.next.Load()
		if next == p.committed.Swap(next) {
			continue
		}
		if offsets[p.at.topic] == nil {
			offsets[p.at.topic] = make(map[int32]kgo.EpochOffset)
		}
		offsets[p.at.topic][p.at.number] = kgo.EpochOffset{Epoch: -1, Offset: next}
	}
	if len(offsets) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, commitTime)
	defer cancel()
	if err := commitSync(ctx, client, offsets); err != nil {
		a.feed.options.Log.DebugContext(ctx, "offsets for lag tools not committed", "group", a.feed.own.Group, "err", err)
	}
}

func names(of map[string][]int32) []partitionName {
	var all []partitionName
	for topic, numbers := range of {
		for _, n := range numbers {
			all = append(all, partitionName{topic, n})
		}
	}
	return all
}

func commitSync(ctx context.Context, client *kgo.Client, offsets map[string]map[int32]kgo.EpochOffset) error {
	var failed error
	client.CommitOffsetsSync(ctx, offsets, func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, resp *kmsg.OffsetCommitResponse, err error) {
		failed = err
		if err != nil {
			return
		}
		for _, t := range resp.Topics {
			for _, p := range t.Partitions {
				failed = errors.Join(failed, kerr.ErrorForCode(p.ErrorCode))
			}
		}
	})
	return failed
}

package kafka

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/confuse/data-connector/domain"
)

// A partition that fails is handed in again after a while that doubles up to a
// limit.
const (
	firstWait = 100 * time.Millisecond
	lastWait  = 10 * time.Second
)

// goneTries is how often in a row a topic may be unknown before it counts as
// deleted, about 5 s: brokers that start may not know it yet.
const goneTries = 7

// A partition hands one partition to the reader for as long as it is assigned.
type partition struct {
	*assignment
	client *kgo.Client // the group's; asked how the partition stands
	at     partitionName

	quit context.CancelFunc // no further batch
	drop context.CancelFunc // nor the one that runs
	done chan struct{}      // closed when no call into the reader is left

	next, committed atomic.Int64 // offset behind the last batch done; 0: none yet

	// Only for the goroutine, and for others after done.
	as     domain.FeedPartition // as handed in last
	handed bool
}

func startPartition(a *assignment, client *kgo.Client, at partitionName) *partition {
	p := &partition{assignment: a, client: client, at: at, done: make(chan struct{})}
	hard, drop := context.WithCancel(a.work)
	soft, quit := context.WithCancel(hard)
	p.drop, p.quit = drop, quit
	go p.run(soft, hard)
	return p
}

// run hands the partition in until soft ends; batches run under hard.
func (p *partition) run(soft, hard context.Context) {
	defer close(p.done)
	for failed, gone := 0, 0; ; failed++ {
		before := p.next.Load()
		err := p.handIn(soft, hard)
		if soft.Err() != nil {
			return
		}
		if p.next.Load() != before {
			failed, gone = 0, 0
		}
		if !isGone(err) {
			gone = 0
		} else if gone++; gone == goneTries {
			err = p.at.lost("the topic is gone: %w", err)
		}
		if errors.Is(err, domain.ErrLogLost) {
			p.fail(err) // ends the whole feed
			return
		}
		wait := backoff(failed)
		p.feed.options.Log.WarnContext(soft, "partition is handed in again", "topic", p.at.topic, "partition", p.at.number, "wait", wait, "err", err)
		if !pause(soft, wait) {
			return
		}
	}
}

func isGone(err error) bool {
	return errors.Is(err, kerr.UnknownTopicOrPartition) || errors.Is(err, kerr.UnknownTopicID)
}

func backoff(failed int) time.Duration {
	wait := min(firstWait<<min(failed, 10), lastWait)
	return wait/2 + rand.N(wait/2) // spreads retries, no secret
}

// handIn asks the reader where to start and gives it batches from there. It
// returns only with an error.
func (p *partition) handIn(soft, hard context.Context) error {
	now, err := locate(soft, p.client, p.at)
	if err != nil {
		return err
	}
	if p.handed && p.as.TopicID != now.topicID {
		return p.at.lost("the topic was made anew: its id was %s and is %s", p.as.TopicID, now.topicID)
	}
	p.as = domain.FeedPartition{Topic: p.at.topic, TopicID: now.topicID, Number: p.at.number, End: now.end, Last: p.last}
	p.handed = true
	start, err := p.reader.Assigned(soft, p.as)
	if err != nil {
		return fmt.Errorf("kafka: %s assigned: %w", p.at, err)
	}
	if err := p.check(soft, now, start); err != nil {
		return err
	}
	s, err := openScan(p.feed.options, p.at, start)
	if err != nil {
		return err
	}
	defer s.close()
	return p.giveAll(soft, hard, s)
}

// check compares a place to start with the log. now may be older than the place:
// another process may have read on between the two.
func (p *partition) check(ctx context.Context, now place, start int64) error {
	if start > now.end {
		var err error
		if now, err = locate(ctx, p.client, p.at); err != nil {
			return err
		}
	}
	if start < now.start || start > now.end {
		return p.at.lost("the checkpoint is at offset %d, the log holds %d to %d", start, now.start, now.end)
	}
	return nil
}

// last reads one record, for FeedPartition.
func (p *partition) last(ctx context.Context, offset int64) (domain.Record, error) {
	now, err := locate(ctx, p.client, p.at)
	if err != nil {
		return domain.Record{}, err
	}
	if offset < now.start || offset >= now.end {
		return domain.Record{}, p.at.lost("offset %d was read before, the log holds %d to %d", offset, now.start, now.end)
	}
	return p.feed.options.lastOf(p.at)(ctx, offset)
}

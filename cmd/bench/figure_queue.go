package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"

	"github.com/confuse/data-connector/adapters/redis"
	"github.com/confuse/data-connector/cmd/figures"
	"github.com/confuse/data-connector/domain"
)

const (
	queueJobs    = 10_000
	queueBatch   = 1000
	queueWorkers = 8
)

func queueFigure() figure {
	return figure{
		name:      "queue",
		title:     "The queue: 10,000 jobs of 100 owners enqueued by the thousand, then claimed and completed by 8 workers",
		reference: "as many plain calls for each job, in the same batches and as many round trips: 3 in pipelines of a thousand jobs, then 20 and 14 in one pipeline each, 8 workers",
		note:      "`queue_list` is beside it to be honest: RPUSH, LMOVE and LREM of a Redis list, which knows no owners, no leases, no times and no uniqueness.",
		measure:   queue,
	}
}

func queue(ctx context.Context, b *bench) (lines []figures.Line, err error) {
	c, err := b.servers.NewCorner(ctx, b.dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.Close(ctx)) }()
	client, err := redis.Open(ctx, b.servers.Redis)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	q := redis.NewQueue(client, redis.Options{Prefix: c.Prefix()})
	defer func() { err = errors.Join(err, q.Close()) }()
	o, err := goredis.ParseURL(b.servers.Redis)
	if err != nil {
		return nil, err
	}
	raw := goredis.NewClient(o)
	defer func() { err = errors.Join(err, raw.Close()) }()
	ours := func(ctx context.Context) (float64, error) { return timeQueue(ctx, b, q) }
	value, ref, err := b.medians(ctx, ours, func(ctx context.Context) (float64, error) { return timeCalls(ctx, b, raw, c.Prefix()+"calls:") })
	if err != nil {
		return nil, err
	}
	list, err := timeList(ctx, b, raw, c.Prefix())
	return []figures.Line{figures.AtLeast("queue", "jobs/s", value, ref, 0.5), figures.Plain("queue_list", "jobs/s", list)}, err
}

func timeQueue(ctx context.Context, b *bench, q *redis.Queue) (float64, error) {
	tickets, err := manyTickets(b.scaled(queueJobs))
	if err != nil {
		return 0, err
	}
	start := b.clock.Now()
	for from := 0; from < len(tickets); from += queueBatch {
		if err := q.Enqueue(ctx, tickets[from:min(len(tickets), from+queueBatch)]...); err != nil {
			return 0, err
		}
	}
	err = b.work(ctx, len(tickets), func(ctx context.Context, worker string) error {
		token, err := domain.NewRunID()
		if err != nil {
			return err
		}
		l, err := q.Claim(ctx, worker, token)
		if err != nil {
			return err
		}
		return q.Release(ctx, l, time.Time{})
	})
	return rate(len(tickets), b.elapsed(start)), err
}

func manyTickets(n int) ([]domain.Ticket, error) {
	tickets := make([]domain.Ticket, n)
	for i := range tickets {
		source, err := domain.NewSourceID()
		if err != nil {
			return nil, err
		}
		tickets[i] = domain.Ticket{
			Source: source, Job: domain.NewJobID(source, domain.JobID{}), Provider: "localfs", Owner: domain.OwnerID(fmt.Sprintf("owner-%d", i%100)),
		}
	}
	return tickets, nil
}

// callsOf are how many calls the scripts make for a job, as INFO commandstats
// counts them: with the reads of what waits, the caps, the lanes of the owners
// and the leases.
const (
	callsToEnqueue = 3
	callsToClaim   = 20
	callsToEnd     = 14
)

// timeCalls is the reference: the same number of plain calls, in as many round
// trips, on keys of the same kinds.
func timeCalls(ctx context.Context, b *bench, raw *goredis.Client, prefix string) (float64, error) {
	n := b.scaled(queueJobs)
	tickets, err := manyTickets(n)
	if err != nil {
		return 0, err
	}
	start := b.clock.Now()
	for from := 0; from < n; from += queueBatch {
		_, err := raw.Pipelined(ctx, func(p goredis.Pipeliner) error {
			for _, t := range tickets[from:min(n, from+queueBatch)] {
				calls(ctx, p, callsToEnqueue, prefix, t)
			}
			return nil
		})
		if err != nil {
			return 0, err
		}
	}
	var next atomic.Int64
	err = b.work(ctx, n, func(ctx context.Context, _ string) error {
		t := tickets[next.Add(1)-1]
		for _, many := range []int{callsToClaim, callsToEnd} {
			_, err := raw.Pipelined(ctx, func(p goredis.Pipeliner) error {
				calls(ctx, p, many, prefix, t)
				return nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	return rate(n, b.elapsed(start)), err
}

// calls are many calls about a ticket, of the kinds that the scripts make.
func calls(ctx context.Context, p goredis.Pipeliner, many int, prefix string, t domain.Ticket) {
	source, job := t.Source.String(), t.Job.String()
	kinds := []func(){
		func() { p.HSet(ctx, prefix+"tickets", source, job) },
		func() { p.ZAdd(ctx, prefix+"lane", goredis.Z{Score: 1, Member: source}) },
		func() { p.HExists(ctx, prefix+"tickets", source) },
		func() { p.ZRange(ctx, prefix+"lane", 0, 0) },
		func() { p.HIncrBy(ctx, prefix+"running", string(t.Owner), 1) },
		func() { p.SMembers(ctx, prefix+"providers") },
		func() { p.HDel(ctx, prefix+"tickets", source) },
		func() { p.ZRem(ctx, prefix+"lane", source) },
	}
	for i := range many {
		kinds[i%len(kinds)]()
	}
}

// timeList is the simplest queue that there is.
func timeList(ctx context.Context, b *bench, raw *goredis.Client, prefix string) (float64, error) {
	n := b.scaled(queueJobs)
	tickets, err := manyTickets(n)
	if err != nil {
		return 0, err
	}
	start := b.clock.Now()
	for from := 0; from < n; from += queueBatch {
		_, err := raw.Pipelined(ctx, func(p goredis.Pipeliner) error {
			for _, t := range tickets[from:min(n, from+queueBatch)] {
				p.RPush(ctx, prefix+"waiting", t.Source.String()+" "+t.Job.String()+" "+string(t.Owner))
			}
			return nil
		})
		if err != nil {
			return 0, err
		}
	}
	err = b.work(ctx, n, func(ctx context.Context, worker string) error {
		own := prefix + worker
		got, err := raw.LMove(ctx, prefix+"waiting", own, "LEFT", "RIGHT").Result()
		if err != nil {
			return err
		}
		return raw.LRem(ctx, own, 1, got).Err()
	})
	return rate(n, b.elapsed(start)), err
}

// work lets the workers do n jobs.
func (b *bench) work(ctx context.Context, n int, do func(ctx context.Context, worker string) error) error {
	jobs := make(chan struct{}, n)
	for range n {
		jobs <- struct{}{}
	}
	close(jobs)
	group, ctx := errgroup.WithContext(ctx)
	for i := range queueWorkers {
		group.Go(func() error {
			for range jobs {
				if err := do(ctx, fmt.Sprintf("worker-%d", i)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

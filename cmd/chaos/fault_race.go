package main

import (
	"context"
	"errors"
	"fmt"
	"syscall"

	"github.com/confuse/data-connector/adapters/redis"
	"github.com/confuse/data-connector/cmd/faults"
	"github.com/confuse/data-connector/cmd/figures"
	"github.com/confuse/data-connector/cmd/testbed"
	"github.com/confuse/data-connector/domain"
)

// racers is how many processes want one source.
const racers = 8

// race lets processes claim one source at once. Each has a queue of its own, so
// nothing but the log is between them. All are stopped when they have decided to
// claim, and go on together.
func race(ctx context.Context, c *chaos, name string) (lines []figures.Line, err error) {
	s, err := c.newScene(ctx, c.servers, min(c.files, 3000))
	if err != nil {
		return nil, err
	}
	s.blind = true // the claims are counted
	defer func() { err = errors.Join(err, s.close(ctx)) }()
	front, err := s.serve(ctx, "", noSyncer)
	if err != nil {
		return nil, err
	}
	if err := s.connect(ctx, front); err != nil {
		return nil, err
	}
	all, err := s.racers(ctx)
	if err != nil {
		return nil, err
	}
	for _, p := range all {
		p.Signal(syscall.SIGCONT)
	}
	if err := front.Wait(ctx, s.job); err != nil {
		return nil, err
	}
	j, err := s.judge(ctx)
	return append([]figures.Line{
		figures.Exactly(name+"_claims", "claims", float64(j.claims), racers),
		figures.Exactly(name+"_completed", "runs", float64(j.complete), 1),
		figures.Exactly(name+"_ignored", "events", float64(j.ignored), 0),
	}, j.lines(name)...), err
}

// racers are processes that are stopped just before their claims.
func (s *scene) racers(ctx context.Context) (all []*testbed.Process, err error) {
	for i := range racers {
		prefix := fmt.Sprint(s.corner.Prefix(), i, ":")
		p, err := s.add(testbed.Launch(ctx, s.command(string(faults.BeforeClaim)+"@1=stop", []string{"serve", "--roles", "syncer"},
			fmt.Sprint("WORKER_NAME=racer-", i), "REDIS_PREFIX="+prefix)))
		if err != nil {
			return nil, err
		}
		if err := s.ticket(ctx, prefix); err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	for _, p := range all {
		if err := p.Served(ctx); err != nil {
			return nil, err
		}
		if err := s.until(ctx, "a racer at its claim", func() (bool, error) { return stopped(p.PID()) }); err != nil {
			return nil, fmt.Errorf("%w:\n%s", err, p.Said())
		}
	}
	return all, nil
}

// ticket puts the job into the queue with that prefix.
func (s *scene) ticket(ctx context.Context, prefix string) error {
	source, err := domain.ParseSourceID(s.source)
	if err != nil {
		return err
	}
	job, err := domain.ParseJobID(s.job.ID)
	if err != nil {
		return err
	}
	client, err := redis.Open(ctx, s.corner.Redis)
	if err != nil {
		return err
	}
	q := redis.NewQueue(client, redis.Options{Prefix: prefix})
	err = q.Enqueue(ctx, domain.Ticket{Source: source, Job: job, Provider: "localfs", Owner: "local"})
	return errors.Join(err, q.Close(), client.Close())
}

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/confuse/data-connector/adapters/kafka"
	"github.com/confuse/data-connector/cmd/faults"
	"github.com/confuse/data-connector/cmd/figures"
	"github.com/confuse/data-connector/cmd/testbed"
)

// twoProjectors folds one log in two processes at once that know nothing of each
// other: each takes all partitions. It goes on until both have written a batch.
func twoProjectors(ctx context.Context, c *chaos, name string) (lines []figures.Line, err error) {
	s, err := c.newScene(ctx, c.servers, min(c.files, 3000))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close(ctx)) }()
	tell := string(faults.InProjector) + "@1=tell"
	one, err := s.serve(ctx, tell, allRoles, "WORKER_NAME=one")
	if err != nil {
		return nil, err
	}
	two, err := s.serve(ctx, tell, "projector", "WORKER_NAME=two", "KAFKA_GROUP_ID="+s.corner.Name+"-other")
	if err != nil {
		return nil, err
	}
	if err := s.connect(ctx, one); err != nil {
		return nil, err
	}
	if err := s.finish(ctx, one); err != nil {
		return nil, err
	}
	if err := s.both(ctx, one, two); err != nil {
		return nil, err
	}
	j, err := s.judge(ctx)
	if err != nil {
		return nil, err
	}
	behind, err := s.behind(ctx)
	return append([]figures.Line{figures.Exactly(name+"_behind", "events", float64(behind), 0)}, j.lines(name)...), err
}

// restTime is for the projector that was fenced: it comes back after a while, and
// would find the next batch taken again if there was always one.
const restTime = time.Second

// both syncs until each process has had a batch.
func (s *scene) both(ctx context.Context, front, other *testbed.Process) error {
	folds := func(p *testbed.Process) bool { return slices.Contains(p.Notes(), string(faults.InProjector)) }
	const most = 100
	for range most {
		if folds(front) && folds(other) {
			return nil
		}
		select {
		case <-s.clock.After(restTime):
		case <-ctx.Done():
			return ctx.Err()
		}
		again, err := front.Sync(ctx, s.source)
		if err == nil {
			err = front.Wait(ctx, again)
		}
		if err != nil {
			return err
		}
	}
	return fmt.Errorf("one projector has had all batches of %d syncs", most)
}

// behind counts the events that are on the log and not below a checkpoint, and those
// below a checkpoint that are not on the log.
func (s *scene) behind(ctx context.Context) (n int64, err error) {
	_, options, err := s.at()
	if err != nil {
		return 0, err
	}
	log, err := kafka.NewLog(options)
	if err != nil {
		return 0, err
	}
	defer log.Close()
	err = s.query(ctx, func(db *pgx.Conn) error {
		for partition := range int32(partitions) {
			end, err := log.End(ctx, partition)
			if err != nil {
				return err
			}
			var position int64
			if err := db.QueryRow(ctx, `SELECT coalesce(max(position), 0) FROM read.checkpoints WHERE topic = $1 AND partition = $2`,
				options.Layout.Events(), partition).Scan(&position); err != nil {
				return err
			}
			n += max(end-position, position-end)
		}
		return nil
	})
	return n, err
}

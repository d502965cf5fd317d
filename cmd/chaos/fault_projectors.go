package main

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/confuse/data-connector/adapters/kafka"
	"github.com/confuse/data-connector/cmd/faults"
	"github.com/confuse/data-connector/cmd/figures"
	"github.com/confuse/data-connector/cmd/testbed"
)

// frozenTime is how long PostgreSQL lets a transaction be idle, here: that of a
// frozen projector holds the lock of a checkpoint.
const frozenTime = time.Second

// twoProjectors folds one log in two processes that know nothing of each other: each
// takes all partitions. The first one is frozen inside a transaction and the second
// one comes to the end of the sync; then the second one is frozen and the first one,
// which has lost its place, folds; then both fold.
func twoProjectors(ctx context.Context, c *chaos, name string) (lines []figures.Line, err error) {
	s, err := c.newScene(ctx, c.servers, min(c.files, 3000))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close(ctx)) }()
	front, err := s.serve(ctx, "", noProjector)
	if err != nil {
		return nil, err
	}
	one, err := s.projector(ctx, "one", fmt.Sprintf("%s@3=stop", faults.InProjector))
	if err != nil {
		return nil, err
	}
	if err := s.connect(ctx, front); err != nil {
		return nil, err
	}
	if err := s.until(ctx, "a projector that is frozen", func() (bool, error) { return stopped(one.PID()) }); err != nil {
		return nil, fmt.Errorf("%w:\n%s", err, one.Said())
	}
	two, err := s.projector(ctx, "two", "")
	if err != nil {
		return nil, err
	}
	if err := s.takeTurns(ctx, front, one, two); err != nil {
		return nil, err
	}
	j, err := s.judge(ctx)
	if err != nil {
		return nil, err
	}
	behind, err := s.behind(ctx)
	return append([]figures.Line{figures.Exactly(name+"_behind", "events", float64(behind), 0)}, j.lines(name)...), err
}

// projector starts a process that folds, in a consumer group of its own.
func (s *scene) projector(ctx context.Context, worker, plan string) (*testbed.Process, error) {
	database := fmt.Sprintf("%s&idle_in_transaction_session_timeout=%d", s.corner.Database, frozenTime.Milliseconds())
	return s.serve(ctx, plan, "projector", "WORKER_NAME="+worker, "KAFKA_GROUP_ID="+s.corner.Name+"-"+worker, "DATABASE_URL="+database)
}

// takeTurns syncs with one frozen, which it is, with two frozen, and with none.
func (s *scene) takeTurns(ctx context.Context, front, one, two *testbed.Process) error {
	err := front.Wait(ctx, s.job)
	one.Signal(syscall.SIGCONT)
	if err != nil {
		return fmt.Errorf("the first projector is frozen: %w", err)
	}
	two.Signal(syscall.SIGSTOP)
	err = s.finish(ctx, front)
	two.Signal(syscall.SIGCONT)
	if err != nil {
		return fmt.Errorf("the second projector is frozen: %w", err)
	}
	return s.finish(ctx, front)
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

package main

import (
	"context"
	"errors"
	"time"

	"github.com/confuse/data-connector/adapters/kafka"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/projections"
)

const (
	// lookAgain is how often a process whose tables are not its own looks whether
	// they are now.
	lookAgain = 5 * time.Second
	// keepRetired is how long the tables that were exchanged are kept.
	keepRetired = time.Hour
	// tidyEvery is how often a projector looks for retired tables.
	tidyEvery = 10 * time.Minute
)

// project folds the log into the tables until it is lost or ctx ends. Tables of
// an older program it rebuilds first, while they serve. From those of a newer one
// it keeps its hands, and leaves the partitions to newer processes: while
// processes are replaced one after the other, the tables are exchanged once.
func (s *service) project(ctx context.Context) error {
	for {
		err := s.projectOnce(ctx)
		if ctx.Err() != nil || errors.Is(err, domain.ErrLogLost) {
			return err
		}
		if errors.Is(err, projections.ErrRebuildCancelled) {
			s.log.WarnContext(ctx, "rebuild was cancelled: nothing is folded until the next start")
			<-ctx.Done()
			return ctx.Err()
		}
		s.log.WarnContext(ctx, "nothing is folded here for now", "wait", lookAgain, "err", err)
		select {
		case <-s.clock.After(lookAgain):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// projectOnce looks at the tables and does what they need. It returns with an
// error, or nil when they may be other ones now.
func (s *service) projectOnce(ctx context.Context) error {
	fit, err := projections.Ensure(ctx, s.db)
	switch {
	case err != nil:
		return err
	case fit == projections.Newer:
		return projections.ErrOtherTables
	case fit == projections.Older:
		s.log.InfoContext(ctx, "the read tables are an older program's: they serve while they are rebuilt")
		if err := s.rebuild().Run(ctx); err != nil {
			return err
		}
		s.log.InfoContext(ctx, "the read tables are exchanged")
	}
	return s.fold(ctx)
}

// fold folds the log for as long as the tables are this program's.
func (s *service) fold(ctx context.Context) error {
	ctx, leave := context.WithCancelCause(ctx)
	defer leave(nil)
	feed := kafka.NewFeed(s.kafka, kafka.FeedOptions{Group: s.KafkaGroup, Instance: s.WorkerName, Workers: s.ProjectorWorkers})
	return feed.Feed(ctx, leavingReader{s.runner, leave})
}

// A leavingReader leaves the group once the tables are another program's: its
// partitions are for others, who can fold them.
type leavingReader struct {
	*projections.Runner
	leave context.CancelCauseFunc
}

// Assigned implements domain.FeedReader.
func (r leavingReader) Assigned(ctx context.Context, p domain.FeedPartition) (int64, error) {
	start, err := r.Runner.Assigned(ctx, p)
	if errors.Is(err, projections.ErrOtherTables) {
		r.leave(err)
	}
	return start, err
}

func (s *service) rebuild() *projections.Rebuild {
	return &projections.Rebuild{DB: s.db, Log: kafka.NewReader(s.kafka), Clock: s.clock, Logger: s.log, Point: s.hooks.point, Program: programID()}
}

// tidy drops tables that were retired a while ago.
func (s *service) tidy(ctx context.Context) error {
	for {
		if err := projections.DropRetired(ctx, s.db, keepRetired, s.clock); err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "retired tables are still there", "err", err)
		}
		select {
		case <-s.clock.After(tidyEvery):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

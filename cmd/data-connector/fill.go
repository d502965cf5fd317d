package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/projections"
)

// errFilling is why a process takes no requests yet.
var errFilling = errors.New("the tables are not known to hold what is on the log")

// fillPause is the time between two looks at tables that cannot be read.
const fillPause = time.Second

// whole tells whether the tables hold all connected sources as far as they can tell
// without the log. Tables from which nothing was ever read cannot.
func (s *service) whole(ctx context.Context) (bool, error) {
	checkpoints, err := s.reader.Checkpoints(ctx)
	if err != nil {
		return false, fmt.Errorf("look at the tables: %w", err)
	}
	unknown, err := s.reader.UnknownSources(ctx)
	if err != nil {
		return false, fmt.Errorf("look at the tables: %w", err)
	}
	return len(unknown) == 0 && slices.ContainsFunc(checkpoints, func(c projections.Checkpoint) bool {
		return c.Topic == s.kafka.Layout.Events() && c.Position > 0
	}), nil
}

// missing is what the tables lack of a log that is older than they are. Until that
// is there a source that is on the log looks like one that never was.
func (s *service) missing(ctx context.Context) ([]domain.Position, error) {
	lags, err := measureLag(ctx, s.commands.Log, s.reader, s.kafka.Layout.Events())
	if err != nil {
		return nil, fmt.Errorf("compare the tables with the log: %w", err)
	}
	unknown, err := s.reader.UnknownSources(ctx)
	if err != nil {
		return nil, fmt.Errorf("compare the tables with the log: %w", err)
	}
	return lacking(lags, unknown), nil
}

// lacking are the ends to wait for: of all partitions that are behind if one of
// them was never folded; else, as when a process died while the tables were filled,
// of those that are behind and whose connected sources are not all in the tables.
func lacking(lags []partitionLag, unknown []int32) (ends []domain.Position) {
	fresh := slices.ContainsFunc(lags, func(l partitionLag) bool { return l.Position == 0 && l.End > 0 })
	for _, l := range lags {
		if l.Behind > 0 && (fresh || slices.Contains(unknown, l.Partition)) {
			ends = append(ends, domain.Position{Partition: l.Partition, Offset: l.End - 1})
		}
	}
	return ends
}

// fill waits until the tables hold what was missing, then lets requests in.
func (s *service) fill(ctx context.Context, missing []domain.Position) error {
	if len(missing) > 0 {
		s.log.InfoContext(ctx, "tables are filled from the log before requests are taken", "partitions", len(missing))
	}
	for len(missing) > 0 {
		err := s.waiters.Wait(ctx, missing[0])
		if err == nil {
			missing = missing[1:]
			continue
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.clock.After(fillPause):
			s.log.WarnContext(ctx, "tables cannot be read", "err", err)
		}
	}
	s.filling.Store(false)
	return nil
}

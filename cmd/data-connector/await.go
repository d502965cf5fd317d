package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/confuse/data-connector/adapters/kafka"
)

const (
	// attemptTime is what one attempt to reach a server may take.
	attemptTime = 20 * time.Second
	// firstPause doubles after each attempt, up to lastPause.
	firstPause = 200 * time.Millisecond
	lastPause  = 5 * time.Second
	// endless is a patience that does not end.
	endless = time.Duration(math.MaxInt64)
)

// await calls open until it succeeds, fails for good or the patience is at its end,
// which is STARTUP_TIMEOUT or endless: servers that are started together with this
// process come up in any order.
func (s *service) await(ctx context.Context, server string, patience time.Duration, open func(context.Context) error) error {
	limit, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		err := attempt(limit, open)
		if err == nil || hopeless(err) {
			return err
		}
		if ctx.Err() == nil {
			s.log.WarnContext(ctx, "server does not answer yet", "server", server, "err", err)
		}
		select {
		case <-s.clock.After(pause):
		case <-limit.Done():
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return fmt.Errorf("%s did not answer within STARTUP_TIMEOUT=%s: %w", server, patience, err)
		}
	}
}

func attempt(ctx context.Context, open func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, attemptTime)
	defer cancel()
	return open(ctx)
}

// hopeless tells whether trying again changes nothing: somebody has to change a
// setting first.
func hopeless(err error) bool {
	var setting *kafka.SettingError
	var config *pgconn.ParseConfigError
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		const wrongUser, noDatabase = "28", "3D" // classes of PostgreSQL's error codes
		return strings.HasPrefix(refused.Code, wrongUser) || strings.HasPrefix(refused.Code, noDatabase)
	}
	return errors.As(err, &setting) || errors.As(err, &config)
}

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/confuse/data-connector/cmd/faults"
	"github.com/confuse/data-connector/cmd/figures"
)

// steps turns the clock of the service by an hour, forth and back, in the middle
// of a sync, and lets it fail in between.
func steps(ctx context.Context, c *chaos, name string) ([]figures.Line, error) {
	return c.through(ctx, name, trouble{servers: c.servers, plan: strings.Join([]string{
		string(faults.AfterPack) + "@1=clock+1h", string(faults.BeforePack) + "@2=full", string(faults.AfterPack) + "@2=clock-1h",
	}, ",")})
}

// The clocks of a service, right and wrong from its start.
const (
	rightClock = string(faults.Start) + "@1=clock+0h"
	clockAhead = string(faults.Start) + "@1=clock+1h"
	clockBack  = string(faults.Start) + "@1=clock-1h"
)

// ahead lets a job fail by a clock that is an hour ahead, and go on by one that is
// right.
func ahead(ctx context.Context, c *chaos, name string) ([]figures.Line, error) {
	return c.clocks(ctx, name, clockAhead, rightClock)
}

// back lets a job fail by a clock that is right, and go on by one that is an hour
// behind.
func back(ctx context.Context, c *chaos, name string) ([]figures.Line, error) {
	return c.clocks(ctx, name, rightClock, clockBack)
}

// hourless bounds what a first attempt and a sync of few files may take when nobody
// waits for an hour.
const hourless = 60

// clocks lets the job fail in a service with one clock, and another service with
// another one take it from there.
func (c *chaos) clocks(ctx context.Context, name, first, then string) (lines []figures.Line, err error) {
	s, err := c.newScene(ctx, c.servers, min(c.files, 2000))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close(ctx)) }()
	p, err := s.start(ctx, first+","+string(faults.BeforePack)+"@0=full")
	if err == nil {
		err = s.connect(ctx, p)
	}
	if err == nil {
		err = s.until(ctx, "a failed attempt", func() (bool, error) { return s.waits(ctx) })
	}
	if err != nil {
		return nil, err
	}
	p.Kill()
	begin := c.clock.Now()
	if p, err = s.start(ctx, then); err != nil {
		return nil, err
	}
	if err := p.Wait(ctx, s.job); err != nil {
		return nil, fmt.Errorf("%w:\n%s", err, p.Said())
	}
	took := c.clock.Now().Sub(begin)
	j, err := s.judge(ctx)
	return append([]figures.Line{figures.Below(name+"_level", "s", took.Round(time.Millisecond).Seconds(), hourless)}, j.lines(name)...), err
}

// waits tells whether the job waits for its next attempt.
func (s *scene) waits(ctx context.Context) (yes bool, err error) {
	err = s.query(ctx, func(db *pgx.Conn) error {
		return db.QueryRow(ctx, `SELECT count(*) = 1 FROM read.sync_jobs WHERE source_id = $1 AND status = 'queued' AND retry_at IS NOT NULL`, s.source).Scan(&yes)
	})
	return yes, err
}

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"

	"github.com/confuse/data-connector/cmd/faults"
	"github.com/confuse/data-connector/cmd/figures"
	"github.com/confuse/data-connector/cmd/testbed"
)

// stopped tells whether a process is stopped by a signal.
func stopped(pid int) (bool, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false, err
	}
	_, rest, _ := strings.Cut(string(stat), ") ") // behind the name
	return strings.HasPrefix(rest, "T"), nil
}

// zombieAtClaim stops a worker when its claim is on the log.
func zombieAtClaim(ctx context.Context, c *chaos, name string) ([]figures.Line, error) {
	return c.zombie(ctx, name, faults.AfterClaim, 1, 0)
}

// zombieMidPage stops a worker in the middle of its second page: the other half
// comes when another one has the source.
func zombieMidPage(ctx context.Context, c *chaos, name string) ([]figures.Line, error) {
	return c.zombie(ctx, name, faults.MidPage, 2, 1)
}

// zombieAtPage stops a worker between its first page and the sync_progressed.
func zombieAtPage(ctx context.Context, c *chaos, name string) ([]figures.Line, error) {
	return c.zombie(ctx, name, faults.BeforeProgress, 1, 0)
}

// zombie stops a worker at a point. Another one of the same name takes over and
// comes to the end; the first one then goes on where it was, and what it still
// appends means nothing: at least late FileChanged, in case it has any.
func (c *chaos) zombie(ctx context.Context, name string, at faults.Point, times, late int) (lines []figures.Line, err error) {
	s, err := c.newScene(ctx, c.servers, min(c.files, 3000))
	if err != nil {
		return nil, err
	}
	s.blind = true // the claims are counted
	defer func() { err = errors.Join(err, s.close(ctx)) }()
	front, err := s.serve(ctx, "", noSyncer, "WORKER_NAME=front")
	if err != nil {
		return nil, err
	}
	dead, err := s.serve(ctx, fmt.Sprintf("%s@%d=stop", at, times), "syncer", "WORKER_NAME=worker")
	if err != nil {
		return nil, err
	}
	if err := s.connect(ctx, front); err != nil {
		return nil, err
	}
	if err := s.until(ctx, "a worker that is stopped", func() (bool, error) { return stopped(dead.PID()) }); err != nil {
		return nil, fmt.Errorf("%w:\n%s", err, dead.Said())
	}
	if _, err := s.serve(ctx, "", "syncer", "WORKER_NAME=worker"); err != nil {
		return nil, err
	}
	if err := front.Wait(ctx, s.job); err != nil {
		return nil, err
	}
	before, err := s.judge(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.wake(ctx, dead); err != nil {
		return nil, err
	}
	if err := s.finish(ctx, front); err != nil {
		return nil, err
	}
	j, err := s.judge(ctx)
	return append([]figures.Line{
		figures.Exactly(name+"_claims", "claims", float64(j.claims), float64(before.claims+1)), // of the sync at the end
		figures.Exactly(name+"_completed", "runs", float64(j.complete), 2),
		figures.Reaching(name+"_ignored", "events", float64(j.ignored), float64(late)),
	}, j.lines(name)...), err
}

// wake lets a stopped process go on and waits until its run has seen that it lost.
func (s *scene) wake(ctx context.Context, p *testbed.Process) error {
	p.Signal(syscall.SIGCONT)
	return s.until(ctx, "the end of the run that was stopped", func() (bool, error) {
		return strings.Contains(p.Said(), `"msg":"run stopped"`), nil
	})
}

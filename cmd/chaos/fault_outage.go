package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/confuse/data-connector/cmd/figures"
	"github.com/confuse/data-connector/cmd/testbed"
)

const (
	outageFiles   = 2000            // of the tree
	changedAtOnce = 200             // files that change between two syncs
	changedEvery  = 2 * time.Second // so much goes on, the neighbour is away or not
	sampledEvery  = time.Second     // memory and lag
)

// neighbourOutage takes the receiver of a stage away while files go on changing, and
// looks what became of each change once it is back.
func neighbourOutage(ctx context.Context, c *chaos, name string) (lines []figures.Line, err error) {
	s, err := c.newScene(ctx, c.servers, outageFiles)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close(ctx)) }()
	taker, err := newTaker(ctx)
	if err != nil {
		return nil, err
	}
	defer taker.down()
	more := []string{"WEBHOOK_STAGE_URL=" + taker.url(), "WEBHOOK_STAGE_SECRET=" + takerSecret}
	if c.short {
		more = append(more, "DISPATCH_BREAKER_OPEN=500ms", "DISPATCH_WINDOW=400")
	}
	o := &outageOf{scene: s, taker: taker}
	if o.process, err = s.start(ctx, "", more...); err != nil {
		return nil, err
	}
	if err := s.connect(ctx, o.process); err != nil {
		return nil, err
	}
	if err := o.process.Wait(ctx, s.job); err != nil {
		return nil, err
	}
	if err := o.arrived(ctx); err != nil {
		return nil, err
	}
	return o.lines(ctx, name)
}

// An outageOf is one neighbour that is away for a while.
type outageOf struct {
	*scene
	taker   *taker
	process *testbed.Process
	samples []sample
}

// A sample is how a service does.
type sample struct{ memory, lag float64 } // MiB resident; records that the stage has not done with

// lines is the outage itself.
func (o *outageOf) lines(ctx context.Context, name string) ([]figures.Line, error) {
	before, err := o.sample(ctx)
	if err != nil {
		return nil, err
	}
	o.taker.down()
	if err := o.under(ctx); err != nil {
		return nil, err
	}
	if err := o.taker.up(ctx); err != nil {
		return nil, err
	}
	start := o.clock.Now()
	if err := o.arrived(ctx); err != nil {
		return nil, err
	}
	took := time.Since(start)
	after, err := o.sample(ctx)
	if err != nil {
		return nil, err
	}
	rows, letters, err := o.outcomes(ctx)
	if err != nil {
		return nil, err
	}
	wrong := o.taker.judge(rows)
	n := len(o.samples)
	early, late, lag := most(o.samples[n/4:n/2]), most(o.samples[3*n/4:]), most(o.samples).lag
	return []figures.Line{
		figures.Plain(name+"_time", "s", o.outage.Seconds()),
		figures.Plain(name+"_changes", "files", float64(len(rows))),
		figures.Exactly(name+"_missing_or_out_of_order", "changes", float64(wrong), 0),
		figures.Exactly(name+"_dead_letters", "letters", float64(letters), 0),
		figures.Reaching(name+"_lag_seen", "records", lag, changedAtOnce),
		figures.Exactly(name+"_lag_left", "records", after.lag, 0),
		figures.Plain(name+"_repeats", "requests", float64(o.taker.repeats)),
		figures.Plain(name+"_memory_before", "MiB", before.memory),
		figures.AtMost(name+"_memory_late", "MiB", late.memory, early.memory, 1.2, 16),
		figures.Plain(name+"_memory_after", "MiB", after.memory),
		figures.Plain(name+"_caught_up", "s", took.Seconds()),
	}, nil
}

// under lets files change for the time of the outage.
func (o *outageOf) under(ctx context.Context) error {
	work, end := context.WithTimeout(ctx, o.outage)
	defer end()
	group, work := errgroup.WithContext(work)
	group.Go(func() error {
		for ; work.Err() == nil; o.pause(work, sampledEvery) {
			s, err := o.sample(ctx)
			if err != nil {
				return err
			}
			o.samples = append(o.samples, s)
		}
		return nil
	})
	group.Go(func() error {
		for round := 0; work.Err() == nil; round++ {
			if err := o.change(ctx, round); err != nil {
				return err
			}
			o.pause(work, changedEvery)
		}
		return nil
	})
	return group.Wait()
}

func (o *outageOf) pause(ctx context.Context, d time.Duration) {
	select {
	case <-o.clock.After(d):
	case <-ctx.Done():
	}
}

// change changes some files and syncs.
func (o *outageOf) change(ctx context.Context, round int) error {
	for i := range changedAtOnce {
		path := filepath.Join(o.tree, testbed.TreePath((round*changedAtOnce+i)%outageFiles))
		if err := os.WriteFile(path, fmt.Appendf(nil, "round %d of %d\n", round, i), 0o600); err != nil {
			return err
		}
	}
	job, err := o.process.Sync(ctx, o.source)
	if err != nil {
		return err
	}
	return o.process.Wait(ctx, job)
}

// arrived waits until the stage has done with all that is on the log.
func (o *outageOf) arrived(ctx context.Context) error {
	for {
		s, err := o.sample(ctx)
		if err == nil && s.lag == 0 && o.reported(ctx) {
			return nil
		}
		select {
		case <-o.clock.After(200 * time.Millisecond):
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		case <-o.process.Ended:
			return fmt.Errorf("the service has ended:\n%s", o.process.Said())
		}
	}
}

// sample looks at the process and at its metrics.
func (o *outageOf) sample(ctx context.Context) (sample, error) {
	memory, err := o.process.Resident()
	if err != nil {
		return sample{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, o.process.URL+"/metrics", nil)
	if err != nil {
		return sample{}, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return sample{}, err
	}
	defer func() { _ = resp.Body.Close() }() // what was read counts
	s := sample{memory: memory, lag: -1}
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		line := lines.Text()
		if strings.HasPrefix(line, "dataconnector_stage_lag{") && strings.Contains(line, `stage="webhook"`) && strings.Contains(line, `events.v1"`) {
			if s.lag, err = strconv.ParseFloat(line[strings.LastIndexByte(line, ' ')+1:], 64); err != nil {
				return s, err
			}
		}
	}
	return s, nil
}

// most is the most of each.
func most(all []sample) (m sample) {
	for _, s := range all {
		m.memory, m.lag = max(m.memory, s.memory), max(m.lag, s.lag)
	}
	return m
}

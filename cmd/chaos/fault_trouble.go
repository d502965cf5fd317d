package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/confuse/data-connector/cmd/faults"
	"github.com/confuse/data-connector/cmd/figures"
	"github.com/confuse/data-connector/cmd/testbed"
)

// A trouble is what happens to the service of a scene in the middle of a sync.
type trouble struct {
	servers testbed.Servers
	plan    string
	at      faults.Point // the service has come to it once when it happens; empty: at once
	more    []string     // variables of the service
	during  func(ctx context.Context, s *scene, p *testbed.Process) error
}

// through lets a service sync through trouble and judges what came of it.
func (c *chaos) through(ctx context.Context, name string, t trouble) (lines []figures.Line, err error) {
	s, err := c.newScene(ctx, t.servers, min(c.files, 3000))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close(ctx)) }()
	if t.at != "" {
		t.plan = string(t.at) + "@1=tell"
	}
	p, err := s.start(ctx, t.plan, t.more...)
	if err != nil {
		return nil, err
	}
	if err := s.connect(ctx, p); err != nil {
		return nil, err
	}
	if t.at != "" {
		err := s.until(ctx, "the point "+string(t.at), func() (bool, error) { return slices.Contains(p.Notes(), string(t.at)), nil })
		if err != nil {
			return nil, err
		}
	}
	if t.during != nil {
		if err := t.during(ctx, s, p); err != nil {
			return nil, err
		}
	}
	begin := c.clock.Now()
	if err := s.finish(ctx, p); err != nil {
		return nil, fmt.Errorf("%w:\n%s", err, p.Said())
	}
	level := c.clock.Now().Sub(begin).Round(time.Millisecond)
	j, err := s.judge(ctx)
	return append([]figures.Line{
		figures.Plain(name+"_level", "s", level.Seconds()), // after the trouble, with one more sync
		figures.Exactly(name+"_completed", "runs", float64(j.complete), 2),
	}, j.lines(name)...), err
}

// fullDisk lets two pages fail as on a full disk, before and behind the fsync.
func fullDisk(ctx context.Context, c *chaos, name string) ([]figures.Line, error) {
	return c.through(ctx, name, trouble{servers: c.servers, plan: strings.Join([]string{
		string(faults.BeforePack) + "@2=full", string(faults.AfterPack) + "@2=full",
	}, ",")})
}

// refused lets a content store that takes nothing outlast all attempts that a job
// has otherwise; the short form is content with fewer.
func refused(ctx context.Context, c *chaos, name string) ([]figures.Line, error) {
	times := 6
	if c.short {
		times = 2
	}
	var plan []string
	for n := range times {
		plan = append(plan, fmt.Sprintf("%s@%d=refuse", faults.BeforePack, n+1))
	}
	return c.through(ctx, name, trouble{servers: c.servers, plan: strings.Join(plan, ",")})
}

// flushed takes the queue away and ends all connections to the database in the
// middle of a sync.
func flushed(ctx context.Context, c *chaos, name string) ([]figures.Line, error) {
	return c.through(ctx, name, trouble{servers: c.servers, during: func(ctx context.Context, s *scene, p *testbed.Process) error {
		for range 3 {
			if err := s.corner.DeleteKeys(ctx); err != nil {
				return err
			}
			err := s.query(ctx, func(db *pgx.Conn) error {
				_, err := db.Exec(ctx, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`)
				return err
			})
			if err != nil {
				return err
			}
		}
		return nil
	}})
}

// applied lets a broker write and say that it failed. It is one in this process:
// a real one does not do so on demand.
func applied(ctx context.Context, c *chaos, name string) ([]figures.Line, error) {
	broker, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		return nil, err
	}
	defer broker.Close()
	servers := c.servers
	servers.Brokers = broker.ListenAddrs()
	const each = 2
	var faults []kfake.Fault
	for _, answer := range []*kerr.Error{kerr.NotEnoughReplicasAfterAppend, kerr.RequestTimedOut, kerr.NotLeaderForPartition} {
		faults = append(faults, kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: answer, Count: each})
	}
	var answered *kfake.FaultHandle
	lines, err := c.through(ctx, name, trouble{servers: servers, during: func(context.Context, *scene, *testbed.Process) error {
		answered = broker.Fault(faults...)
		return nil
	}})
	if err != nil {
		return lines, err
	}
	return append(lines, figures.Exactly(name+"_answers", "false answers", float64(answered.Hits()), float64(each*len(faults)))), nil
}

// cutWires cuts all connections to the brokers three times, and makes them slow in
// between.
func cutWires(ctx context.Context, c *chaos, name string) ([]figures.Line, error) {
	w, err := newWire(ctx, c.servers.Brokers[0], c.clock)
	if err != nil {
		return nil, err
	}
	defer w.close()
	return c.through(ctx, name, trouble{servers: c.servers, more: []string{faults.Via + "=" + w.address()}, during: func(ctx context.Context, s *scene, p *testbed.Process) error {
		for i := range 3 {
			w.slow(i%2 == 0)
			select {
			case <-c.clock.After(wireTime):
			case <-ctx.Done():
				return ctx.Err()
			}
			w.cut()
		}
		w.slow(false)
		return nil
	}})
}

// fullTmpfs puts the content into a file system that is too small, until it is
// made larger. It needs root.
func fullTmpfs(ctx context.Context, c *chaos, name string) (lines []figures.Line, err error) {
	if syscall.Geteuid() != 0 {
		c.log.WarnContext(ctx, "not root: no file system is mounted; full_disk shows the same with errors of a driver", "fault", name)
		return []figures.Line{figures.Plain(name+"_mounted", "mounts", 0)}, nil
	}
	dir := filepath.Join(c.dir, "chaos-full-"+fmt.Sprint(c.seed))
	if err := mount(dir, "2m"); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, unmount(dir)) }()
	return c.through(ctx, name, trouble{servers: c.servers, more: []string{"CONTENT_STORE_URL=file://" + filepath.Join(dir, "content")},
		during: func(ctx context.Context, s *scene, p *testbed.Process) error {
			err := c.until(ctx, "a page that does not fit", func() (bool, error) {
				return strings.Contains(p.Said(), syscall.ENOSPC.Error()), nil
			})
			return errors.Join(err, syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, "size=1g"))
		}})
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/confuse/data-connector/adapters/embedded"
	"github.com/confuse/data-connector/adapters/kafka"
	"github.com/confuse/data-connector/cmd/faults"
	"github.com/confuse/data-connector/cmd/testbed"
)

// A scene is a service with one source: a folder of its own. It works on a corner
// of the servers, or on servers of its own (standalone).
type scene struct {
	*chaos
	corner *testbed.Corner // nil: standalone
	dir    string
	tree   string
	source string
	job    testbed.Job
	all    []*testbed.Process // that were started
	blind  bool               // nobody watches the tree: its syncs are those that are ordered
}

// newScene makes a scene with a tree of n files.
func (c *chaos) newScene(ctx context.Context, servers testbed.Servers, n int) (*scene, error) {
	corner, err := servers.NewCorner(ctx, c.dir)
	if err != nil {
		return nil, err
	}
	s := &scene{chaos: c, corner: corner, dir: corner.Dir, tree: filepath.Join(corner.Dir, "tree")}
	if err := testbed.MakeTree(s.tree, n); err != nil {
		return nil, errors.Join(err, s.close(ctx))
	}
	return s, nil
}

// newStandalone is newScene on servers of its own.
func (c *chaos) newStandalone(n int) (*scene, error) {
	dir, err := os.MkdirTemp(c.dir, "chaos-")
	if err != nil {
		return nil, err
	}
	s := &scene{chaos: c, dir: dir, tree: filepath.Join(dir, "tree")}
	return s, testbed.MakeTree(s.tree, n)
}

// close ends what still runs and deletes the scene.
func (s *scene) close(ctx context.Context) error {
	for _, p := range s.all {
		p.Signal(syscall.SIGCONT) // a process that is stopped does not hear
		p.Stop()
	}
	if s.corner != nil {
		return s.corner.Close(ctx)
	}
	return os.RemoveAll(s.dir)
}

// partitions is how many those scenes have that work on a corner.
const partitions = 2

func (s *scene) data() string { return filepath.Join(s.dir, "data") }

func (s *scene) content() string {
	if s.corner == nil {
		return filepath.Join(s.data(), "content")
	}
	return filepath.Join(s.dir, "content")
}

// environment is that of every process of s.
func (s *scene) environment(more ...string) []string {
	env := append(testbed.Shell(), "FS_ALLOWED_PATHS="+s.dir, "WORKER_NAME=chaos", "LOG_FORMAT=json", "TMPDIR="+s.dir,
		"CONNECT_RATE_LIMIT=0", "SYNC_RATE_LIMIT=0", "API_RATE_LIMIT=0")
	if s.corner != nil {
		env = append(s.corner.Environment(s.dir), fmt.Sprint("KAFKA_PARTITIONS=", partitions))
	}
	return append(append(env, faults.Child+"=1"), more...)
}

func (s *scene) command(plan string, args []string, more ...string) testbed.Command {
	if plan != "" {
		more = append(more, faults.Planned+"="+plan)
	}
	return testbed.Command{Binary: s.binary, Args: args, Env: s.environment(more...), Log: filepath.Join(s.dir, fmt.Sprintf("service-%03d.log", len(s.all))), Note: noted}
}

// noted picks the points that a process tells of.
func noted(line []byte) (string, bool) {
	var told struct{ Fault string }
	return told.Fault, json.Unmarshal(line, &told) == nil && told.Fault != ""
}

// launch starts the service with a plan, and does not wait.
func (s *scene) launch(ctx context.Context, plan string, more ...string) (*testbed.Process, error) {
	args := []string{"serve"}
	if s.corner == nil {
		args = []string{"standalone", "--data", s.data(), "--port", "0"}
	}
	return s.add(testbed.Launch(ctx, s.command(plan, args, more...)))
}

// serve starts some roles of the service with a plan and waits until it serves.
func (s *scene) serve(ctx context.Context, plan, roles string, more ...string) (*testbed.Process, error) {
	p, err := s.add(testbed.Launch(ctx, s.command(plan, []string{"serve", "--roles", roles}, more...)))
	if err == nil {
		err = p.Served(ctx)
	}
	return p, err
}

// The roles of the service but for the one that runs jobs, and but for the one that
// folds.
const (
	noSyncer    = "api,projector,scheduler,dispatcher"
	noProjector = "api,scheduler,syncer,dispatcher"
)

func (s *scene) add(p *testbed.Process, err error) (*testbed.Process, error) {
	if err == nil {
		s.all = append(s.all, p)
	}
	return p, err
}

// start is launch, waiting until the service serves.
func (s *scene) start(ctx context.Context, plan string, more ...string) (*testbed.Process, error) {
	p, err := s.launch(ctx, plan, more...)
	if err == nil {
		err = p.Served(ctx)
	}
	return p, err
}

// connect connects the tree.
func (s *scene) connect(ctx context.Context, p *testbed.Process) (err error) {
	s.source, s.job, err = p.Connect(ctx, s.tree, !s.blind)
	return err
}

// finish lets a healthy service come to the end of the job, and of one more sync.
func (s *scene) finish(ctx context.Context, p *testbed.Process) error {
	ctx, cancel := context.WithTimeoutCause(ctx, finishTime, fmt.Errorf("not level after %s", finishTime))
	defer cancel()
	// It may answer that it cannot, as long as something is away.
	err := s.until(ctx, "the end of the job", func() (bool, error) {
		err := p.Wait(ctx, s.job)
		return err == nil, err
	})
	if err != nil {
		return errors.Join(err, context.Cause(ctx))
	}
	again, err := p.Sync(ctx, s.source)
	if err != nil {
		return err
	}
	return p.Wait(ctx, again)
}

// finishTime bounds how long a service may need to come level again.
const finishTime = 5 * time.Minute

// verb runs a verb of the command to its end; it is an error unless it succeeds.
func (s *scene) verb(ctx context.Context, args ...string) error {
	if s.corner == nil {
		args = append(args, "--data", s.data())
	}
	p, err := testbed.Launch(ctx, s.command("", args))
	if err != nil {
		return err
	}
	<-p.Ended
	if code := p.ExitCode(); code != 0 {
		return fmt.Errorf("%v: exit code %d:\n%s", args, code, p.Said())
	}
	return nil
}

// at says where database and log are. A standalone has to run.
func (s *scene) at() (database string, log kafka.Options, err error) {
	if s.corner != nil {
		return s.corner.Database, kafka.Options{Brokers: s.corner.Brokers, Layout: s.corner.Layout(0), Log: s.log}, nil
	}
	run, err := embedded.ReadRunInfo(s.data())
	return run.DatabaseURL, kafka.Options{Brokers: run.KafkaBootstrap, Layout: kafka.Layout{Prefix: "dataconnector"}, Log: s.log}, err
}

// query connects to the database for do.
func (s *scene) query(ctx context.Context, do func(*pgx.Conn) error) error {
	url, _, err := s.at()
	if err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	return errors.Join(do(conn), conn.Close(ctx))
}

// until asks ready again and again until it says so.
func (c *chaos) until(ctx context.Context, what string, ready func() (bool, error)) error {
	const most = 2 * time.Minute
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	for {
		ok, err := ready()
		if ok {
			return nil
		}
		select {
		case <-c.clock.After(10 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", what, errors.Join(err, ctx.Err()))
		}
	}
}

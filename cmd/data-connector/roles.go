package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/confuse/data-connector/adapters/httpapi"
	"github.com/confuse/data-connector/adapters/kafka"
	"github.com/confuse/data-connector/adapters/postgres"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/ingest"
)

// errStuck is a stop that leaves work behind, which still uses what is open.
var errStuck = errors.New("not all work stopped")

// run runs the roles until ctx ends, then gives them SHUTDOWN_TIMEOUT to stop. One
// that fails stops the others. Whatever the roles are, the process answers for its
// health and listens to what is folded.
func (s *service) run(ctx context.Context) error {
	handler, err := s.handler()
	if err != nil {
		return err
	}
	whole, err := s.whole(ctx)
	if err != nil {
		return err
	}
	listener, err := s.listen(ctx)
	if err != nil {
		return err
	}
	s.url = urlOf(listener)
	s.filling.Store(true)
	group, work := errgroup.WithContext(ctx)
	group.Go(func() error { return httpapi.Serve(work, listener, handler, s.log) })
	group.Go(func() error { return unlessStopped(work, s.waiters.Listen(work)) })
	group.Go(func() error { return growHeap(work, s.clock) })
	group.Go(func() error { return unlessStopped(work, s.begin(work, group, listener, whole)) })
	ended := make(chan error, 1)
	go func() { ended <- group.Wait() }()
	select {
	case err := <-ended:
		return err
	case <-work.Done():
	}
	s.log.InfoContext(ctx, "service stops")
	select {
	case err := <-ended:
		return err
	case <-s.clock.After(s.ShutdownTimeout):
	}
	stuck := fmt.Errorf("%w within SHUTDOWN_TIMEOUT=%s", errStuck, s.ShutdownTimeout)
	select {
	case err := <-ended: // late, but the servers of the process are not closed under it
		return errors.Join(stuck, err, s.close())
	case <-s.clock.After(s.grace):
		return stuck
	}
}

// start starts the roles but api, which serves before them.
func (s *service) start(ctx context.Context, group *errgroup.Group, listener net.Listener) {
	parts := map[role][]func(context.Context) error{
		roleProjector:  {s.project, s.tidy},
		roleScheduler:  {s.schedule, s.relay, s.tidyDeliveries, s.register, s.collectPacks, s.notify},
		roleSyncer:     {func(ctx context.Context) error { return s.sync(ctx, listener) }, s.poll, s.watch},
		roleDispatcher: {s.dispatch},
	}
	for _, r := range s.roles {
		for _, part := range parts[r] {
			group.Go(func() error { return unlessStopped(ctx, part(ctx)) })
		}
	}
}

// announce tells whoever waits for this process that it takes requests.
func (s *service) announce(ctx context.Context) error {
	if s.ready != nil {
		if err := s.ready(ctx, s); err != nil {
			return unlessStopped(ctx, err)
		}
	}
	s.log.InfoContext(ctx, "service started", "url", s.url, "roles", s.roles, "version", readBuild().version)
	return nil
}

// unlessStopped is err, but nil when all it says is that ctx has ended.
func unlessStopped(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

func (s *service) listen(ctx context.Context) (net.Listener, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", net.JoinHostPort(s.Host, strconv.Itoa(s.Port)))
	if err != nil {
		return nil, fmt.Errorf("listen on HOST and PORT: %w", err)
	}
	return l, nil
}

// urlOf is where clients on this machine find the API.
func urlOf(l net.Listener) string {
	host, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		return l.Addr().String()
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port)
}

func (s *service) schedule(ctx context.Context) error {
	changed, stop := s.waiters.Changed()
	defer stop()
	scheduler := &ingest.Scheduler{
		Log: s.commands, Index: s.reader, Queue: s.queue, Clock: s.clock, Logger: s.log,
		Changed: changed, Connectors: s.connectors(), FullEvery: time.Duration(s.FullSyncHours) * time.Hour,
	}
	return scheduler.Run(ctx)
}

// collectPacks deletes content that nobody needs.
func (s *service) collectPacks(ctx context.Context) error {
	collector := &ingest.Collector{
		Index: s.reader, Packs: s.packs, Events: kafka.NewReader(s.kafka), Runs: s.reader, Idle: postgres.NewIdlePacks(s.db),
		Clock: s.clock, History: s.ContentHistory, Turn: s.queue.CollectTurn, Logger: s.log,
	}
	return collector.Run(ctx)
}

func (s *service) sync(ctx context.Context, listener net.Listener) error {
	worker := &ingest.Worker{
		Name: s.workerName(listener), Queue: s.queue, Slots: s.Concurrency, Logger: s.log,
		Engine: &ingest.Engine{
			Log: wrapped[domain.Log](s.pages, s.hooks.pages), Index: s.reader, Folds: s.waiters, Packs: wrapped(tracedPacks(s.packs, s.tracer()), s.hooks.packs), Events: kafka.NewReader(s.kafka), Clock: s.clock,
			Connectors: s.connectors(), Cache: s.CacheDir, Readers: s.Downloads, Credentials: s.credentials, Forget: s.forget(), Logger: s.log, Observe: s.counts.committed, Begin: beginRun(s.tracer()),
			People: postgres.NewPeople(s.db),
		},
	}
	return worker.Run(ctx)
}

// hints puts on the log what polls and watches see.
func (s *service) hints() *ingest.Hints { return &ingest.Hints{Log: s.commands, Clock: s.clock} }

// poll looks at the sources by itself, so that a lost notice costs no more than
// one interval.
func (s *service) poll(ctx context.Context) error {
	poller := &ingest.Poller{
		Hints: s.hints(), Index: s.reader, Connectors: s.connectors(), Clock: s.clock, Cache: s.CacheDir,
		Credentials: s.credentials, Turn: s.queue.Turn, Shortest: s.PollInterval, Logger: s.log,
	}
	return poller.Run(ctx)
}

// watch listens to notices of change.
func (s *service) watch(ctx context.Context) error {
	changed, stop := s.waiters.Changed()
	defer stop()
	watches := &ingest.Watches{
		Hints: s.hints(), Index: s.reader, Connectors: s.connectors(), Clock: s.clock, Cache: s.CacheDir,
		Credentials: s.credentials, Changed: changed, Logger: s.log,
	}
	return watches.Run(ctx)
}

// workerName is the same after a restart, and no other worker has it: two of one
// host listen on different ports.
func (s *service) workerName(l net.Listener) string {
	if s.WorkerName != "" {
		return s.WorkerName
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		return host
	}
	return net.JoinHostPort(host, port)
}

// has tells whether the process runs r.
func (s *service) has(r role) bool { return slices.Contains(s.roles, r) }

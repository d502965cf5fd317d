package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.opentelemetry.io/otel/trace"

	"github.com/confuse/data-connector/adapters/blob"
	"github.com/confuse/data-connector/adapters/kafka"
	"github.com/confuse/data-connector/adapters/pipeline/normalize"
	"github.com/confuse/data-connector/adapters/postgres"
	"github.com/confuse/data-connector/adapters/redis"
	"github.com/confuse/data-connector/adapters/vault"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/ingest"
	"github.com/confuse/data-connector/projections"
)

// pageLinger lets the events of a page share batches.
const pageLinger = 5 * time.Millisecond

// A service is what a process holds open, for its roles to share.
type service struct {
	process
	log   *slog.Logger
	clock domain.Clock

	kafka      kafka.Options // for clients other than the two below
	db         *pgxpool.Pool
	redis      *redis.Client
	queue      *redis.Queue
	packs      *blob.Store
	commands   *checkedLog // of hints and commands: a page that fails must not take them with it
	pages      *kafka.Log
	again      *kafka.Publisher // of what is handed on again
	reader     *projections.Reader
	waiters    *projections.Waiters
	runner     *projections.Runner // idle without the role projector
	counts     *counters
	traces     trace.TracerProvider  // nil: no spans are made
	normalizer *normalize.Normalizer // once a stage needs it
	url        string                // of the API, once it listens
	filling    atomic.Bool           // the tables are not known to hold what was on the log before them

	marks       *redis.Marks
	inbox       *postgres.Inbox
	vault       *vault.Vault       // nil: VAULT_KEYSET_FILE names none
	credentials domain.Credentials // the same; a nil interface without one

	all ingest.Connectors // what can be connected

	closers []func() error
}

// openService waits for the servers but Kafka, brings the database up to date and
// connects to all. Nothing is left open after an error.
func openService(ctx context.Context, p process, log *slog.Logger) (*service, error) {
	s := &service{process: p, log: log, counts: newCounters(), clock: p.hooks.newClock()}
	for _, open := range []func(context.Context) error{s.openTraces, s.openDatabase, s.openVault, s.openLog, s.openQueue, s.openFolders, s.openConnectors} {
		if err := open(ctx); err != nil {
			return nil, errors.Join(err, s.close())
		}
	}
	return s, nil
}

// openDatabase migrates schema app and makes the read tables: whoever starts
// first does, the others wait for it.
func (s *service) openDatabase(ctx context.Context) error {
	err := s.await(ctx, "postgres", s.StartupTimeout, func(ctx context.Context) (err error) {
		s.db, err = postgres.Open(ctx, string(s.DatabaseURL))
		return err
	})
	if err != nil {
		return err
	}
	s.closers = append(s.closers, func() error { s.db.Close(); return nil })
	if err := postgres.Migrate(ctx, string(s.DatabaseURL)); err != nil {
		return err
	}
	fit, err := projections.Ensure(ctx, s.db)
	if err != nil {
		return err
	}
	if fit == projections.Made {
		s.log.InfoContext(ctx, "read tables are new: they are filled from the log")
	}
	s.reader, s.inbox = projections.NewReader(s.db), postgres.NewInbox(s.db)
	return nil
}

// openLog asks Kafka nothing yet: [service.findLog] does.
func (s *service) openLog(context.Context) error {
	o, err := s.kafkaOptions(s.log)
	if err != nil {
		return err
	}
	o.Layout.KeepAll, o.Traces, o.Extra = s.keepAll, s.traces, s.hooks.kafka
	if !s.keepAll {
		o.Layout.FilesState, o.Compression = s.FilesState, kafka.Zstd // half of what LZ4 makes of events
	}
	s.kafka = o
	commands, err := kafka.NewLog(o)
	if err != nil {
		return err
	}
	s.commands = &checkedLog{Log: commands}
	s.closers = append(s.closers, func() error { commands.Close(); return nil })
	if s.again, err = kafka.NewPublisher(o); err != nil {
		return err
	}
	s.closers = append(s.closers, s.again.Close)
	o.Linger = pageLinger
	if s.pages, err = kafka.NewLog(o); err != nil {
		return err
	}
	s.closers = append(s.closers, func() error { s.pages.Close(); return nil })
	s.waiters = projections.NewWaiters(s.db, o.Layout.Events(), s.clock, s.log)
	s.runner = projections.NewRunner(s.db, s.waiters, s.log)
	s.runner.Tracer, s.runner.Point = s.tracer(), s.hooks.point
	return nil
}

func (s *service) openQueue(ctx context.Context) error {
	err := s.await(ctx, "redis", s.StartupTimeout, func(ctx context.Context) (err error) {
		s.redis, err = redis.Open(ctx, string(s.RedisURL))
		return err
	})
	if err != nil {
		return err
	}
	s.closers = append(s.closers, s.redis.Close)
	advice, err := s.redis.Check(ctx)
	if err != nil {
		return err
	}
	for _, sentence := range advice {
		s.log.WarnContext(ctx, "redis settings", "advice", sentence)
	}
	s.marks = redis.NewMarks(s.redis, s.RedisPrefix)
	s.queue = redis.NewQueue(s.redis, redis.Options{Prefix: s.RedisPrefix, PerProvider: s.PerProvider, PerOwner: s.PerOwner, Clock: s.clock})
	s.closers = append(s.closers, s.queue.Close)
	return nil
}

func (s *service) openFolders(ctx context.Context) (err error) {
	open := func(ctx context.Context) (err error) {
		s.packs, err = blob.Open(ctx, string(s.ContentURL))
		return err
	}
	if s.contentDir() == "" {
		err = s.await(ctx, "content store", s.StartupTimeout, open)
	} else {
		err = open(ctx) // a folder does not come by waiting
	}
	if err != nil {
		return err
	}
	s.closers = append(s.closers, s.packs.Close)
	if err := os.MkdirAll(s.CacheDir, 0o700); err != nil {
		return fmt.Errorf("make CACHE_DIR: %w", err)
	}
	return nil
}

// close closes what was opened, in reverse.
func (s *service) close() error {
	var errs []error
	for _, c := range slices.Backward(s.closers) {
		errs = append(errs, c())
	}
	s.closers = nil
	return errors.Join(errs...)
}

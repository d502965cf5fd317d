package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/confuse/data-connector/adapters/embedded"
)

// ownPartitions is how many partitions the log of one process needs.
const ownPartitions = 6

// stuckGrace is how long work that did not stop in time may still use the servers
// of the process.
const stuckGrace = 10 * time.Second

// errServersLost stops the service when a server of its own has ended.
var errServersLost = errors.New("the database of this process has ended by itself; its log is in the data folder")

// A solo is what the flags of standalone say.
type solo struct {
	data    string
	port    int
	noFsync bool
}

func (c *command) standalone() *cobra.Command {
	var o solo
	cmd := &cobra.Command{
		Use:   "standalone",
		Short: "Run the service with servers of its own: log, database and Redis under one folder",
		Long: `Runs all roles of the service on a log, a PostgreSQL and a Redis that it starts
itself, on loopback, with everything it keeps under one data folder. A later start
goes on where this one was. For development and small single-node use.

Callers are not asked for a key, and only this machine may call, unless
AUTH_MODE=apikey. Local folders may be connected below FS_ALLOWED_PATHS.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !cmd.Flags().Changed("port") {
				o.port = -1
			}
			return c.runStandalone(cmd.Context(), o)
		},
	}
	cmd.Flags().StringVar(&o.data, "data", defaultData, "folder for everything it keeps; made if missing")
	cmd.Flags().IntVar(&o.port, "port", 0, "port of the API, 0 for any free one (default: PORT, else 8000)")
	cmd.Flags().BoolVar(&o.noFsync, "no-fsync", false, "do not wait for the disk: faster, a power cut may lose what was acknowledged")
	return cmd
}

func (c *command) runStandalone(ctx context.Context, o solo) (err error) {
	p, err := c.soloProcess(o)
	if err != nil {
		return err
	}
	log := p.newLogger(c.err)
	servers, err := embedded.Start(ctx, embedded.Options{Dir: o.data, NoFsync: o.noFsync, Log: log})
	if err != nil {
		return unlessStopped(ctx, err)
	}
	defer func() { err = errors.Join(err, servers.Close()) }()
	run := embedded.RunInfo{
		PID: os.Getpid(), KafkaBootstrap: servers.KafkaBootstrap, DatabaseURL: servers.DatabaseURL, RedisURL: servers.RedisURL,
	}
	p.config = p.on(run)
	p.ready = func(ctx context.Context, s *service) (err error) {
		run.URL = s.url
		if run.APIKey, err = s.ownKey(ctx, o.data); err != nil {
			return err
		}
		return embedded.WriteRunInfo(o.data, run)
	}
	work, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	go watchServers(work, servers, stop, log)
	err = c.runService(work, p)
	if cause := context.Cause(work); errors.Is(cause, errServersLost) {
		return errors.Join(cause, err)
	}
	return err
}

func watchServers(ctx context.Context, servers *embedded.Servers, stop context.CancelCauseFunc, log *slog.Logger) {
	select {
	case <-servers.Lost():
		log.ErrorContext(ctx, "servers lost", "err", errServersLost)
		stop(errServersLost)
	case <-ctx.Done():
	}
}

// soloProcess is what the environment and the flags make of serve. The servers
// that the environment names are not used.
func (c *command) soloProcess(o solo) (process, error) {
	cfg, err := loadConfig(c.environ)
	if err != nil {
		return process{}, fmt.Errorf("configuration:\n%w", err)
	}
	dir, err := filepath.Abs(o.data)
	if err != nil {
		return process{}, fmt.Errorf("data folder: %w", err)
	}
	if o.port >= 0 {
		cfg.Port = o.port
	}
	cfg.Host, cfg.AuthMode = cmp.Or(cfg.Host, "127.0.0.1"), cmp.Or(cfg.AuthMode, authNone)
	cfg.ContentURL = address((&url.URL{Scheme: "file", Path: filepath.Join(dir, "content")}).String())
	cfg.CacheDir = filepath.Join(dir, "cache")
	cfg.KafkaPartitions, cfg.KafkaReplication = ownPartitions, 0
	cfg.VaultKeyset = cmp.Or(cfg.VaultKeyset, filepath.Join(dir, keysetFile))
	if err := errors.Join(cfg.check(nil)...); err != nil {
		return process{}, fmt.Errorf("configuration:\n%w", err)
	}
	return process{config: cfg, roles: allRoles(), keepAll: true, makeKeyset: true, grace: stuckGrace, own: []string{dir}, hooks: c.hooks}, nil
}

package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
)

// Database is the name of the database behind Servers.DatabaseURL, and of its user.
const Database = "dataconnector"

// Options say where and how the servers run. A port of 0 is any free one.
type Options struct {
	Dir          string // made if missing; everything is kept here
	NoFsync      bool   // faster; what was acknowledged may be lost with the power
	MemoryBudget int64  // bytes that replaying the log may take; 0: half of the free memory, at least 2 GiB
	KafkaPort    int    // 0: the one it had last if that is free
	PostgresPort int
	RedisPort    int          //
	PostgresBin  string       // folder of postgres and initdb; empty: searched for, then fetched
	CacheDir     string       // for what is fetched; empty: the user's cache folder
	Log          *slog.Logger // required
}

// Servers are the running servers and where clients find them. The URLs hold
// passwords. Its methods may be called concurrently.
type Servers struct {
	KafkaBootstrap []string // host:port
	DatabaseURL    string   // postgres://...
	RedisURL       string   // redis://...

	lost  <-chan struct{}
	stops []func() error // in the order of the starts
	close func() error
}

// Start locks the folder and starts the servers on what it holds: all of them,
// or after an error none. ctx bounds the start alone.
//
// ErrInUse: another process holds the folder. ErrOverBudget: the log is too large
// for the memory that its replay may take.
func Start(ctx context.Context, o Options) (*Servers, error) {
	s := &Servers{}
	s.close = sync.OnceValue(s.stop)
	if err := s.start(ctx, o); err != nil {
		return nil, fmt.Errorf("embedded: %w", errors.Join(err, s.Close()))
	}
	return s, nil
}

func (s *Servers) start(ctx context.Context, o Options) error {
	dir, err := dataFolder(o.Dir)
	if err != nil {
		return err
	}
	unlock, err := lockFolder(ctx, dir)
	if err != nil {
		return err
	}
	s.stops = append(s.stops, unlock)
	if err := removeRunInfo(dir); err != nil { // of a process that was killed
		return err
	}
	s.stops = append(s.stops, func() error { return removeRunInfo(dir) })
	if o.NoFsync {
		o.Log.WarnContext(ctx, "fsync is off: a power cut may lose what was acknowledged", "folder", dir)
	}
	for _, server := range []func(context.Context, string, Options) error{s.startPostgres, s.startLog, s.startRedis} {
		if err := server(ctx, dir, o); err != nil {
			return err
		}
	}
	return nil
}

// dataFolder makes dir, for its owner alone, and gives its real path: two names
// of one folder are one.
func dataFolder(dir string) (string, error) {
	if dir == "" {
		return "", errors.New("no data folder given")
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("data folder %q: %w", dir, err)
	}
	if err := os.MkdirAll(abs, 0o700); err != nil {
		return "", fmt.Errorf("make the data folder: %w", err)
	}
	if abs, err = filepath.EvalSymlinks(abs); err != nil {
		return "", fmt.Errorf("data folder: %w", err)
	}
	return abs, nil
}

// Lost is closed when PostgreSQL has ended, after Close or by itself. In the
// second case the servers are of no more use: close them and end.
func (s *Servers) Lost() <-chan struct{} { return s.lost }

// Close stops the servers, removes run.json and frees the folder. What was
// acknowledged is on the disk when it returns. Clients should be closed before.
// A second call does nothing and returns the same.
func (s *Servers) Close() error { return s.close() }

// stop is the start backwards: Redis, the log, PostgreSQL, run.json, the lock.
func (s *Servers) stop() error {
	var errs []error
	for _, stop := range slices.Backward(s.stops) {
		errs = append(errs, stop())
	}
	return errors.Join(errs...)
}

// String hides the passwords.
func (s *Servers) String() string { return "[embedded servers]" }

// LogValue hides the passwords.
func (s *Servers) LogValue() slog.Value { return slog.StringValue(s.String()) }

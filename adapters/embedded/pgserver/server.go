package pgserver

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// Options say where and how a server runs.
type Options struct {
	Dir      string       // absolute, exists, held by the caller; gets postgres/, postgres.log, postgres.lock
	User     string       // the superuser, made at the first start; later starts take the same one
	Password string       // of User, as User; letters and digits
	Database string       // made when it is missing
	Port     int          // on 127.0.0.1; 0: a free one, another one at each start
	NoFsync  bool         // acknowledged rows may be lost with the power; for tests and trials
	Bin      string       // folder of postgres and initdb; empty: searched for, then fetched
	Cache    string       // folder of fetched binaries; empty: the user's cache folder, under root /var/cache
	Log      *slog.Logger // required
}

// A Server is a running PostgreSQL. Its methods may be called concurrently.
type Server struct {
	url    string
	log    string // path of the server's own log
	cmd    *exec.Cmd
	exited chan struct{}
	err    error // how the process ended; set before exited is closed
}

// Start gives a server that accepts connections to o.Database. It first waits,
// for at most a minute, until what an earlier process has left running on the
// folder is gone. ctx bounds the start alone; it does not end the server. After
// an error nothing is left running. The error of a server that did not come up
// holds the last lines of its log.
func Start(ctx context.Context, o Options) (*Server, error) {
	s, err := start(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("postgres: %w", err)
	}
	o.Log.InfoContext(ctx, "postgres started", "folder", o.Dir, "pid", s.cmd.Process.Pid)
	return s, nil
}

func start(ctx context.Context, o Options) (*Server, error) {
	lock, err := takeFolder(ctx, o)
	if err != nil {
		return nil, err
	}
	defer func() { _ = lock.Close() }() // the child keeps its own descriptor, and the lock with it
	if err := os.Remove(filepath.Join(o.Dir, logFile)); err != nil && !os.IsNotExist(err) {
		return nil, fmt.Errorf("remove the log of the last start: %w", err)
	}
	c, err := openCluster(ctx, o, lock)
	if err != nil {
		return nil, err
	}
	return c.serve(ctx)
}

// URL is where clients connect, with the password: never log it.
func (s *Server) URL() string { return s.url }

// Done is closed when the server has ended, by Close or by itself.
func (s *Server) Done() <-chan struct{} { return s.exited }

// Close stops the server: sessions are cut, transactions rolled back, all that
// was committed stays. It returns when the process is gone, at the latest after
// 45 seconds. A second call does nothing and returns the same.
func (s *Server) Close() error {
	for _, step := range []struct {
		signal os.Signal
		wait   time.Duration
	}{
		{syscall.SIGINT, 30 * time.Second},  // fast shutdown
		{syscall.SIGQUIT, 10 * time.Second}, // immediate: the next start replays its log
		{syscall.SIGKILL, 5 * time.Second},
	} {
		_ = s.cmd.Process.Signal(step.signal) // fails only when the process has ended
		select {
		case <-s.exited:
			return s.ended()
		case <-time.After(step.wait):
		}
	}
	return fmt.Errorf("postgres: process %d does not stop", s.cmd.Process.Pid)
}

// ended says how the process went; nil after a clean shutdown.
func (s *Server) ended() error {
	if s.err == nil {
		return nil
	}
	return fmt.Errorf("postgres: ended with %w%s", s.err, tail(s.log))
}

func connectionURL(o Options, port int, database string) string {
	u := url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword(o.User, o.Password),
		Host:     fmt.Sprintf("127.0.0.1:%d", port),
		Path:     "/" + database,
		RawQuery: "sslmode=disable", // loopback
	}
	return u.String()
}

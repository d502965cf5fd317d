package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A service is the real one, in a process of its own, on a corner.
type service struct {
	*corner
	url   string // of its API
	cmd   *exec.Cmd
	ended chan struct{} // closed when it has
}

// startTime is what a start may take.
const startTime = time.Minute

// startService starts the service on a new corner. allowed is the folder below
// which others may be connected; more are further variables, NAME=value.
func (b *bench) startService(ctx context.Context, allowed string, more ...string) (*service, error) {
	c, err := b.newCorner(ctx)
	if err != nil {
		return nil, err
	}
	s := &service{corner: c, ended: make(chan struct{})}
	// Not with ctx: it is stopped in order, by close.
	s.cmd = exec.CommandContext(context.WithoutCancel(ctx), b.binary, "serve")
	s.cmd.Env = append(s.environment(allowed), more...)
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(err, s.close(ctx))
	}
	return s, nil
}

// environment has the limits of the API off: they are not what is measured.
func (s *service) environment(allowed string) []string {
	return []string{
		"HOST=127.0.0.1", "PORT=0", "AUTH_MODE=none", "LOG_FORMAT=json", "WORKER_NAME=" + s.name,
		"KAFKA_BOOTSTRAP_SERVERS=" + strings.Join(s.bench.brokers, ","), "KAFKA_TOPIC_PREFIX=" + s.name,
		"DATABASE_URL=" + s.database, "REDIS_URL=" + s.bench.redis, "REDIS_PREFIX=" + s.prefix(),
		"CONTENT_STORE_URL=file://" + filepath.Join(s.dir, "content"), "CACHE_DIR=" + filepath.Join(s.dir, "cache"),
		"FS_ALLOWED_PATHS=" + allowed, "CONNECT_RATE_LIMIT=0", "SYNC_RATE_LIMIT=0", "API_RATE_LIMIT=0",
		"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "TMPDIR=" + s.dir,
	}
}

func (s *service) start(ctx context.Context) error {
	out, err := s.cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := s.cmd.Start(); err != nil {
		close(s.ended)
		return err
	}
	served := make(chan string, 1)
	log, err := os.Create(filepath.Join(s.dir, "service.log"))
	if err != nil {
		return err
	}
	go s.watch(io.TeeReader(out, log), served)
	select {
	case s.url = <-served:
		return nil
	case <-s.ended:
		return fmt.Errorf("the service ended before it served, see its log:\n%s", s.said())
	case <-s.bench.clock.After(startTime):
		return fmt.Errorf("the service does not serve:\n%s", s.said())
	case <-ctx.Done():
		return ctx.Err()
	}
}

// watch finds the URL in what the service logs.
func (s *service) watch(from io.Reader, served chan<- string) {
	defer close(s.ended)
	lines := bufio.NewReader(from)
	for {
		line, err := lines.ReadBytes('\n')
		var entry struct{ Msg, URL string }
		if json.Unmarshal(line, &entry) == nil && entry.Msg == "service started" {
			served <- entry.URL
		}
		if err != nil {
			break
		}
	}
	_ = s.cmd.Wait() // its exit code is in ProcessState
}

// said is what the service has logged; nothing when that cannot be read.
func (s *service) said() string {
	text, _ := os.ReadFile(filepath.Join(s.dir, "service.log"))
	return string(text)
}

// peak is the most memory that the process has had resident, in MiB.
func (s *service) peak() (float64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if kib, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			n, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(kib), "kB")), 64)
			return n / 1024, err
		}
	}
	return 0, errors.New("the system does not tell the peak of a process")
}

// close stops the service and deletes its corner.
func (s *service) close(ctx context.Context) error {
	if s.cmd.Process != nil {
		_ = s.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
		select {
		case <-s.ended:
		case <-s.bench.clock.After(startTime):
			_ = s.cmd.Process.Kill() // the same
			<-s.ended
		}
	}
	return s.corner.close(ctx)
}

package testbed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// A Private is servers that nobody else uses, so that they may be ended.
type Private struct {
	Servers
	dir     string
	environ []string
	stderr  io.Writer
}

// A Kind names a server of its kind.
type Kind string

// The kinds.
const (
	Kafka    Kind = "kafka"
	Postgres Kind = "postgres"
	Redis    Kind = "redis"
)

// privateDir is where their data are: the database may run as another user, who has
// to reach it.
const privateDir = "/var/tmp"

// StartPrivate starts servers with their data in a new folder. What was downloaded
// for others is used again.
func StartPrivate(ctx context.Context, stderr io.Writer) (*Private, error) {
	where, err := exec.CommandContext(ctx, services, "state").Output()
	if err != nil {
		return nil, fmt.Errorf("%s state: %w", services, err)
	}
	dir, err := os.MkdirTemp(privateDir, "data-connector-servers-")
	if err != nil {
		return nil, err
	}
	named := func(v string) bool { return strings.HasPrefix(v, "TEST_") || strings.HasPrefix(v, "DEV_STATE=") }
	p := &Private{dir: dir, stderr: stderr, environ: append(slices.DeleteFunc(os.Environ(), named),
		"REQUIRE_REAL=1", "DEV_STATE="+filepath.Join(dir, "state"), "DEV_DOWNLOADS="+strings.TrimSpace(string(where)))}
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // the database runs as somebody else
		return nil, errors.Join(err, p.Close(ctx))
	}
	if p.Servers, err = find(ctx, p.environ, stderr); err != nil {
		return nil, errors.Join(err, p.Close(ctx))
	}
	return p, nil
}

// Crash ends one server at once, as a loss of power does, and starts it again on
// what it has made durable, at the same address, once the time away has passed. Redis
// has made nothing durable.
func (p *Private) Crash(ctx context.Context, k Kind, away time.Duration) error {
	return p.services(ctx, "crash", string(k), fmt.Sprint(away.Seconds()))
}

// Close ends the servers and deletes their data, also when ctx has ended.
func (p *Private) Close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
	defer cancel()
	return errors.Join(p.services(ctx, "down"), os.RemoveAll(p.dir))
}

func (p *Private) services(ctx context.Context, args ...string) error {
	c := exec.CommandContext(ctx, services, args...)
	c.Env, c.Stdout, c.Stderr = p.environ, p.stderr, p.stderr
	if err := c.Run(); err != nil {
		return fmt.Errorf("%s %v: %w", services, args, err)
	}
	return nil
}

// Flush empties Redis.
func (p *Private) Flush(ctx context.Context) error {
	o, err := goredis.ParseURL(p.Redis)
	if err != nil {
		return err
	}
	client := goredis.NewClient(o)
	return errors.Join(client.FlushAll(ctx).Err(), client.Close())
}

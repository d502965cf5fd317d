package testbed

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	goredis "github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/confuse/data-connector/adapters/kafka"
)

// A Corner is a part of the servers that one service has for itself: a database,
// topics, keys, a folder. Close deletes them.
type Corner struct {
	Servers
	Name     string
	Database string // its URL; the database is empty
	Dir      string
}

// NewCorner makes a corner with a folder in dir.
func (s Servers) NewCorner(ctx context.Context, dir string) (*Corner, error) {
	c := &Corner{Servers: s, Name: "bench-" + strings.ToLower(rand.Text()[:12])}
	u, err := url.Parse(s.Postgres)
	if err != nil {
		return nil, fmt.Errorf("TEST_DATABASE_URL: %w", err)
	}
	u.Path = "/" + c.Name
	c.Database = u.String()
	if err := s.admin(ctx, "CREATE DATABASE "+pgx.Identifier{c.Name}.Sanitize()); err != nil {
		return nil, err
	}
	if c.Dir, err = os.MkdirTemp(dir, c.Name); err != nil {
		return nil, errors.Join(err, c.Close(ctx))
	}
	return c, nil
}

// Layout names the topics of c.
func (c *Corner) Layout(partitions int32) kafka.Layout {
	return kafka.Layout{Prefix: c.Name, Partitions: partitions}
}

// Kafka makes the topics of c.
func (c *Corner) Kafka(ctx context.Context, partitions int32, log *slog.Logger) (kafka.Options, error) {
	o := kafka.Options{Brokers: c.Brokers, Layout: c.Layout(partitions), Log: log}
	return o, kafka.Ensure(ctx, o)
}

// Prefix begins the keys of c in Redis.
func (c *Corner) Prefix() string { return c.Name + ":" }

// Environment is that of a service on c. allowed is the folder below which others
// may be connected. The limits of the API are off.
func (c *Corner) Environment(allowed string) []string {
	return append(Shell(),
		"HOST=127.0.0.1", "PORT=0", "AUTH_MODE=none", "LOG_FORMAT=json", "WORKER_NAME="+c.Name,
		"KAFKA_BOOTSTRAP_SERVERS="+strings.Join(c.Brokers, ","), "KAFKA_TOPIC_PREFIX="+c.Name,
		"DATABASE_URL="+c.Database, "REDIS_URL="+c.Redis, "REDIS_PREFIX="+c.Prefix(),
		"CONTENT_STORE_URL=file://"+filepath.Join(c.Dir, "content"), "CACHE_DIR="+filepath.Join(c.Dir, "cache"),
		"FS_ALLOWED_PATHS="+allowed, "CONNECT_RATE_LIMIT=0", "SYNC_RATE_LIMIT=0", "API_RATE_LIMIT=0",
		"TMPDIR="+c.Dir,
	)
}

// Shell are the variables that every program needs.
func Shell() []string { return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")} }

// admin runs one statement on the server's own database.
func (s Servers) admin(ctx context.Context, statement string) error {
	conn, err := pgx.Connect(ctx, s.Postgres)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, statement)
	return errors.Join(err, conn.Close(ctx))
}

// closeTime is what deleting may take.
const closeTime = time.Minute

// Close deletes all of c, also when ctx has ended.
func (c *Corner) Close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
	defer cancel()
	return errors.Join(
		c.admin(ctx, "DROP DATABASE IF EXISTS "+pgx.Identifier{c.Name}.Sanitize()+" WITH (FORCE)"),
		c.deleteTopics(ctx), c.DeleteKeys(ctx), os.RemoveAll(c.Dir),
	)
}

func (c *Corner) deleteTopics(ctx context.Context) error {
	admin, err := kadm.NewOptClient(kgo.SeedBrokers(c.Brokers...))
	if err != nil {
		return err
	}
	defer admin.Close()
	topics, err := admin.ListTopics(ctx)
	if err != nil {
		return err
	}
	for _, name := range topics.Names() {
		if strings.HasPrefix(name, c.Name) {
			if _, err := admin.DeleteTopics(ctx, name); err != nil {
				return err
			}
		}
	}
	return nil
}

// keysAtOnce is how many keys are deleted in one call: a corner may have a million.
const keysAtOnce = 1000

// DeleteKeys deletes what c has in Redis, as a flush would.
func (c *Corner) DeleteKeys(ctx context.Context) error {
	o, err := goredis.ParseURL(c.Redis)
	if err != nil {
		return err
	}
	client := goredis.NewClient(o)
	keys := client.Scan(ctx, 0, c.Prefix()+"*", keysAtOnce).Iterator()
	var some []string
	for more := true; more; {
		if more = keys.Next(ctx); more {
			some = append(some, keys.Val())
		}
		if len(some) == keysAtOnce || !more && len(some) > 0 {
			if err := client.Unlink(ctx, some...).Err(); err != nil {
				return errors.Join(err, client.Close())
			}
			some = some[:0]
		}
	}
	return errors.Join(keys.Err(), client.Close())
}

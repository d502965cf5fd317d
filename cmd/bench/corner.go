package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	goredis "github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/confuse/data-connector/adapters/kafka"
)

// A corner is a part of the servers that one figure has for itself: a database,
// topics, keys, a folder. close deletes them.
type corner struct {
	bench    *bench
	name     string
	database string // its URL; the database is empty
	dir      string
}

func (b *bench) newCorner(ctx context.Context) (*corner, error) {
	c := &corner{bench: b, name: "bench-" + strings.ToLower(rand.Text()[:12])}
	u, err := url.Parse(b.postgres)
	if err != nil {
		return nil, fmt.Errorf("TEST_DATABASE_URL: %w", err)
	}
	u.Path = "/" + c.name
	c.database = u.String()
	if err := b.admin(ctx, "CREATE DATABASE "+pgx.Identifier{c.name}.Sanitize()); err != nil {
		return nil, err
	}
	if c.dir, err = os.MkdirTemp(b.dir, c.name); err != nil {
		return nil, errors.Join(err, c.close(ctx))
	}
	return c, nil
}

// layout names the topics of c.
func (c *corner) layout(partitions int32) kafka.Layout {
	return kafka.Layout{Prefix: c.name, Partitions: partitions}
}

// kafka makes the topics of c.
func (c *corner) kafka(ctx context.Context, partitions int32) (kafka.Options, error) {
	o := kafka.Options{Brokers: c.bench.brokers, Layout: c.layout(partitions), Log: c.bench.log}
	return o, kafka.Ensure(ctx, o)
}

// prefix begins the keys of c in Redis.
func (c *corner) prefix() string { return c.name + ":" }

// admin runs one statement on the server's own database.
func (b *bench) admin(ctx context.Context, statement string) error {
	conn, err := pgx.Connect(ctx, b.postgres)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, statement)
	return errors.Join(err, conn.Close(ctx))
}

// closeTime is what deleting may take.
const closeTime = time.Minute

// close deletes all of c, also when ctx has ended.
func (c *corner) close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
	defer cancel()
	return errors.Join(
		c.bench.admin(ctx, "DROP DATABASE IF EXISTS "+pgx.Identifier{c.name}.Sanitize()+" WITH (FORCE)"),
		c.deleteTopics(ctx), c.deleteKeys(ctx), os.RemoveAll(c.dir),
	)
}

func (c *corner) deleteTopics(ctx context.Context) error {
	admin, err := kadm.NewOptClient(kgo.SeedBrokers(c.bench.brokers...))
	if err != nil {
		return err
	}
	defer admin.Close()
	topics, err := admin.ListTopics(ctx)
	if err != nil {
		return err
	}
	for _, name := range topics.Names() {
		if strings.HasPrefix(name, c.name) {
			if _, err := admin.DeleteTopics(ctx, name); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *corner) deleteKeys(ctx context.Context) error {
	o, err := goredis.ParseURL(c.bench.redis)
	if err != nil {
		return err
	}
	client := goredis.NewClient(o)
	keys := client.Scan(ctx, 0, c.prefix()+"*", 1000).Iterator()
	for keys.Next(ctx) {
		if err := client.Unlink(ctx, keys.Val()).Err(); err != nil {
			return errors.Join(err, client.Close())
		}
	}
	return errors.Join(keys.Err(), client.Close())
}

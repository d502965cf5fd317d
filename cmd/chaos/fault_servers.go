package main

import (
	"context"
	"errors"
	"time"

	"github.com/confuse/data-connector/cmd/faults"
	"github.com/confuse/data-connector/cmd/figures"
	"github.com/confuse/data-connector/cmd/testbed"
)

// awayTime is how long a server that was ended stays away, but for its own start.
const awayTime = 2 * time.Second

// crashed ends the servers under a sync, one after the other, each in a sync of its
// own. They are servers that nobody else uses.
func crashed(ctx context.Context, c *chaos, name string) (lines []figures.Line, err error) {
	servers, err := testbed.StartPrivate(ctx, c.stderr)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, servers.Close(ctx)) }()
	crash := func(k testbed.Kind) func(context.Context) error {
		return func(ctx context.Context) error { return servers.Crash(ctx, k, awayTime) }
	}
	for _, one := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"_kafka", crash(testbed.Kafka)},
		{"_postgres", crash(testbed.Postgres)},
		{"_redis", crash(testbed.Redis)},
		{"_redis_flushed", servers.Flush},
	} {
		got, err := c.through(ctx, name+one.name, trouble{
			servers: servers.Servers, at: faults.AfterPack,
			during: func(ctx context.Context, _ *scene, _ *testbed.Process) error { return one.do(ctx) },
		})
		lines = append(lines, got...)
		if err != nil {
			return lines, err
		}
	}
	return lines, nil
}

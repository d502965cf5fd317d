package redis

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/confuse/data-connector/domain"
)

// A Client is a connection pool to one Redis. It may be used concurrently.
type Client struct{ rdb *goredis.Client }

// patience is how long an answer may take: many tickets at once keep a server in
// process busy for seconds. A context may end it earlier.
const patience = 20 * time.Second

// Open connects to the Redis that address names (redis://, rediss:// or unix://)
// and asks it for a sign of life: ErrUnavailable when there is none. No error
// shows the address, which may hold a password (I7).
func Open(ctx context.Context, address string) (*Client, error) {
	opt, err := goredis.ParseURL(address)
	if err != nil {
		return nil, fmt.Errorf("redis: address is not of the form redis://user:password@host:port/db: %w", hidden(err))
	}
	opt.ContextTimeoutEnabled = true
	if opt.ReadTimeout == 0 {
		opt.ReadTimeout = patience
	}
	c := &Client{rdb: goredis.NewClient(opt)}
	if err := c.rdb.Ping(ctx).Err(); err != nil {
		return nil, errors.Join(classify(ctx, "ping", err), c.Close())
	}
	return c, nil
}

// hidden drops the text of an address from err.
func hidden(err error) error {
	if e := new(url.Error); errors.As(err, &e) {
		return e.Err
	}
	return err
}

// Close ends the connections. Queues on c are to be closed before.
func (c *Client) Close() error { return c.rdb.Close() }

// Check gives one sentence for each setting of the server that endangers the
// queue, with the remedy. It is for doctor and for the start of the service,
// which goes on: an evicted ticket delays a job and loses none.
func (c *Client) Check(ctx context.Context) ([]string, error) {
	info, err := c.rdb.Info(ctx, "memory").Result()
	if e := goredis.Error(nil); errors.As(err, &e) {
		return nil, nil // miniredis has no such section and never evicts
	}
	if err != nil {
		return nil, classify(ctx, "info", err)
	}
	for line := range strings.Lines(info) {
		policy, ok := strings.CutPrefix(strings.TrimSpace(line), "maxmemory_policy:")
		if ok && policy != "noeviction" {
			return []string{fmt.Sprintf("Redis may evict waiting jobs: maxmemory-policy is %q; "+
				"set it to noeviction (CONFIG SET maxmemory-policy noeviction)", policy)}, nil
		}
	}
	return nil, nil
}

// classify turns what go-redis answers into our errors: ctx's own when it has
// ended, ErrUnavailable when trying again may help.
func classify(ctx context.Context, op string, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if e := goredis.Error(nil); errors.As(err, &e) && !passing(err) {
		return fmt.Errorf("redis: %s: %w", op, err)
	}
	return fmt.Errorf("redis: %s: %w: %w", op, domain.ErrUnavailable, err)
}

// passing tells the replies of a server that is starting, failing over or full
// from those that say that we are wrong.
func passing(err error) bool {
	for _, is := range []func(error) bool{
		goredis.IsLoadingError, goredis.IsReadOnlyError, goredis.IsMasterDownError, goredis.IsClusterDownError,
		goredis.IsTryAgainError, goredis.IsMaxClientsError, goredis.IsOOMError, goredis.IsNoReplicasError,
	} {
		if is(err) {
			return true
		}
	}
	return false
}

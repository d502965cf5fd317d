package testenv

import (
	"context"
	"testing"

	"github.com/redis/go-redis/v9"
)

// Redis returns the URL of a Redis that answers and a prefix for the keys of
// this test, which ends with a colon. All keys that begin with it are deleted
// after the test. A test never flushes: others are on the same database.
func Redis(tb testing.TB) (address, prefix string) {
	tb.Helper()
	address = server(tb, redisVariable)
	if address == "" {
		tb.Fatalf("%s is not set; %s", redisVariable, remedy)
	}
	opt, err := redis.ParseURL(address)
	if err != nil {
		tb.Fatalf("%s: %v", redisVariable, err)
	}
	cl := redis.NewClient(opt)
	if err := cl.Ping(tb.Context()).Err(); err != nil {
		tb.Fatalf("Redis at %s does not answer: %v; %s", opt.Addr, err, remedy)
	}
	prefix = unique() + ":"
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), cleanupTime)
		defer cancel()
		if err := deleteKeys(ctx, cl, prefix); err != nil {
			tb.Errorf("delete the keys %s*: %v", prefix, err)
		}
		if err := cl.Close(); err != nil {
			tb.Error(err)
		}
	})
	return address, prefix
}

func deleteKeys(ctx context.Context, cl *redis.Client, prefix string) error {
	keys := cl.Scan(ctx, 0, prefix+"*", 1000).Iterator()
	for keys.Next(ctx) {
		if err := cl.Unlink(ctx, keys.Val()).Err(); err != nil {
			return err
		}
	}
	return keys.Err()
}

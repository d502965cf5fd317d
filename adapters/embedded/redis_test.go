package embedded_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/confuse/data-connector/adapters/embedded"
)

func TestRedis(t *testing.T) {
	t.Parallel()

	s := start(t, embedded.Options{Dir: t.TempDir(), NoFsync: true})
	t.Run("scripts read the server's clock", func(t *testing.T) {
		t.Parallel()

		before := time.Now().Truncate(time.Second)
		seconds, err := redisClient(t, s).Eval(t.Context(), `return tonumber(redis.call('TIME')[1])`, nil).Int64()
		if err != nil {
			t.Fatal(err)
		}
		if got := time.Unix(seconds, 0); got.Before(before) || got.After(time.Now()) {
			t.Errorf("got time %v, want one between %v and now", got, before)
		}
	})
	t.Run("keys expire", func(t *testing.T) {
		t.Parallel()

		client := redisClient(t, s)
		if err := client.Set(t.Context(), "short", "1", 300*time.Millisecond).Err(); err != nil {
			t.Fatal(err)
		}
		if err := client.Set(t.Context(), "long", "1", time.Hour).Err(); err != nil {
			t.Fatal(err)
		}
		// BLPOP ends on the server, long after the short one is due.
		_ = client.BLPop(t.Context(), 2*time.Second, "never").Err()
		if got := client.Exists(t.Context(), "short").Val(); got != 0 {
			t.Error("the short key is still there")
		}
		if got := client.TTL(t.Context(), "long").Val(); got < 59*time.Minute || got >= time.Hour {
			t.Errorf("got %v left for the long key, want a little less than an hour", got)
		}
	})
	t.Run("it does not evict", func(t *testing.T) {
		t.Parallel()

		got, err := redisClient(t, s).ConfigGet(t.Context(), "maxmemory-policy").Result()
		if err != nil || got["maxmemory-policy"] != "noeviction" {
			t.Errorf("got %v, %v, want noeviction", got, err)
		}
	})
	t.Run("it wants the password", func(t *testing.T) {
		t.Parallel()

		u, err := url.Parse(s.RedisURL)
		if err != nil {
			t.Fatal(err)
		}
		client := redis.NewClient(&redis.Options{Addr: u.Host})
		defer func() { _ = client.Close() }() // nothing to be lost
		if err := client.Set(t.Context(), "thing", "1", 0).Err(); err == nil {
			t.Error("got no error without a password")
		}
	})
}

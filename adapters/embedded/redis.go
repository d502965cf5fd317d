package embedded

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"
)

// Keys expire at ticks, so a TTL ends at most one tick too early or too late.
// The server's own way is to walk all keys at every command.
const (
	redisTick  = 100 * time.Millisecond
	redisShare = 20 // a tick walks all keys: with many of them the ticks keep to this part of the time
)

// startRedis starts an empty Redis. dir is not touched: it holds no truth.
func (s *Servers) startRedis(ctx context.Context, _ string, o Options) error {
	redis := miniredis.NewMiniRedis()
	password := randomSecret()
	redis.RequireAuth(password)
	address := fmt.Sprintf("127.0.0.1:%d", o.RedisPort)
	if err := redis.StartAddr(address); err != nil {
		return fmt.Errorf("start redis on %s: %w", address, err)
	}
	expired := expire(redis)
	s.stops = append(s.stops, func() error {
		expired()
		redis.Close()
		return nil
	})
	if err := redis.Server().Register("CONFIG", config); err != nil {
		return fmt.Errorf("start redis: %w", err)
	}
	u := url.URL{Scheme: "redis", User: url.UserPassword("default", password), Host: redis.Addr(), Path: "/0"}
	s.RedisURL = u.String()
	o.Log.InfoContext(ctx, "redis started", "address", redis.Addr())
	return nil
}

// expire lets the keys of redis grow older until stop is called.
func expire(redis *miniredis.Miniredis) (stop func()) {
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		last, pause := <-time.After(0), redisTick
		for {
			select {
			case now := <-time.After(pause):
				redis.FastForward(now.Sub(last))
				last, pause = now, max(redisTick, redisShare*time.Since(now))
			case <-quit:
				return
			}
		}
	}()
	return func() { close(quit); <-done }
}

// config answers what clients ask about eviction: there is none.
func config(c *server.Peer, _ string, args []string) {
	if len(args) != 2 || !strings.EqualFold(args[0], "GET") {
		c.WriteError("ERR only CONFIG GET with one parameter is supported")
		return
	}
	if !strings.EqualFold(args[1], "maxmemory-policy") {
		c.WriteMapLen(0)
		return
	}
	c.WriteMapLen(1)
	c.WriteBulk("maxmemory-policy")
	c.WriteBulk("noeviction")
}

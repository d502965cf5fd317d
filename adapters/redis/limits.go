package redis

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/confuse/data-connector/domain"
)

const (
	// countTime is how long a request waits to be counted.
	countTime = 250 * time.Millisecond
	// countPause is how long nothing is counted after a failure: requests must not
	// queue up for a server that does not answer.
	countPause = time.Second
)

// errPaused is told while Limits do not ask.
var errPaused = errors.New("it did not answer a moment ago")

// Limits count requests for all processes of the service together. They are what
// the rate limits of the API keep, by its interface of a counter: a window begins
// at a full multiple of its length, on the clocks of the processes.
//
// Two processes that look at the same moment both let their request through, so
// a limit may be passed by one request for each process but one. When Redis is
// away every method is an error, after 250 ms at most and then at once for a
// second. What was counted is forgotten two windows later, or with Redis.
type Limits struct {
	rdb    *goredis.Client
	base   string
	keep   time.Duration
	paused atomic.Bool
}

// NewLimits makes the counter of the limit name. prefix is that of all keys;
// empty: "dataconnector:".
func NewLimits(c *Client, prefix, name string) *Limits {
	if prefix == "" {
		prefix = "dataconnector:"
	}
	return &Limits{rdb: c.rdb, base: prefix + "limit:" + name + ":"}
}

// Config says how long a window is. It is called once, before all else.
func (l *Limits) Config(_ int, window time.Duration) { l.keep = 2*window + time.Minute }

// Increment counts one request of key.
func (l *Limits) Increment(key string, window time.Time) error { return l.IncrementBy(key, window, 1) }

// IncrementBy counts amount requests of key in the window that begins then.
func (l *Limits) IncrementBy(key string, window time.Time, amount int) error {
	return l.do("count", func(ctx context.Context) error {
		at := l.at(key, window)
		_, err := l.rdb.TxPipelined(ctx, func(p goredis.Pipeliner) error { // both or none: no count stays for ever
			p.IncrBy(ctx, at, int64(amount))
			p.PExpire(ctx, at, l.keep)
			return nil
		})
		return err
	})
}

// Get is how many requests of key were counted in two windows.
func (l *Limits) Get(key string, current, previous time.Time) (now, before int, err error) {
	err = l.do("read counts", func(ctx context.Context) error {
		found, err := l.rdb.MGet(ctx, l.at(key, current), l.at(key, previous)).Result()
		if err != nil {
			return err
		}
		now, before = number(found[0]), number(found[1])
		return nil
	})
	return now, before, err
}

// number is a count that was found; 0 when none was.
func number(found any) int {
	text, _ := found.(string) // nil: there is no such key
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0
	}
	return n
}

func (l *Limits) at(key string, window time.Time) string {
	return l.base + strconv.FormatInt(window.Unix(), 10) + ":" + key
}

// do asks the server, unless it has just failed to answer.
func (l *Limits) do(op string, ask func(context.Context) error) error {
	if l.paused.Load() {
		return fmt.Errorf("redis: %s: %w: %w", op, domain.ErrUnavailable, errPaused)
	}
	ctx, cancel := context.WithTimeout(context.Background(), countTime)
	defer cancel()
	err := ask(ctx)
	if err != nil && l.paused.CompareAndSwap(false, true) {
		time.AfterFunc(countPause, func() { l.paused.Store(false) })
	}
	if ctx.Err() != nil && err != nil { // its time, not the caller's
		return fmt.Errorf("redis: %s: %w: %w", op, domain.ErrUnavailable, err)
	}
	return classify(ctx, op, err)
}

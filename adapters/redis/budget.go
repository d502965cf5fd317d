package redis

import (
	"context"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// A Budget counts the calls of credentials at providers over all replicas. A key
// is a digest that says nothing about the credential (I7). Losing it costs calls
// that the provider refuses, and no more. It may be used concurrently.
type Budget struct {
	rdb                *goredis.Client
	base               string
	take, learn, block *goredis.Script
}

// NewBudget makes a budget on c whose keys begin with prefix; empty:
// "dataconnector:".
func NewBudget(c *Client, prefix string) *Budget {
	if prefix == "" {
		prefix = "dataconnector:"
	}
	load := func(text string) *goredis.Script { return goredis.NewScript(budgetText + text) }
	return &Budget{
		rdb: c.rdb, base: prefix + "budget:",
		take: load(budgetTakeText), learn: load(budgetLearnText), block: load(budgetBlockText),
	}
}

// Take asks for one call under key: zero when it may go, and is counted, else how
// long to wait before asking again. perHour is a limit of our own, 0: none; spare
// is the share of any limit that is left to others, in per cent.
func (b *Budget) Take(ctx context.Context, key string, perHour, spare int) (time.Duration, error) {
	ms, err := b.take.Run(ctx, b.rdb, []string{b.base + key}, perHour, spare).Int64()
	if err != nil {
		return 0, classify(ctx, "take of a budget", err)
	}
	return time.Duration(ms) * time.Millisecond, nil
}

// Learn tells how many calls of a limit are left until it resets. Of one period
// the smallest number counts.
func (b *Budget) Learn(ctx context.Context, key string, left, limit int, reset time.Duration) error {
	return classify(ctx, "learn of a budget", b.learn.Run(ctx, b.rdb, []string{b.base + key}, left, limit, reset.Milliseconds()).Err())
}

// Block lets nobody call under key for d, or longer if that was said before.
func (b *Budget) Block(ctx context.Context, key string, d time.Duration) error {
	return classify(ctx, "block of a budget", b.block.Run(ctx, b.rdb, []string{b.base + key}, d.Milliseconds()).Err())
}

package redis

import (
	"context"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// Marks remember words for a while: deliveries that were taken, and whose turn it
// is. It may be used concurrently. Losing them is harmless to who uses them.
type Marks struct {
	rdb  *goredis.Client
	base string
}

// NewMarks makes marks whose keys begin with prefix.
func NewMarks(c *Client, prefix string) *Marks {
	return &Marks{rdb: c.rdb, base: prefix + "mark:"}
}

// Marked tells which of keys are marked, in their order.
func (m *Marks) Marked(ctx context.Context, keys []string) ([]bool, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	pipe := m.rdb.Pipeline()
	found := make([]*goredis.IntCmd, len(keys))
	for i, k := range keys {
		found[i] = pipe.Exists(ctx, m.base+k)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, classify(ctx, "marked", err)
	}
	marked := make([]bool, len(keys))
	for i, f := range found {
		marked[i] = f.Val() > 0
	}
	return marked, nil
}

// Mark marks keys for d.
func (m *Marks) Mark(ctx context.Context, d time.Duration, keys []string) error {
	pipe := m.rdb.Pipeline()
	for _, k := range keys {
		pipe.Set(ctx, m.base+k, 1, d)
	}
	_, err := pipe.Exec(ctx)
	return classify(ctx, "mark", err)
}

// Turn gives key to the first one that asks within d: true for it, false for all
// others until d has passed.
func (m *Marks) Turn(ctx context.Context, key string, d time.Duration) (bool, error) {
	first, err := m.rdb.SetNX(ctx, m.base+"turn:"+key, 1, d).Result()
	return first, classify(ctx, "turn", err)
}

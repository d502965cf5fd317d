package normalize

import (
	"container/list"
	"context"
	"errors"
	"sync"

	"golang.org/x/sync/singleflight"
)

// overhead is what an entry takes besides its text.
const overhead = 256

// A cache keeps the texts used last, and makes each once however many ask.
type cache struct {
	most   int64
	flight singleflight.Group

	mu    sync.Mutex
	size  int64
	order *list.List // of *entry, the last used first
	at    map[string]*list.Element
}

type entry struct {
	key  string
	text Text
	err  error // that it has no text is worth remembering too
}

func (e *entry) size() int64 { return int64(len(e.key)+len(e.text.Content)) + overhead }

func newCache(most int64) *cache {
	return &cache{most: most, order: list.New(), at: make(map[string]*list.Element)}
}

func (c *cache) get(ctx context.Context, key string, make func(context.Context) (Text, error)) (Text, error) {
	if e := c.find(key); e != nil {
		return e.text, e.err
	}
	// Who made it first may give up; the others would get its error.
	made, err, shared := c.flight.Do(key, func() (any, error) {
		t, err := make(ctx)
		if err == nil || errors.Is(err, ErrBinary) {
			c.put(&entry{key, t, err})
		}
		return t, err
	})
	if shared && errors.Is(err, context.Canceled) && ctx.Err() == nil {
		return make(ctx)
	}
	t, _ := made.(Text) // it is one
	return t, err
}

func (c *cache) find(key string) *entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.at[key]
	if !ok {
		return nil
	}
	c.order.MoveToFront(e)
	return e.Value.(*entry) //nolint:forcetypeassert // nothing else is in it
}

func (c *cache) put(e *entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.at[e.key]; ok || e.size() > c.most {
		return
	}
	c.at[e.key] = c.order.PushFront(e)
	for c.size += e.size(); c.size > c.most; {
		last := c.order.Back()
		old := c.order.Remove(last).(*entry) //nolint:forcetypeassert // nothing else is in it
		delete(c.at, old.key)
		c.size -= old.size()
	}
}

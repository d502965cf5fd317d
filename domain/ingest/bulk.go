package ingest

import (
	"context"
	"errors"
	"sync"

	"github.com/confuse/data-connector/domain"
)

// errNotWanted ends a bulk fetch whose rest nobody asks for.
var errNotWanted = errors.New("the rest is not wanted")

// contents hands out the content of a page's items, in their order.
type contents interface {
	// next is that of the next item. Its zero value: it is to be fetched by itself.
	next(ctx context.Context) fetched
	// close drops what was not asked for.
	close()
}

// contentsOf begins to read the content of items, in bulk where the connector
// can. close must be called.
func (r *run) contentsOf(ctx context.Context, items []domain.Item) contents {
	if conn, ok := r.conn.(domain.BulkFetcher); ok && len(items) > 0 {
		return r.fetchBulk(ctx, conn, items)
	}
	return r.fetchAhead(ctx, items)
}

// A bulk takes the items of a page as the connector comes to them, in any order,
// and hands them out in that of the page.
type bulk struct {
	run    *run
	pack   domain.PackWriter
	items  []domain.Item
	cancel context.CancelFunc

	mu     sync.Mutex
	moved  *sync.Cond // anything below has changed
	got    []fetched
	taken  []bool
	at     int   // the item that is handed out next
	held   int64 // bytes that are staged and not handed out
	closed bool
	ended  bool  // the connector gives no more
	err    error // of the run
}

func (r *run) fetchBulk(ctx context.Context, conn domain.BulkFetcher, items []domain.Item) *bulk {
	ctx, cancel := context.WithCancel(ctx)
	b := &bulk{run: r, pack: r.page.pack, items: items, cancel: cancel, got: make([]fetched, len(items)), taken: make([]bool, len(items))}
	b.moved = sync.NewCond(&b.mu)
	refs := make([]domain.ItemRef, len(items))
	for i, item := range items {
		refs[i] = item.Ref()
	}
	go func() {
		err := conn.FetchAll(ctx, r.scope, refs, func(i int, c domain.Content, err error) error {
			return b.take(ctx, i, c, err)
		})
		b.end(ctx, err)
	}()
	return b
}

// take stages one item. While the page holds enough, it waits for the next one to
// be handed out, unless that is still to come.
func (b *bulk) take(ctx context.Context, i int, c domain.Content, err error) error {
	got := b.run.staged(ctx, b.pack, b.items[i], c, err)
	b.mu.Lock()
	defer b.mu.Unlock()
	if got.err != nil || b.closed || b.taken[i] {
		got.drop()
		return errors.Join(got.err, b.unwanted())
	}
	if got.failure != nil && got.failure.Code == codeChanging {
		got = fetched{} // it is read again by itself
	}
	b.got[i], b.taken[i] = got, true
	if got.staged != nil {
		b.held += got.staged.Size()
	}
	b.moved.Broadcast()
	for b.held > maxPageBytes && b.at < len(b.items) && b.taken[b.at] && !b.closed {
		b.moved.Wait()
	}
	return b.unwanted()
}

func (b *bulk) unwanted() error {
	if b.closed {
		return errNotWanted
	}
	return nil
}

// end notes that the connector gives no more. What has broken it is of the run
// when every item would meet it; else those that it did not come to are fetched
// one by one, so that one bad item fails alone.
func (b *bulk) end(ctx context.Context, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended = true
	if err != nil && !b.closed {
		b.err = failedItem(ctx, domain.Item{}, err).err
	}
	b.moved.Broadcast()
}

func (b *bulk) next(context.Context) fetched {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := b.at
	for !b.taken[i] && !b.ended {
		b.moved.Wait()
	}
	b.at++
	got := b.got[i]
	b.got[i] = fetched{}
	if !b.taken[i] {
		got.err = b.err
	}
	if got.staged != nil {
		b.held -= got.staged.Size()
	}
	b.moved.Broadcast()
	return got
}

func (b *bulk) close() {
	b.cancel()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	b.moved.Broadcast()
	for !b.ended {
		b.moved.Wait()
	}
	for _, got := range b.got {
		got.drop()
	}
}

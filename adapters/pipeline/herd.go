package pipeline

import (
	"context"
	"sync"
)

// A herd answers many who ask for one thing each with few questions for many: who
// asks while a question is on its way joins the next one, so the answer is never
// older than what it was asked for.
type herd[K comparable, V any] struct {
	ask func(ctx context.Context, keys []K) (map[K]V, error)

	mu   sync.Mutex
	busy bool
	next *question[K, V] // nil: nobody waits
}

type question[K comparable, V any] struct {
	keys   []K
	done   chan struct{} // closed when the next two are set
	answer map[K]V
	err    error
}

// find gives what there is of key; false: nothing. It gives up once ctx ends;
// questions are asked under life, which is longer.
func (h *herd[K, V]) find(ctx, life context.Context, key K) (v V, ok bool, err error) {
	h.mu.Lock()
	if h.next == nil {
		h.next = &question[K, V]{done: make(chan struct{})}
	}
	q := h.next
	q.keys = append(q.keys, key)
	if !h.busy {
		h.busy = true
		go h.work(life)
	}
	h.mu.Unlock()
	select {
	case <-q.done:
	case <-ctx.Done():
		return v, false, ctx.Err()
	}
	v, ok = q.answer[key]
	return v, ok, q.err
}

func (h *herd[K, V]) work(life context.Context) {
	for {
		h.mu.Lock()
		q := h.next
		h.next, h.busy = nil, q != nil
		h.mu.Unlock()
		if q == nil {
			return
		}
		q.answer, q.err = h.ask(life, q.keys)
		close(q.done)
	}
}

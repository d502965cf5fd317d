package ingest

import (
	"bytes"
	"cmp"
	"container/heap"
	"fmt"
	"iter"
	"slices"

	"github.com/confuse/data-connector/domain"
)

// sortInMemory is how many items are sorted at once; more go to disk in sorted
// runs, which are merged.
const sortInMemory = 20_000

// A keyed is an item with the key that listing and rows are compared by.
type keyed struct {
	Key  []byte
	Nth  int // in the listing: of two with one key the later one is right
	Item domain.Item
}

func compareKeyed(a, b keyed) int {
	return cmp.Or(bytes.Compare(a.Key, b.Key), cmp.Compare(a.Nth, b.Nth))
}

// A sorter puts the listing of a connector without order into order, in bounded
// memory.
type sorter struct {
	dir  string
	n    int
	heap []keyed
	runs []*records[keyed]
}

func (s *sorter) add(key []byte, item domain.Item) error {
	s.heap = append(s.heap, keyed{Key: key, Nth: s.n, Item: item})
	s.n++
	if len(s.heap) < sortInMemory {
		return nil
	}
	return s.spill()
}

func (s *sorter) spill() error {
	slices.SortFunc(s.heap, compareKeyed)
	run, err := newRecords[keyed](s.dir, fmt.Sprintf("sort-%d", len(s.runs)))
	if err != nil {
		return err
	}
	s.runs = append(s.runs, run)
	for _, k := range s.heap {
		if _, err := run.add(k); err != nil {
			return err
		}
	}
	s.heap = s.heap[:0]
	return run.seal()
}

// sorted gives every key once, in order.
func (s *sorter) sorted() iter.Seq2[keyed, error] {
	slices.SortFunc(s.heap, compareKeyed)
	return func(yield func(keyed, error) bool) {
		m, err := s.merge()
		defer m.close()
		for err == nil && len(m.heads) > 0 {
			k := m.heads[0].value
			if err = m.advance(); err != nil {
				break
			}
			if len(m.heads) > 0 && bytes.Equal(m.heads[0].value.Key, k.Key) {
				continue // the later one follows
			}
			if !yield(k, nil) {
				return
			}
		}
		if err != nil {
			yield(keyed{}, err)
		}
	}
}

func (s *sorter) close() {
	for _, run := range s.runs {
		run.close()
	}
}

// A merge is the runs of a sorter with the next value of each.
type merge struct {
	heads []head
	stops []func()
}

type head struct {
	value keyed
	next  func() (keyed, error, bool)
}

func (s *sorter) merge() (*merge, error) {
	m := &merge{}
	sources := []iter.Seq2[keyed, error]{func(yield func(keyed, error) bool) {
		for _, k := range s.heap {
			if !yield(k, nil) {
				return
			}
		}
	}}
	for _, run := range s.runs {
		sources = append(sources, run.all())
	}
	for _, source := range sources {
		next, stop := iter.Pull2(source)
		m.stops = append(m.stops, stop)
		k, err, ok := next()
		if err != nil {
			return m, err
		}
		if ok {
			heap.Push(m, head{k, next})
		}
	}
	return m, nil
}

// advance replaces the smallest value by the next one of its run.
func (m *merge) advance() error {
	k, err, ok := m.heads[0].next()
	if err != nil {
		return err
	}
	if !ok {
		heap.Pop(m)
		return nil
	}
	m.heads[0].value = k
	heap.Fix(m, 0)
	return nil
}

func (m *merge) close() {
	for _, stop := range m.stops {
		stop()
	}
}

// Len, Less, Swap, Push and Pop implement heap.Interface.
func (m *merge) Len() int           { return len(m.heads) }
func (m *merge) Less(i, j int) bool { return compareKeyed(m.heads[i].value, m.heads[j].value) < 0 }
func (m *merge) Swap(i, j int)      { m.heads[i], m.heads[j] = m.heads[j], m.heads[i] }
func (m *merge) Push(x any)         { m.heads = append(m.heads, x.(head)) }
func (m *merge) Pop() any {
	last := m.heads[len(m.heads)-1]
	m.heads = m.heads[:len(m.heads)-1]
	return last
}

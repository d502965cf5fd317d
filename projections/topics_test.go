package projections_test

import (
	"context"
	"iter"
	"log/slog"
	"slices"
	"sync"
	"testing"

	"github.com/confuse/data-connector/adapters/clock"
	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/projections"
)

// memoryTopics are partitions in memory, to be read by a rebuild while stories go
// on: whoever appends does it within tell.
type memoryTopics struct {
	mu   sync.Mutex
	logs []*memoryLog
	more chan struct{} // closed when something is appended
	size int           // of batches
}

func newTopics(size int, logs ...*memoryLog) *memoryTopics {
	return &memoryTopics{logs: logs, more: make(chan struct{}), size: size}
}

// tell lets append write on the logs.
func (m *memoryTopics) tell(write func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	write()
	close(m.more)
	m.more = make(chan struct{})
}

func (m *memoryTopics) Parts(context.Context) ([]domain.FeedPartition, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []domain.FeedPartition
	for _, l := range m.logs {
		p := l.partition()
		p.Last = func(_ context.Context, offset int64) (domain.Record, error) {
			m.mu.Lock()
			defer m.mu.Unlock()
			return l.Last(context.Background(), offset)
		}
		all = append(all, p)
	}
	return all, nil
}

func (m *memoryTopics) Batches(ctx context.Context, p domain.FeedPartition, from, to int64) iter.Seq2[[]domain.Record, error] {
	return func(yield func([]domain.Record, error) bool) {
		for from < to {
			records, more := m.read(p, from, min(to, from+int64(m.size)))
			if len(records) > 0 {
				from += int64(len(records))
				if !yield(records, nil) {
					return
				}
				continue
			}
			select {
			case <-more:
			case <-ctx.Done():
				yield(nil, ctx.Err())
				return
			}
		}
	}
}

func (m *memoryTopics) read(p domain.FeedPartition, from, to int64) ([]domain.Record, <-chan struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, l := range m.logs {
		if l.Topic == p.Topic && l.Number == p.Number {
			to = min(to, int64(len(l.records)))
			return slices.Clone(l.records[min(from, to):to]), m.more
		}
	}
	return nil, m.more
}

// rebuild is one of the tables of w.
func (w *world) rebuild(topics *memoryTopics) *projections.Rebuild {
	return &projections.Rebuild{DB: w.db, Log: topics, Clock: clock.System{}, Logger: slog.New(slog.DiscardHandler)}
}

// run rebuilds and fails the test if that fails.
func run(t fataler, r *projections.Rebuild) {
	t.Helper()
	if err := r.Run(context.Background()); err != nil {
		t.Fatalf("rebuild: %v", err)
	}
}

// verify compares and fails the test if that fails.
func verify(t fataler, r *projections.Rebuild) projections.Verified {
	t.Helper()
	found, err := r.Verify(context.Background())
	if err != nil {
		t.Fatalf("verify: %v", err)
	}
	return found
}

var _ projections.Topics = (*memoryTopics)(nil)

var _ fataler = (*testing.T)(nil)

package projections

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.opentelemetry.io/otel/trace"

	"github.com/confuse/data-connector/domain"
)

// The topics that are folded, whatever their prefix.
const (
	eventsSuffix   = ".events.v1"
	pipelineSuffix = ".pipeline.v1"
)

// A Runner folds the log into the tables: it is the domain.FeedReader of the
// projector. Different partitions may be folded at the same time.
//
// Assigned answers domain.ErrLogLost when the log is not the one that the tables
// were filled from. Batch answers domain.ErrFenced when another runner has moved
// the checkpoint, when somebody has retried or skipped what was set aside there,
// when the tables were exchanged, or when the partition was never assigned: it is
// to be assigned again. Assigned answers ErrOtherTables when the tables are not
// those of this program.
// After any other error nothing has changed and the same batch may be given
// again; data that Postgres refuses is no error but ends up in table poison.
type Runner struct {
	Tracer trace.Tracer // of spans for what is folded, set before the first batch; nil: none are made
	// Point is called with [PointInBatch] before each commit, for tests; an error
	// ends it there; nil: it is not. Set before the first batch.
	Point func(context.Context, string) error

	db      *pgxpool.Pool
	waiters *Waiters
	log     *slog.Logger
	// moved is told each commit of a runner that fills tables aside; nil for the
	// one of the service. Set before the first call.
	moved func(at place, position int64)

	mu         sync.Mutex
	partitions map[place]*partition
	meters     map[place]*meter // also of partitions that went to others
}

// PointInBatch is where checkpoint and rows of a batch are written, not committed.
const PointInBatch = "in batch"

var _ domain.FeedReader = (*Runner)(nil)

// NewRunner makes a runner over the pool db. It wakes w after each commit.
func NewRunner(db *pgxpool.Pool, w *Waiters, log *slog.Logger) *Runner {
	return &Runner{db: db, waiters: w, log: log, partitions: map[place]*partition{}, meters: map[place]*meter{}}
}

// A place names one partition of one topic.
type place struct {
	topic  string
	number int32
}

func (p place) String() string { return fmt.Sprintf("%s/%d", p.topic, p.number) }

func (p place) pipeline() bool { return strings.HasSuffix(p.topic, pipelineSuffix) }

// A partition is what the runner remembers of a partition that is assigned to it.
// One goroutine at a time uses it.
type partition struct {
	place
	position   int64 // next offset to fold; never ahead of the checkpoint
	generation int64 // of the checkpoint, when known was loaded
	known      known
	aside      bool // of tables that nobody reads yet: nobody is told
}

// take makes what b means the memory, once it is committed.
func (p *partition) take(b *batch) {
	p.position = b.next()
	for id, s := range b.sources {
		p.known.sources[id] = s
	}
	for id := range b.parked {
		p.known.parked[id] = true
	}
}

// Assigned loads the checkpoint of p and the sources of that partition.
func (r *Runner) Assigned(ctx context.Context, p domain.FeedPartition) (int64, error) {
	at := place{topic: p.Topic, number: p.Number}
	if !at.pipeline() && !strings.HasSuffix(p.Topic, eventsSuffix) {
		return 0, fmt.Errorf("project %s: no table is made from this topic", at)
	}
	part, err := r.load(ctx, at, p)
	if err != nil {
		return 0, fmt.Errorf("project %s: %w", at, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.partitions[at] = part
	return part.position, nil
}

// Batch folds records and commits what they mean. Records that are folded
// already are passed over.
func (r *Runner) Batch(ctx context.Context, p domain.FeedPartition, records []domain.Record) error {
	at := place{topic: p.Topic, number: p.Number}
	r.mu.Lock()
	part := r.partitions[at]
	r.mu.Unlock()
	if part == nil {
		return fmt.Errorf("project %s: not assigned: %w", at, domain.ErrFenced)
	}
	records, err := part.next(records)
	if err != nil || len(records) == 0 {
		return err
	}
	return r.applyOrBisect(ctx, part, records)
}

// Revoked forgets the partition.
func (r *Runner) Revoked(p domain.FeedPartition) {
	r.forget(place{topic: p.Topic, number: p.Number})
}

func (r *Runner) forget(at place) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.partitions, at)
}

// next are the records that are not folded yet. Offsets are dense: a gap means
// that records are gone.
func (p *partition) next(records []domain.Record) ([]domain.Record, error) {
	for len(records) > 0 && records[0].Position.Offset < p.position {
		records = records[1:]
	}
	for i := range records {
		if want := p.position + int64(i); records[i].Position.Offset != want {
			return nil, fmt.Errorf("project %s: got offset %d where %d follows: %w", p.place, records[i].Position.Offset, want, domain.ErrLogLost)
		}
	}
	return records, nil
}

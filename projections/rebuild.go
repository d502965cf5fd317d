package projections

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"iter"
	"log/slog"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/confuse/data-connector/domain"
)

// The schemas beside [Schema].
const (
	nextSchema = "read_next" // being filled
	oldSchema  = "read_old"  // retired by the last exchange
)

//go:embed rebuild.sql
var rebuildDDL string

// defaultMemory is the bound of [Rebuild.Memory].
const defaultMemory = 256 << 20

// loaders is how many partitions are in memory at once.
const loaders = 2

// Errors of a rebuild.
var (
	// ErrRebuildRuns: another process rebuilds. There is one at a time.
	ErrRebuildRuns = errors.New("a rebuild runs already")
	// ErrRebuildCancelled: somebody has cancelled it; what it had filled is dropped.
	ErrRebuildCancelled = errors.New("the rebuild was cancelled")
	// errSkipped: somebody left a record out meanwhile, which may be folded already.
	errSkipped = errors.New("a record was skipped meanwhile")
)

// Topics is the log as a rebuild reads it: outside of any group.
type Topics interface {
	// Parts are all partitions of the topics from which tables are made, as they
	// are now.
	Parts(ctx context.Context) ([]domain.FeedPartition, error)
	// Batches gives the records of a partition from the offset from on, in their
	// order, up to but not including to; with [Follow] it goes on with what is
	// appended until ctx ends. An error is the last thing it gives.
	Batches(ctx context.Context, p domain.FeedPartition, from, to int64) iter.Seq2[[]domain.Record, error]
}

// A Rebuild fills the read tables from the log anew, beside those that serve.
//
// [Rebuild.Run] makes schema read_next without indexes, folds each partition in
// memory and copies its rows, makes the indexes, catches up with the log as the
// projector does, and then exchanges the two schemas in one transaction, at a
// point where the new one holds all that the old one did. Readers and projectors
// go on; the projectors load their partitions again. [Rebuild.Verify] compares
// instead of exchanging. Neither has any effect outside the database.
//
// Each partition is committed with its checkpoint, so whoever dies in the middle
// is resumed by the next call, in any process. The memory is bounded: where the
// rows of a partition are too many, the rest of it is written as the projector
// writes.
type Rebuild struct {
	DB     *pgxpool.Pool // of the tables that serve
	Log    Topics
	Clock  domain.Clock
	Logger *slog.Logger

	// Program names the binary. What another one has left is dropped: it may have
	// folded in another way, and the exchanged tables would be of both.
	Program string

	Memory  int64                               // bytes of rows in memory at once, about; 0: 256 MiB
	Observe func(Progress)                      // called about every second and at the end; nil: not
	Point   func(context.Context, string) error // called at named points, for tests; an error ends it there; nil: not
}

// Names of the points.
const (
	PointBeforeCopy = "before copy" // a partition is folded, nothing of it is committed
	PointInCopy     = "in copy"     // all its rows are written, not committed
	PointAfterCopy  = "after copy"  // they are committed
	PointIndexed    = "indexed"
	PointInSwap     = "in swap" // the schemas are exchanged, not committed
	PointAfterSwap  = "after swap"
)

// Run rebuilds and exchanges. It resumes what another call of this program left.
// After an error the tables that serve are as they were.
//
// ErrRebuildRuns, ErrRebuildCancelled; domain.ErrLogLost.
func (r *Rebuild) Run(ctx context.Context) error {
	return r.build(ctx, func(context.Context, *attempt) error { return nil }, func(ctx context.Context, a *attempt) error { return a.exchange(ctx) })
}

// build fills the tables aside and then does finish. Whatever was skipped
// meanwhile makes it start over.
func (r *Rebuild) build(ctx context.Context, prepare, finish func(context.Context, *attempt) error) error {
	release, err := r.lock(ctx)
	if err != nil {
		return fmt.Errorf("rebuild: %w", err)
	}
	defer release()
	if _, err := Ensure(ctx, r.DB); err != nil { // there has to be something to exchange
		return fmt.Errorf("rebuild: %w", err)
	}
	for {
		err := r.attempt(ctx, prepare, finish)
		if !errors.Is(err, errSkipped) && !errors.Is(err, errAhead) {
			return err
		}
		r.Logger.InfoContext(ctx, "rebuild starts over", "why", err)
	}
}

func (r *Rebuild) attempt(ctx context.Context, prepare, finish func(context.Context, *attempt) error) error {
	a, err := r.begin(ctx)
	if err != nil {
		return fmt.Errorf("rebuild: %w", err)
	}
	defer a.next.Close()
	work, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	reported := a.reporting(work, stop)
	err = prepare(work, a)
	if err == nil {
		err = a.fill(work)
	}
	if err == nil {
		err = finish(work, a)
	}
	if cause := context.Cause(work); err != nil && cause != nil {
		err = cause
	}
	stop(nil)
	<-reported
	if a.spent || errors.Is(err, ErrRebuildCancelled) || errors.Is(err, errSkipped) || errors.Is(err, errAhead) {
		err = errors.Join(err, dropSchema(context.WithoutCancel(ctx), r.DB, nextSchema))
	}
	if err != nil {
		return fmt.Errorf("rebuild: %w", err)
	}
	return nil
}

func (r *Rebuild) point(ctx context.Context, name string) error {
	if r.Point == nil {
		return nil
	}
	return r.Point(ctx, name)
}

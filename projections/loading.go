package projections

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/confuse/data-connector/domain"
)

// errLoaded: another process has loaded the partition.
var errLoaded = errors.New("loaded already")

// A loading is the transaction that copies the rows of a partition (I4). It
// begins with the first rows and is committed with the checkpoint, so that whoever
// dies leaves nothing of it.
type loading struct {
	*attempt
	part *partition
	of   domain.FeedPartition
	rows *shelves

	tx    pgx.Tx
	open  chan copied // a copy on its way; nil: none
	spare []byte
	held  int64 // bytes in memory, as told to hold
}

// hold tells how much is in memory and gives what all loadings together have there.
func (l *loading) hold(bytes int64) int64 {
	before := l.held
	l.held = bytes
	return l.memory.Add(bytes - before)
}

// copied is how a copy ended, and memory that is free then.
type copied struct {
	memory []byte
	err    error
}

// begin opens the transaction. The checkpoint comes first: of two who load a
// partition one waits, and then finds it there.
func (l *loading) begin(ctx context.Context) (err error) {
	if l.tx != nil {
		return nil
	}
	if l.tx, err = l.next.Begin(ctx); err != nil {
		return err
	}
	if _, err := l.tx.Exec(ctx, `SET LOCAL idle_in_transaction_session_timeout = 0`); err != nil { // it is idle while the log is slow
		return err
	}
	tag, err := l.tx.Exec(ctx, `
		INSERT INTO checkpoints (topic, partition, position, topic_id, last_id, updated_at) VALUES ($1, $2, 0, $3, '', now())
		ON CONFLICT (topic, partition) DO NOTHING`, l.part.topic, l.part.number, l.of.TopicID)
	if err == nil && tag.RowsAffected() == 0 {
		err = errLoaded
	}
	return err
}

// files copies the rows of files that are in memory, while the next ones are
// folded.
func (l *loading) files(ctx context.Context) error {
	if err := l.begin(ctx); err != nil {
		return err
	}
	if err := l.settle(); err != nil {
		return err
	}
	rows, memory := l.rows.files.send(l.spare)
	l.spare, l.open = nil, make(chan copied, 1)
	go func(open chan<- copied) {
		open <- copied{memory, copyTuples(ctx, l.tx, l.sheets["files"], readTuples(rows))}
	}(l.open)
	return nil
}

// settle waits for the copy on its way.
func (l *loading) settle() error {
	if l.open == nil {
		return nil
	}
	done := <-l.open
	l.open, l.spare = nil, done.memory
	return done.err
}

// finish copies all other rows and commits them with the checkpoint.
func (l *loading) finish(ctx context.Context, lastID string) error {
	sources, err := l.rows.sources(l.part.known)
	if err != nil {
		return err
	}
	if err := l.files(ctx); err != nil {
		return err
	}
	if err := l.settle(); err != nil {
		return err
	}
	for table, tuples := range map[string]func() (tuple, bool){
		"sources": sources, "sync_jobs": l.rows.jobs.tuples(), "runs": l.rows.runs.tuples(), "rebuild_stale": l.rows.files.staleRows(),
		"webhook_events": l.rows.hints.tuples(), "file_stages": l.rows.stages.tuples(), "poison": l.rows.poison.tuples(),
	} {
		if err := copyTuples(ctx, l.tx, l.sheets[table], readTuples(tuples)); err != nil {
			return err
		}
	}
	_, err = l.tx.Exec(ctx, `UPDATE checkpoints SET position = $3, last_id = $4, updated_at = now() WHERE topic = $1 AND partition = $2`,
		l.part.topic, l.part.number, l.part.position, lastID)
	if err != nil {
		return err
	}
	if err := l.point(ctx, PointInCopy); err != nil {
		return err
	}
	return l.tx.Commit(ctx)
}

// close ends what finish has not.
func (l *loading) close(ctx context.Context) {
	_ = l.settle() // told already, or nobody asks
	l.hold(0)
	if l.tx != nil {
		_ = l.tx.Rollback(context.WithoutCancel(ctx)) // a connection that does not answer is closed
	}
}

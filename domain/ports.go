package domain

import (
	"context"
	"iter"
	"time"
)

// A Log takes events. It may be used concurrently.
type Log interface {
	// Append puts messages on the log, in their order within each partition. When
	// it returns nil all are durable (I5) and the positions are theirs. After an
	// error any of them may be on the log, now or later: [ErrUnknownFate], or
	// ErrUnavailable when certainly none is. It does not retry.
	Append(ctx context.Context, messages ...Message) ([]Position, error)
	// End is the offset behind the last event of a partition now.
	End(ctx context.Context, partition int32) (int64, error)
	// Partitions is how many there are now; new sources are spread over them.
	Partitions(ctx context.Context) (int32, error)
}

// A Feeder hands the log out to the projector, one partition to one reader at a
// time within its group.
type Feeder interface {
	// Feed calls into r until ctx ends or the log is lost ([ErrLogLost]). Calls for
	// one partition never overlap; those for different ones may.
	Feed(ctx context.Context, r FeedReader) error
}

// A FeedReader takes what a [Feeder] hands out.
type FeedReader interface {
	// Assigned says where to start in a partition that is now this reader's. The
	// topic id and the record before the start let the reader see that the log is
	// the one it knows: ErrLogLost stops the feed.
	Assigned(ctx context.Context, p FeedPartition) (start int64, err error)
	// Batch takes records that follow each other in one partition. An error ends
	// the feed of that partition until it is assigned again.
	Batch(ctx context.Context, p FeedPartition, records []Record) error
	// Revoked says that the partition is no longer this reader's.
	Revoked(p FeedPartition)
}

// A FeedPartition is one partition of one topic, as it is when it is assigned.
type FeedPartition struct {
	Topic   string
	TopicID string // changes when the topic is made anew
	Number  int32
	// Last reads one record, to compare it with a checkpoint. ErrLogLost: it is
	// not there.
	Last func(ctx context.Context, offset int64) (Record, error) `json:"-"`
	// End is the offset behind the last record when the partition was assigned.
	End int64
}

// Folds lets a writer wait until what it appended means something.
type Folds interface {
	// Wait returns when the rows hold everything up to and including p.
	Wait(ctx context.Context, p Position) error
	// Position is the offset up to which the rows of a partition hold everything;
	// 0 for one that was never folded.
	Position(ctx context.Context, partition int32) (int64, error)
}

// An Index reads the rows. Sources and jobs are found whatever their owner:
// callers compare it (I10).
type Index interface {
	// Source is the fold of a source. ErrSourceNotFound: never registered.
	Source(ctx context.Context, id SourceID) (Source, error)
	// Job is a job, open or ended, with the source that it is of. Of a removed
	// source only the job that did it is left. ErrJobNotFound: no such job.
	Job(ctx context.Context, id JobID) (SourceID, Job, error)
	// FilesAt are the live files at these raw paths, in any order.
	FilesAt(ctx context.Context, source SourceID, rawPaths [][]byte) ([]File, error)
	// FilesByID are these files, tombstones too, in any order.
	FilesByID(ctx context.Context, source SourceID, ids []FileID) ([]File, error)
	// Live streams the live files, ByPath in the byte order of the raw paths,
	// ByItem in the order of their ids.
	Live(ctx context.Context, source SourceID, order Identified) iter.Seq2[File, error]
	// Totals counts the live files.
	Totals(ctx context.Context, source SourceID) (Totals, error)
	// Candidates are the sources that may be due or have open jobs: all but the
	// removed ones without an open job.
	Candidates(ctx context.Context) iter.Seq2[Source, error]
}

// A Ticket is one job in the queue. The queue is derived from the log: losing it
// delays jobs and loses none.
type Ticket struct {
	Source    SourceID
	Job       JobID
	Provider  Provider
	Owner     OwnerID
	NotBefore time.Time // zero: at once
}

// A Lease is a ticket that a worker holds.
type Lease struct {
	Ticket
	Token RunID // of the run that the worker will claim with
}

// A Queue hands jobs to workers. A lease saves wasted work; correctness does not
// rest on it (I3). It may be used concurrently.
type Queue interface {
	// Enqueue adds tickets. A source is in the queue once: a ticket that waits is
	// replaced, and while one is held the new one waits behind it.
	Enqueue(ctx context.Context, tickets ...Ticket) error
	// Claim waits for a ticket and leases it to worker under token. It returns
	// when ctx ends with ctx's error.
	Claim(ctx context.Context, worker string, token RunID) (Lease, error)
	// Extend keeps a lease, and tells whether others have waited for a while that
	// could be worked on in its place. ErrFenced: it is gone.
	Extend(ctx context.Context, l Lease) (wanted bool, err error)
	// Release ends a lease. again is when the source wants to be claimed again;
	// zero: not by this job. ErrFenced: it was gone already.
	Release(ctx context.Context, l Lease, again time.Time) error
	// Forget frees the leases of worker, which has just started: what it held, it
	// no longer does.
	Forget(ctx context.Context, worker string) error
	// Reap gives leases that were not extended back to the queue.
	Reap(ctx context.Context) (int, error)
	// Held are the sources in the queue, waiting or leased.
	Held(ctx context.Context) (map[SourceID]JobID, error)
	// Epoch is a random word that lives as long as the queue's memory.
	Epoch(ctx context.Context) (string, error)
}

// A Reservation keeps (owner, provider, external key) for one source, with the
// event that registers it, so that whoever finds it can finish the append.
type Reservation struct {
	Owner       OwnerID
	Provider    Provider
	ExternalKey string
	Source      SourceID
	Message     Message // registered, under its event id
}

// Reservations is the table of source keys.
type Reservations interface {
	// Reserve inserts r, or gives the one that is there (false). free is asked
	// whether a source found there has been removed; its key is then taken over.
	Reserve(ctx context.Context, r Reservation, free func(SourceID) (bool, error)) (Reservation, bool, error)
}

// Idempotency keeps the ids that a command uses, under the caller's key, before
// anything is appended, so that a repeated command appends the same events.
type Idempotency interface {
	// Begin keeps ids for (owner, key), or gives what was kept. An InvalidError
	// names Idempotency-Key when the key was used for another request.
	Begin(ctx context.Context, owner OwnerID, key string, request Digest, ids CommandIDs) (CommandIDs, error)
}

// CommandIDs are what a command would otherwise make up.
type CommandIDs struct {
	Source  SourceID  `json:"source,omitzero"`
	Job     JobID     `json:"job,omitzero"`
	Version int64     `json:"version,omitempty"` // of the source that the command makes
	Events  []EventID `json:"events,omitempty"`
}

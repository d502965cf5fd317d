package httpapi

import (
	"context"
	"io"
	"iter"
	"time"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/ingest"
	"github.com/confuse/data-connector/domain/replay"
	"github.com/confuse/data-connector/projections"
)

// Commands are the use cases that write. Each returns once its event is durable
// (I5), with Accepted.Folded telling whether the rows hold it yet.
type Commands interface {
	Connect(ctx context.Context, r ingest.ConnectRequest) (ingest.Accepted, error)
	RequestSync(ctx context.Context, r ingest.SyncRequest) (ingest.Accepted, error)
	Remove(ctx context.Context, r ingest.RemoveRequest) (ingest.Accepted, error)
}

// Changes are the use cases that change what is there, with the same promises.
type Changes interface {
	Pause(ctx context.Context, r ingest.ChangeRequest) (ingest.Accepted, error)
	Resume(ctx context.Context, r ingest.ChangeRequest) (ingest.Accepted, error)
	ReleaseDeletes(ctx context.Context, r ingest.ChangeRequest) (ingest.Accepted, error)
	Update(ctx context.Context, r ingest.UpdateRequest) (ingest.Accepted, error)
	AttachCredential(ctx context.Context, r ingest.CredentialRequest) (ingest.Accepted, error)
	CancelJob(ctx context.Context, r ingest.JobRequest) (ingest.Accepted, error)
	RetryJob(ctx context.Context, r ingest.JobRequest) (ingest.Accepted, error)
}

// Sources reads the table of sources. A source that is removed or whose removal
// was requested is an unknown one.
type Sources interface {
	// ListSources are the owner's sources, limit of them from offset on, and how
	// many there are.
	ListSources(ctx context.Context, owner domain.OwnerID, limit, offset int) ([]domain.Source, int64, error)
	// GetSource is one of them, else ErrSourceNotFound.
	GetSource(ctx context.Context, owner domain.OwnerID, id domain.SourceID) (domain.Source, error)
}

// Files reads the table of files: live ones of sources that can be seen.
type Files interface {
	// ListFiles are the files of a source behind after, in the byte order of their
	// raw paths; next is nil when there are no more.
	ListFiles(ctx context.Context, owner domain.OwnerID, source domain.SourceID, f projections.FileFilter, after projections.FileKey, limit int,
	) (files []projections.FileRow, next *projections.FileKey, err error)
	// CountFiles counts a selection, with a filter only up to
	// projections.CountLimit.
	CountFiles(ctx context.Context, owner domain.OwnerID, source domain.SourceID, f projections.FileFilter) (int64, error)
	// GetFile is one file, else ErrFileNotFound.
	GetFile(ctx context.Context, owner domain.OwnerID, id domain.FileID) (projections.FileRow, error)
	// Languages counts the files of a source by language.
	Languages(ctx context.Context, owner domain.OwnerID, source domain.SourceID) (map[string]int64, error)
	// Indexed tells when the pipeline last accepted files; those it has not are not
	// in the map. The ids come from reads that were scoped to an owner.
	Indexed(ctx context.Context, ids []domain.FileID) (map[domain.FileID]time.Time, error)
}

// Jobs reads the table of jobs, also those of removed sources.
type Jobs interface {
	// ListJobs are the owner's jobs, the newest first, limit of them from offset on,
	// and how many there are.
	ListJobs(ctx context.Context, owner domain.OwnerID, f projections.JobFilter, limit, offset int) ([]projections.JobRow, int64, error)
	// GetJob is one of them, else ErrJobNotFound.
	GetJob(ctx context.Context, owner domain.OwnerID, id domain.JobID) (projections.JobRow, error)
	// GetJobAnyOwner is a job whatever its owner: only a trusted gateway asks so
	// (I10).
	GetJobAnyOwner(ctx context.Context, id domain.JobID) (projections.JobRow, error)
}

// Hints reads the table of hints.
type Hints interface {
	// ListHints are the owner's hints; next is nil when there are no more.
	// ErrSourceNotFound: the source of the page is not the owner's.
	ListHints(ctx context.Context, owner domain.OwnerID, p projections.HintPage) (hints []projections.HintRow, next *projections.HintKey, err error)
}

// Runs reads the table of runs, for those who may operate.
type Runs interface {
	// RunsAtAnyOwner are the runs that are current for a reader whose next offset
	// in a partition is at. ErrUnavailable: the tables are not there yet.
	RunsAtAnyOwner(ctx context.Context, partition int32, at int64) ([]projections.RunRow, error)
}

// Projections tells how far the tables have come.
type Projections interface {
	// Projections are all partitions that were ever folded, by topic and number.
	Projections(ctx context.Context) ([]Projection, error)
	// Rebuilding is how far a rebuild is, nil when there is none.
	Rebuilding(ctx context.Context) (*projections.Progress, error)
}

// A Projection is a partition as it is folded.
type Projection struct {
	projections.Checkpoint
	End       int64   // offset behind its last record; -1: not known
	PerSecond float64 // records that this process folded lately
}

// Poison reads the table of records that were set aside.
type Poison interface {
	// ListPoison are those that the caller may see, in the order of the log; next
	// is nil when there are no more.
	ListPoison(ctx context.Context, c projections.Caller, p projections.PoisonPage) (rows []projections.PoisonRow, next *projections.PoisonKey, err error)
}

// Mend folds records again that were set aside, or leaves them out.
// projections.ErrNotPoison: nothing of that name is.
type Mend interface {
	Retry(ctx context.Context, c projections.Caller, key projections.PoisonKey) (projections.Retried, error)
	RetrySource(ctx context.Context, c projections.Caller, source domain.SourceID) (projections.Retried, error)
	// Skip answers ErrConflict for a record that waits behind another one.
	Skip(ctx context.Context, c projections.Caller, key projections.PoisonKey) (projections.Retried, error)
}

// Events reads the log.
type Events interface {
	// Read gives the records of a partition from offset from on, up to but not
	// including to, or the end of the log if that comes first; whatever source they
	// are of. With to = math.MaxInt64 it waits at the end for more until ctx ends.
	Read(ctx context.Context, partition int32, from, to int64) iter.Seq2[domain.Record, error]
}

// Contents is the reading half of [domain.Packs].
type Contents interface {
	Open(ctx context.Context, c domain.ClaimCheck) (io.ReadCloser, error)
}

// Lost is told of a file whose content is missing or damaged in the content store,
// each time that somebody has tried to read it.
type Lost func(ctx context.Context, source domain.SourceID, file domain.FileID) error

// Ends is the part of [domain.Log] that tells what is on it.
type Ends interface {
	End(ctx context.Context, partition int32) (int64, error)
	Partitions(ctx context.Context) (int32, error)
}

// Folds is the waiting half of [domain.Folds].
type Folds interface {
	Wait(ctx context.Context, p domain.Position) error
}

// Letters reads the dead letters of an owner.
type Letters interface {
	// ListLetters are those of a page, by stage and file; next is nil when there are
	// no more.
	ListLetters(ctx context.Context, owner domain.OwnerID, p projections.LetterPage) (rows []projections.LetterRow, next *projections.LetterKey, err error)
}

// Desk settles dead letters. projections.ErrNotLetter: there is none of that name.
type Desk interface {
	// Show gives one, and the headers and the value of the event that was refused;
	// nil when the log no longer holds it.
	Show(ctx context.Context, owner domain.OwnerID, key projections.LetterKey) (row projections.LetterRow, headers map[string]string, payload []byte, err error)
	// Retry hands a selection on again; gone are those that the log no longer holds.
	Retry(ctx context.Context, owner domain.OwnerID, selection projections.LetterPage) (retried, gone int64, err error)
	Discard(ctx context.Context, owner domain.OwnerID, selection projections.LetterPage) (discarded int64, err error)
}

// Replays are the use cases of replays. One of another owner is replay.ErrNotFound
// (I10), one that has ended domain.ErrConflict.
type Replays interface {
	Start(ctx context.Context, o replay.Order) (replay.Replay, error)
	// Await gives a replay once it has ended, or as it is after d.
	Await(ctx context.Context, r replay.Replay, d time.Duration) (replay.Replay, error)
	List(ctx context.Context, owner domain.OwnerID, limit, offset int) ([]replay.Replay, error)
	Get(ctx context.Context, owner domain.OwnerID, id replay.ID) (replay.Replay, error)
	// Change pauses, resumes or cancels.
	Change(ctx context.Context, owner domain.OwnerID, id replay.ID, to replay.Status) (replay.Replay, error)
	// Counts counts what stages made of a replay.
	Counts(ctx context.Context, r replay.Replay) ([]projections.ReplayCount, error)
}

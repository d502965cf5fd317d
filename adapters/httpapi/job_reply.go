package httpapi

import (
	"time"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/projections"
)

// A jobReply is a job as the API shows it. The names in snake_case are those that
// the platform's gateway reads.
type jobReply struct {
	ID       string    `json:"id"`
	JobID    string    `json:"job_id" doc:"The same as id."`
	SourceID string    `json:"sourceId"`
	Type     string    `json:"type" enum:"incremental,full,remove"`
	Trigger  string    `json:"trigger,omitempty" doc:"Why it was ordered: connect, manual, hint, schedule, update, release, removal."`
	Status   string    `json:"status" enum:"queued,running,completed,failed,cancelled"`
	Progress *int      `json:"progress,omitempty" doc:"Percent. Absent while nobody can know: a source's first listing does not know how much there is, see stats.filesProcessed."`
	Stats    jobStats  `json:"stats"`
	Attempt  int       `json:"attempt" doc:"Attempts that failed without progress."`
	Message  string    `json:"message,omitempty" doc:"What it waits for, for people."`
	Error    string    `json:"error,omitempty" doc:"Why its last attempt failed."`
	Code     string    `json:"errorCode,omitempty" doc:"The same in one word."`
	Failures []failure `json:"failures,omitempty" nullable:"false" doc:"The first files that could not be read, at most 20. They are tried again by the next job."`

	QueuedAt    time.Time `json:"queuedAt"`
	StartedAt   time.Time `json:"startedAt,omitzero"`
	CompletedAt time.Time `json:"completedAt,omitzero" doc:"When it ended, however it ended."`
	RetryAt     time.Time `json:"retryAt,omitzero" doc:"Not before; absent when it does not wait for a next attempt."`

	EstimatedCompletion time.Time `json:"estimatedCompletion,omitzero" doc:"Absent while nobody can know."`
	EstimatedDuration   float64   `json:"estimatedDuration,omitempty" doc:"Seconds that the source's last job took; absent before the first."`
}

// jobStats count the job so far, over all its attempts.
type jobStats struct {
	FilesTotal     int64 `json:"filesTotal" doc:"Files to look at: what the source held before, or what was found so far if that is more."`
	FilesProcessed int64 `json:"filesProcessed" doc:"Files looked at."`
	ChunksCreated  int64 `json:"chunksCreated" doc:"Always 0: unknown."`
	Errors         int64 `json:"errors" doc:"Files that could not be read."`
	Added          int64 `json:"added"`
	Modified       int64 `json:"modified"`
	Renamed        int64 `json:"renamed"`
	Removed        int64 `json:"removed"`
	Metadata       int64 `json:"metadata" doc:"Files of which only attributes changed."`
	Excluded       int64 `json:"excluded" doc:"Files that the filters left out."`
	Held           int64 `json:"held" doc:"Deletes that wait for a release."`
	Bytes          int64 `json:"bytes" doc:"Content stored, uncompressed."`
}

type failure struct {
	Path   string `json:"path"`
	Code   string `json:"code"`
	Reason string `json:"reason"`
}

// jobReply shows j; source is what is known of its source, zero if nothing.
func (s *Server) jobReply(j projections.JobRow, source domain.Source) jobReply {
	p := progressOf(j.Job, source)
	r := jobReply{
		ID: j.ID.String(), JobID: j.ID.String(), SourceID: j.SourceID.String(), Type: string(j.Mode), Trigger: string(j.Trigger),
		Status: string(j.Status), Progress: p.percent, Stats: newJobStats(j.Counts, p), Attempt: j.Attempt,
		QueuedAt: j.RequestedAt.UTC(), StartedAt: j.StartedAt.UTC(), CompletedAt: j.EndedAt.UTC(), RetryAt: j.RetryAt.UTC(),
		EstimatedDuration: source.Duration.Seconds(), EstimatedCompletion: p.end(j.StartedAt, s.Clock.Now()),
	}
	if j.Failure != nil {
		r.Error, r.Code = j.Failure.Message, j.Failure.Code
	}
	if j.Status == domain.JobQueued && !j.RetryAt.IsZero() {
		r.Message = "waits for its next attempt"
	}
	for _, f := range j.Failures {
		r.Failures = append(r.Failures, failure(f))
	}
	return r
}

func newJobStats(c domain.Counts, p progress) jobStats {
	return jobStats{
		FilesTotal: p.total, FilesProcessed: p.done, Errors: c.Failed, Added: c.Added, Modified: c.Modified, Renamed: c.Renamed,
		Removed: c.Removed, Metadata: c.Metadata, Excluded: c.Excluded, Held: c.Held, Bytes: c.Bytes,
	}
}

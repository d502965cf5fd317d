package domain

import (
	"encoding/json"
	"time"
)

// A Source is the fold of the SourceChanged events of one source: a value, never
// changed in place. The zero Source is one that was never registered.
type Source struct {
	ID          SourceID        `json:"id"`
	Owner       OwnerID         `json:"owner"`
	Provider    Provider        `json:"provider"`
	Name        string          `json:"name"`
	ExternalKey string          `json:"external_key"`
	Config      json.RawMessage `json:"config,omitempty"`
	Partition   int32           `json:"partition"`
	// Metadata is what a trusted gateway has sent beside the options.
	Metadata map[string]string `json:"metadata,omitempty"`

	Registered bool  `json:"registered"`
	Paused     bool  `json:"paused,omitempty"`
	Removing   bool  `json:"removing,omitempty"`
	Removed    bool  `json:"removed,omitempty"` // only this stub is left
	Version    int64 `json:"version,omitempty"` // of the last unguarded change that counted

	Jobs    []Job `json:"jobs,omitempty"`    // open ones, the oldest first
	LastJob JobID `json:"last_job,omitzero"` // the newest one, open or not

	Run     int64 `json:"run,omitempty"`     // of the last claim that counted
	RunID   RunID `json:"run_id,omitzero"`   // its id
	Running bool  `json:"running,omitempty"` // that run has not ended
	Seq     int64 `json:"seq,omitempty"`     // of the last SourceChanged of that run that counted

	Cursor *Envelope `json:"cursor,omitempty"` // nil: never listed anything
	Totals Totals    `json:"totals"`
	Held   *Held     `json:"held,omitempty"` // deletes that wait for a release

	// Behind are offsets + 1, so that 0 means "none yet".
	BehindHint  int64 `json:"behind_hint,omitempty"`  // of the last hint
	BehindClaim int64 `json:"behind_claim,omitempty"` // of the last claim that counted
	// Of the last hint that told of access. See Reopen.
	BehindAccess int64 `json:"behind_access,omitempty"`

	Rescoped bool `json:"rescoped,omitempty"` // the scope has changed since the last claim that counted
	Reopened bool `json:"reopened,omitempty"` // a credential was attached since the last claim that counted

	Object *ObjectState `json:"object,omitempty"` // as the last run that looked has found it; nil: nothing was said

	Lost []Lost `json:"lost,omitempty"` // files whose content was found missing or damaged, at most 100

	RegisteredAt time.Time     `json:"registered_at,omitzero"`
	RequestedAt  time.Time     `json:"requested_at,omitzero"`   // of the newest job
	SyncedAt     time.Time     `json:"synced_at,omitzero"`      // of the last job that completed
	FullAt       time.Time     `json:"full_at,omitzero"`        // of the last completed job that compared everything
	ChangedAt    time.Time     `json:"changed_at,omitzero"`     // of the last completed job that changed a file
	Duration     time.Duration `json:"duration,omitempty"`      // of the last completed job, nanoseconds
	Failure      *Failure      `json:"failure,omitempty"`       // of the last job; nil once one completed
	FailedInARow int           `json:"failed_in_row,omitempty"` // consecutive sync_failed with the code of Failure

	CredentialID      string    `json:"credential_id,omitempty"`
	CredentialExpired bool      `json:"credential_expired,omitempty"`
	Installation      string    `json:"installation,omitempty"` // of an app, that opens it; empty: none does
	HookID            string    `json:"hook_id,omitempty"`
	HookExpiresAt     time.Time `json:"hook_expires_at,omitzero"`
}

// An ObjectState is how the object of a source is at its provider, for people:
// nothing rests on it. The zero value: the provider does not say.
type ObjectState struct {
	Name       string `json:"name,omitempty"`       // what it is called now: "octo/hello"
	URL        string `json:"url,omitempty"`        // its page
	Visibility string `json:"visibility,omitempty"` // "public", "internal", "private"
	Archived   bool   `json:"archived,omitempty"`   // it takes no changes any more
}

// A Failure is why a job did not come to its end.
type Failure struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// A SourceStatus is how a source does, in one word of the platform.
type SourceStatus string

// The states of a source.
const (
	StatusPending      SourceStatus = "pending"      // not synced yet
	StatusSyncing      SourceStatus = "syncing"      // a job runs or waits
	StatusSynced       SourceStatus = "synced"       // the last job completed
	StatusFailed       SourceStatus = "failed"       // the last job failed for good
	StatusDisconnected SourceStatus = "disconnected" // its credential has expired, or the provider lost it
)

// goneConfirmations is how many runs in a row must find that the provider lost the
// source before it counts: one may meet an unmounted disk.
const goneConfirmations = 3

// Status tells how s does.
func (s Source) Status() SourceStatus {
	switch {
	case s.CredentialExpired || s.Failure != nil && s.Failure.Code == CodeGone && s.FailedInARow >= goneConfirmations:
		return StatusDisconnected
	case len(s.Jobs) > 0 && (s.Running || !s.SyncedAt.IsZero()):
		return StatusSyncing
	case s.Failure != nil:
		return StatusFailed
	case s.SyncedAt.IsZero():
		return StatusPending
	default:
		return StatusSynced
	}
}

// Codes of sync_failed.
const (
	CodeGone         = "gone"         // the provider says that the object does not exist
	CodeUnauthorized = "unauthorized" // it refuses the credential
	CodeRateLimited  = "rate_limited"
	CodePartial      = "partial"   // the listing was not complete
	CodeTransient    = "transient" // passing trouble
	CodeInternal     = "internal"  // ours
	CodeInvalid      = "invalid"   // the options are no longer allowed
)

// Counts reports whether a FileChanged of the run runID counts: it is the current
// run of s and has not ended (I3).
func (s Source) Counts(runID RunID) bool { return s.Running && s.RunID == runID }

// A Job is one order to bring the log level with the provider, or to remove the
// source. It may take several attempts.
type Job struct {
	ID          JobID         `json:"id"`
	Mode        SyncMode      `json:"mode"`
	Trigger     Trigger       `json:"trigger,omitempty"`
	Status      JobStatus     `json:"status"`
	Claimed     bool          `json:"claimed,omitempty"` // a run works on it or died over it: nothing merges into it
	Release     bool          `json:"release,omitempty"` // the valve is open: held deletes were released
	Trace       string        `json:"trace,omitempty"`   // W3C traceparent of the record that opened it; empty when it has none
	RequestedAt time.Time     `json:"requested_at,omitzero"`
	StartedAt   time.Time     `json:"started_at,omitzero"` // of its first run
	EndedAt     time.Time     `json:"ended_at,omitzero"`
	FailedAt    time.Time     `json:"failed_at,omitzero"` // its last attempt; zero when none has failed
	RetryAt     time.Time     `json:"retry_at,omitzero"`  // not before, by the clock of FailedAt; zero: at once
	Attempt     int           `json:"attempt,omitempty"`  // attempts that ended in sync_failed without progress
	Run         int64         `json:"run,omitempty"`      // of its last claim
	Counts      Counts        `json:"counts"`             // over all its runs
	Failure     *Failure      `json:"failure,omitempty"`  // of its last attempt; nil once it completed
	Failures    []ItemFailure `json:"failures,omitempty"` // the first items that could not be read, at most 20
}

// Wait is how long the job still waits at now for its next attempt. A failure that
// is yet to come was told by a clock that was wrong, or now is: then only the delay
// between the two times of j means something, and foreign reports it. Who has
// waited for that long goes on.
func (j Job) Wait(now time.Time) (left time.Duration, foreign bool) {
	if j.RetryAt.IsZero() {
		return 0, false
	}
	if j.FailedAt.After(now) {
		return max(0, j.RetryAt.Sub(j.FailedAt)), true
	}
	return max(0, j.RetryAt.Sub(now)), false
}

// A JobStatus is how a job does, in one word of the platform.
type JobStatus string

// The states of a job.
const (
	JobQueued    JobStatus = "queued"
	JobRunning   JobStatus = "running"
	JobCompleted JobStatus = "completed"
	JobFailed    JobStatus = "failed" // for good
	JobCancelled JobStatus = "cancelled"
)

// Open reports whether the job has not ended.
func (s JobStatus) Open() bool { return s == JobQueued || s == JobRunning }

// A Run is one claim of a source, as the table runs holds it. A reader that
// starts in the middle of the log finds there which run was the current one.
type Run struct {
	Number  int64
	ID      RunID
	JobID   JobID
	Started int64 // offset of its sync_started
	Ended   int64 // offset of what ended it; -1 while it is the current one
}

package domain

import (
	"encoding/json"
	"time"
)

// A SourceChange says what happened to a source. Its values are on the log for
// good (I6): a new meaning is a new value.
type SourceChange string

// The changes of a source.
const (
	SourceRegistered         SourceChange = "registered"
	SourceUpdated            SourceChange = "updated"
	SourcePaused             SourceChange = "paused"
	SourceResumed            SourceChange = "resumed"
	SourceHintReceived       SourceChange = "hint_received"  // something may have changed at the provider
	SourceSyncRequested      SourceChange = "sync_requested" // opens a job, or merges into the one that waits
	SourceSyncStarted        SourceChange = "sync_started"   // a worker claims the source (I3)
	SourceSyncProgressed     SourceChange = "sync_progressed"
	SourceSyncCompleted      SourceChange = "sync_completed"
	SourceSyncFailed         SourceChange = "sync_failed"
	SourceSyncCancelled      SourceChange = "sync_cancelled" // has no run: it ends the job and its run at once
	SourceDeletesHeld        SourceChange = "deletes_held"   // the valve holds a mass delete (I8)
	SourceDeletesReleased    SourceChange = "deletes_released"
	SourceHookRegistered     SourceChange = "hook_registered"
	SourceHookRenewed        SourceChange = "hook_renewed"
	SourceHookRemoved        SourceChange = "hook_removed"
	SourceCredentialAttached SourceChange = "credential_attached"
	SourceCredentialExpired  SourceChange = "credential_expired"
	SourceRemovalRequested   SourceChange = "removal_requested" // opens the job that removes the source and ends all others
	SourceRemoved            SourceChange = "removed"           // ends that job; nothing counts after it
)

// Known reports whether c is a value that this version understands.
func (c SourceChange) Known() bool {
	switch c {
	case SourceRegistered, SourceUpdated, SourcePaused, SourceResumed, SourceHintReceived,
		SourceSyncRequested, SourceSyncStarted, SourceSyncProgressed, SourceSyncCompleted, SourceSyncFailed,
		SourceSyncCancelled, SourceDeletesHeld, SourceDeletesReleased, SourceHookRegistered, SourceHookRenewed,
		SourceHookRemoved, SourceCredentialAttached, SourceCredentialExpired, SourceRemovalRequested, SourceRemoved:
		return true
	}
	return false
}

// InRun reports whether an event of change c belongs to a run: it carries run,
// run_id and seq, and counts only while that run is the current one (I3).
func (c SourceChange) InRun() bool {
	switch c {
	case SourceSyncStarted, SourceSyncProgressed, SourceSyncCompleted, SourceSyncFailed, SourceDeletesHeld, SourceRemoved:
		return true
	default:
		return false
	}
}

// A SourceChanged says what happened to a source. One struct holds all changes;
// a field that a change does not carry is zero and not on the wire.
type SourceChanged struct {
	SourceID SourceID     `json:"source_id"`
	OwnerID  OwnerID      `json:"owner_id"`
	Provider Provider     `json:"provider"`
	Change   SourceChange `json:"change"`
	At       time.Time    `json:"at"` // UTC; for people, no order rests on it

	Name        string          `json:"name,omitempty"`         // registered, updated: for people
	ExternalKey string          `json:"external_key,omitempty"` // registered: what the provider calls it; unique per owner and provider
	Config      json.RawMessage `json:"config,omitempty"`       // registered, updated: the options as given, an object without secrets (I7)
	Partition   *int32          `json:"partition,omitempty"`    // registered: where all events of this source are, for good
	// registered, updated: what a trusted gateway has sent beside the options, for it
	// to find again; nothing here reads it, and no secret is in it (I7). updated
	// without it keeps what there was.
	Metadata map[string]string `json:"metadata,omitempty"`

	// Numbers the changes that no run and no job guards (updated, paused, resumed,
	// hook_*, credential_*): one counts only when it is the source's version + 1,
	// so that a late duplicate changes nothing.
	Version int64 `json:"version,omitempty"`

	JobID   JobID    `json:"job_id,omitzero"`  // sync_*, deletes_*, removal_requested, removed
	Mode    SyncMode `json:"mode,omitempty"`   // sync_requested
	Trigger Trigger  `json:"trigger,omitzero"` // sync_requested: why
	Cause   *Cause   `json:"cause,omitempty"`  // sync_requested by hints

	// The source's last run, if the request knows that it has ended
	// (sync_requested). Only such a request hurries a job that waits for its next
	// attempt, so that a late duplicate of an older one does not.
	AfterRun int64 `json:"after_run,omitempty"`

	Run     int64     `json:"run,omitempty"`     // in events of a run (InRun): grows with each claim of the source
	RunID   RunID     `json:"run_id,omitzero"`   // in events of a run: tells two claims of one number apart
	Seq     int64     `json:"seq,omitempty"`     // in events of a run: grows by one per event of the run, FileChanged included; 0 for sync_started
	Attempt int       `json:"attempt,omitempty"` // sync_started: this one, from 1; sync_failed: attempts that ended without progress
	Cursor  *Envelope `json:"cursor,omitempty"`  // sync_progressed: what counts from here on (I2), at most 64 KiB
	Counts  *Counts   `json:"counts,omitempty"`  // sync_progressed, sync_completed, sync_failed: of the job so far
	Totals  *Totals   `json:"totals,omitempty"`  // with Counts: what the source holds behind this event

	// registered, sync_completed, sync_failed: how the object is at the provider, when
	// that is not what was said before.
	Object *ObjectState `json:"object,omitempty"`

	Code     string        `json:"code,omitempty"`     // sync_failed: one word, "unauthorized"
	Message  string        `json:"message,omitempty"`  // sync_failed: for people, without secrets, at most 2 KiB
	RetryAt  time.Time     `json:"retry_at,omitzero"`  // sync_failed: zero when the job has ended with it
	Failures []ItemFailure `json:"failures,omitempty"` // sync_progressed: items of the page that could not be read, at most 20 (counts.failed has them all)

	Hint *Hint `json:"hint,omitempty"` // hint_received

	Held *Held `json:"held,omitempty"` // deletes_held; deletes_released carries its epoch

	CredentialID string    `json:"credential_id,omitempty"` // credential_*: an id, never a secret (I7)
	Installation string    `json:"installation,omitempty"`  // credential_attached: of an app, that the credential speaks for
	HookID       string    `json:"hook_id,omitempty"`       // hook_*
	ExpiresAt    time.Time `json:"expires_at,omitzero"`     // hook_registered, hook_renewed; zero: never
}

// A SyncMode says how far a job goes.
type SyncMode string

// The modes of a sync, weaker ones first. A request merges into a waiting job;
// the stronger mode wins.
const (
	SyncIncremental SyncMode = "incremental" // what changed since the cursor; a full one where there is no feed
	SyncFull        SyncMode = "full"        // list and compare everything, trusting no cache
	SyncRemove      SyncMode = "remove"      // tell of every file that it is gone, then forget the source
)

// Known reports whether m is a mode that this version understands.
func (m SyncMode) Known() bool { return m == SyncIncremental || m == SyncFull || m == SyncRemove }

func stronger(a, b SyncMode) SyncMode {
	if a == SyncFull || b == SyncFull {
		return SyncFull
	}
	return a
}

// A Trigger says why a sync was requested.
type Trigger string

// The triggers of a sync.
const (
	TriggerConnect  Trigger = "connect"  // the source is new
	TriggerManual   Trigger = "manual"   // somebody asked
	TriggerHint     Trigger = "hint"     // a webhook or a notice of the file system
	TriggerSchedule Trigger = "schedule" // its time has come
	TriggerUpdate   Trigger = "update"   // its config has changed
	TriggerRelease  Trigger = "release"  // held deletes were released
	TriggerRemoval  Trigger = "removal"
)

// A Cause names the hints that a request answers.
type Cause struct {
	From int64 `json:"from"` // offset of the first one
	To   int64 `json:"to"`   // offset of the last one
}

// A Hint says that something may have changed. It is never data.
type Hint struct {
	Origin        string   `json:"origin"`                   // "webhook", "watch", "poll", "deliveries" (one failed, by the provider's own log), or OriginContent
	ProviderEvent string   `json:"provider_event,omitempty"` // the provider's word: "push"
	DeliveryID    string   `json:"delivery_id,omitempty"`
	Refs          []string `json:"refs,omitempty"`
	PayloadDigest Digest   `json:"payload_digest,omitzero"`
	Access        bool     `json:"access,omitempty"` // the provider gives access again, or more of it
}

// OriginContent is the origin of a hint that content could not be read from our own
// store. Its refs are the ids of the files.
const OriginContent = "content"

// Held describes deletes that the valve holds (I8).
type Held struct {
	Epoch  int64    `json:"epoch"`            // of the listing that missed the files
	Count  int64    `json:"count,omitempty"`  // how many files it missed
	Sample []string `json:"sample,omitempty"` // paths of some of them, at most 10
}

package domain

import "slices"

// maxItemFailures is how many failed items of a job are kept for people.
const maxItemFailures = 20

// An Effect is what folding one event did to the rows about its source.
type Effect struct {
	Counted bool  // false: the fold ignored the event
	Jobs    []Job // jobs that were opened, changed or ended, as they are now
	Runs    []Run // runs that started or ended
}

// Apply folds e, which stands at offset in the source's partition. It is a pure
// function: any way of cutting the log into batches gives the same Source. What
// is not allowed is ignored: a duplicate of an event that counted, an event of
// another run (I3), a request that came too late, a value that this version does
// not know (I6). What was ignored leaves no trace, so a duplicate of it is judged
// by the state that it meets.
func (s Source) Apply(e SourceChanged, offset int64) (Source, Effect) {
	switch {
	case e.Change == SourceRegistered:
		return s.registered(e)
	case !s.Registered || s.Removed:
		return s, Effect{}
	case e.Change == SourceSyncStarted:
		return s.started(e, offset)
	case e.Change.InRun():
		return s.inRun(e, offset)
	case e.Version != 0:
		return s.versioned(e)
	}
	switch e.Change {
	case SourceHintReceived:
		s.BehindHint = max(s.BehindHint, offset+1)
		s.Lost = s.withLost(e.Hint, offset)
		if e.Hint != nil && e.Hint.Access {
			s.BehindAccess = s.BehindHint
		}
		return s, Effect{Counted: true}
	case SourceSyncRequested, SourceDeletesReleased:
		return s.requested(e)
	case SourceSyncCancelled:
		return s.cancelled(e, offset)
	case SourceRemovalRequested:
		return s.removalRequested(e, offset)
	default: // I6
		return s, Effect{}
	}
}

func (s Source) registered(e SourceChanged) (Source, Effect) {
	if s.Registered {
		return s, Effect{}
	}
	s = Source{
		ID: e.SourceID, Owner: e.OwnerID, Provider: e.Provider, Name: e.Name, ExternalKey: e.ExternalKey,
		Config: e.Config, Metadata: e.Metadata, Registered: true, RegisteredAt: e.At, Object: e.Object,
		Installation: installationIn(e.Config),
	}
	if e.Partition != nil {
		s.Partition = *e.Partition
	}
	return s, Effect{Counted: true}
}

// requested opens a job, or merges into the one that waits. It ignores what
// comes too late: a request for a job that is claimed or has ended.
func (s Source) requested(e SourceChanged) (Source, Effect) {
	release := e.Change == SourceDeletesReleased
	mode := e.Mode
	if release {
		mode = SyncFull
		if s.Held == nil || e.Held == nil || s.Held.Epoch != e.Held.Epoch {
			return s, Effect{}
		}
	}
	if s.Removing != (mode == SyncRemove) || !mode.Known() || e.JobID != s.openJob() {
		return s, Effect{}
	}
	if release {
		s.Held = nil
	}
	if n := len(s.Jobs); n > 0 && s.Jobs[n-1].ID == e.JobID { // it waits: merge, the stronger mode wins
		return s.merged(e, mode, release)
	}
	return s.open(Job{ID: e.JobID, Mode: mode, Trigger: e.Trigger, Release: release, Status: JobQueued, RequestedAt: e.At})
}

// merged strengthens the job that waits. When somebody who knows how the last
// run ended wants it now, no job in front of it waits for its next attempt any
// longer; a late duplicate of an older request does not know.
func (s Source) merged(e SourceChanged, mode SyncMode, release bool) (Source, Effect) {
	s.Jobs = slices.Clone(s.Jobs)
	last := &s.Jobs[len(s.Jobs)-1]
	last.Mode, last.Release = stronger(last.Mode, mode), last.Release || release
	if e.Trigger == TriggerManual && e.AfterRun == s.Run || release {
		for i := range s.Jobs {
			s.Jobs[i].RetryAt = zeroTime
		}
	}
	return s, Effect{Counted: true, Jobs: slices.Clone(s.Jobs)}
}

func (s Source) open(j Job) (Source, Effect) {
	s.Jobs, s.LastJob, s.RequestedAt = append(slices.Clip(s.Jobs), j), j.ID, j.RequestedAt
	return s, Effect{Counted: true, Jobs: []Job{j}}
}

// withJob changes the i-th open job.
func (s Source) withJob(i int, change func(*Job)) (Source, Effect) {
	s.Jobs = slices.Clone(s.Jobs)
	change(&s.Jobs[i])
	return s, Effect{Counted: true, Jobs: []Job{s.Jobs[i]}}
}

// started folds a claim (I3): the first one of a higher run wins, and only for
// the oldest job that has not ended.
func (s Source) started(e SourceChanged, offset int64) (Source, Effect) {
	if s.Waits() || len(s.Jobs) == 0 || e.JobID != s.Jobs[0].ID || e.Run <= s.Run {
		return s, Effect{}
	}
	ended := s.endRun(offset)
	s.Run, s.RunID, s.Running, s.Seq, s.BehindClaim = e.Run, e.RunID, true, 0, offset+1
	s.Rescoped, s.Reopened = false, false
	s, effect := s.withJob(0, func(j *Job) {
		j.Claimed, j.Status, j.Run, j.RetryAt = true, JobRunning, e.Run, zeroTime
		if j.StartedAt.IsZero() {
			j.StartedAt = e.At
		}
	})
	effect.Runs = append(ended, Run{Number: e.Run, ID: e.RunID, JobID: e.JobID, Started: offset, Ended: -1})
	return s, effect
}

// endRun tells which run ends at offset: the current one, if it has not ended.
// The caller sets Running. Its start is known to the table runs.
func (s Source) endRun(offset int64) []Run {
	if !s.Running {
		return nil
	}
	return []Run{{Number: s.Run, ID: s.RunID, JobID: s.Jobs[0].ID, Started: s.BehindClaim - 1, Ended: offset}}
}

// inRun folds an event of the current run; a seq that was passed already is a
// late duplicate and must not move the cursor back.
func (s Source) inRun(e SourceChanged, offset int64) (Source, Effect) {
	if !s.Counts(e.RunID) || e.Run != s.Run || e.Seq <= s.Seq || e.JobID != s.Jobs[0].ID || !s.fits(e.Change) {
		return s, Effect{}
	}
	s.Seq = e.Seq
	if e.Totals != nil {
		s.Totals = *e.Totals
	}
	if e.Object != nil {
		s.Object = e.Object
	}
	switch e.Change {
	case SourceSyncProgressed:
		return s.progressed(e)
	case SourceDeletesHeld:
		return s.held(e)
	case SourceSyncFailed:
		return s.failed(e, offset)
	default: // sync_completed, removed
		return s.completed(e, offset)
	}
}

// fits reports whether change may stand in the current job: a sync ends with
// sync_completed, a removal with removed.
func (s Source) fits(change SourceChange) bool {
	switch change {
	case SourceSyncCompleted:
		return !s.Removing
	case SourceRemoved:
		return s.Removing
	default:
		return true
	}
}

// held keeps what the valve holds (I8), unless a release waits already: its job
// lists everything again with the valve open.
func (s Source) held(e SourceChanged) (Source, Effect) {
	if !slices.ContainsFunc(s.Jobs, func(j Job) bool { return j.Release }) {
		s.Held = e.Held
	}
	return s, Effect{Counted: true}
}

func (s Source) progressed(e SourceChanged) (Source, Effect) {
	if e.Cursor != nil {
		s.Cursor = e.Cursor // I2: it counts from here on
	}
	return s.withJob(0, func(j *Job) {
		j.count(e)
		j.Attempt = 0 // attempts count only without progress
		for _, f := range e.Failures {
			if len(j.Failures) < maxItemFailures {
				j.Failures = append(slices.Clip(j.Failures), f)
			}
		}
	})
}

func (j *Job) count(e SourceChanged) {
	if e.Counts != nil {
		j.Counts = *e.Counts
	}
}

func (s Source) completed(e SourceChanged, offset int64) (Source, Effect) {
	if s.SyncedAt.IsZero() || s.Jobs[0].Mode == SyncFull {
		s.FullAt = e.At
	}
	s.Failure, s.FailedInARow, s.SyncedAt, s.Removed = nil, 0, e.At, s.Removing
	if e.Counts != nil && e.Counts.Changes() > 0 {
		s.ChangedAt = e.At
	}
	s.Duration = e.At.Sub(s.Jobs[0].StartedAt)
	if s.Held != nil && s.Cursor != nil && s.Held.Epoch < s.Cursor.Epoch {
		s.Held = nil // a later listing missed no such mass of files
	}
	s.Lost = s.stillLost()
	s, effect := s.endJob(offset, func(j *Job) {
		j.count(e)
		j.Status, j.EndedAt, j.Failure, j.FailedAt = JobCompleted, e.At, nil, zeroTime
	})
	if s.Removed { // a stub is left, so that nothing counts any more
		s.Name, s.Config, s.Metadata, s.Cursor, s.Held, s.Totals, s.Lost, s.Object = "", nil, nil, nil, nil, Totals{}, nil, nil
		s.Installation = ""
	}
	return s, effect
}

func (s Source) failed(e SourceChanged, offset int64) (Source, Effect) {
	if s.Failure == nil || s.Failure.Code != e.Code {
		s.FailedInARow = 0
	}
	failure := &Failure{Code: e.Code, Message: e.Message}
	s.Failure, s.FailedInARow = failure, s.FailedInARow+1
	fail := func(j *Job) {
		j.count(e)
		j.Attempt, j.Failure, j.FailedAt, j.RetryAt = e.Attempt, failure, e.At, e.RetryAt
	}
	if e.RetryAt.IsZero() {
		return s.endJob(offset, func(j *Job) {
			fail(j)
			j.Status, j.EndedAt = JobFailed, e.At
		})
	}
	runs := s.endRun(offset)
	s.Running = false
	s, effect := s.withJob(0, func(j *Job) {
		fail(j)
		j.Claimed, j.Status = false, JobQueued // it waits for its next attempt; requests merge into it
	})
	effect.Runs = runs
	return s, effect
}

// endJob ends the oldest job and its run.
func (s Source) endJob(offset int64, change func(*Job)) (Source, Effect) {
	runs := s.endRun(offset)
	s, effect := s.withJob(0, change)
	s.Jobs, s.Running = s.Jobs[1:], false
	effect.Runs = runs
	return s, effect
}

// cancelled ends an open job, and its run with it.
func (s Source) cancelled(e SourceChanged, offset int64) (Source, Effect) {
	i := slices.IndexFunc(s.Jobs, func(j Job) bool { return j.ID == e.JobID })
	if i < 0 || s.Removing {
		return s, Effect{}
	}
	var runs []Run
	if i == 0 {
		runs = s.endRun(offset)
		s.Running = false
	}
	s, effect := s.withJob(i, func(j *Job) { j.Status, j.EndedAt = JobCancelled, e.At })
	s.Jobs = slices.Delete(s.Jobs, i, i+1)
	effect.Runs = runs
	return s, effect
}

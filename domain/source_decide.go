package domain

import (
	"fmt"
	"time"
)

var zeroTime time.Time

// RequestSync decides on a sync: one event, for the job that waits or else for
// the next one. It does no I/O and promises nothing: before the event is on the
// log, a worker may claim that job. The fold then ignores the event and the
// caller, who waits for it, decides again or answers 409.
//
// ErrSourceNotFound: never registered, or its removal has been requested.
func (s Source) RequestSync(mode SyncMode, trigger Trigger, at time.Time) (SourceChanged, error) {
	if err := s.live(); err != nil {
		return SourceChanged{}, err
	}
	e := s.event(SourceSyncRequested, at)
	e.JobID, e.Mode, e.Trigger = s.openJob(), mode, trigger
	if !s.Running {
		e.AfterRun = s.Run
	}
	return e, nil
}

// RequestRemoval decides on the removal of s: one event, which ends all other
// jobs. ErrSourceNotFound: never registered, or requested before.
func (s Source) RequestRemoval(at time.Time) (SourceChanged, error) {
	if err := s.live(); err != nil {
		return SourceChanged{}, err
	}
	e := s.event(SourceRemovalRequested, at)
	e.JobID = NewJobID(s.ID, s.LastJob)
	return e, nil
}

// Hinted is the event of a hint.
func (s Source) Hinted(h Hint, at time.Time) (SourceChanged, error) {
	if err := s.live(); err != nil {
		return SourceChanged{}, err
	}
	e := s.event(SourceHintReceived, at)
	e.Hint = &h
	return e, nil
}

// Claim decides on a claim of the oldest open job for the run id (I3). attempt
// counts from 1. ErrConflict: s waits or has no open job.
func (s Source) Claim(id RunID, at time.Time) (SourceChanged, error) {
	if s.Waits() || s.Removed || len(s.Jobs) == 0 {
		return SourceChanged{}, fmt.Errorf("source %s has no job to claim: %w", s.ID, ErrConflict)
	}
	e := s.event(SourceSyncStarted, at)
	e.JobID, e.Run, e.RunID, e.Attempt = s.Jobs[0].ID, s.Run+1, id, s.Jobs[0].Attempt+1
	return e, nil
}

// Due decides whether s needs a job at time now: it has no open one, neither waits
// nor is removed, and was never asked for a sync, or has another config, another
// credential or a hint that its last claim has not seen, or the time of its
// schedule has come. slot is that time; zero means that it has none. A source
// whose removal was requested needs its removal job until it is removed.
func (s Source) Due(now, slot time.Time) (SourceChanged, bool) {
	if !s.Registered || s.Removed || s.Waits() || len(s.Jobs) > 0 {
		return SourceChanged{}, false
	}
	e := s.event(SourceSyncRequested, now)
	e.JobID, e.Mode = s.openJob(), SyncIncremental
	switch {
	case s.Removing:
		e.Mode, e.Trigger = SyncRemove, TriggerRemoval
	case s.LastJob == JobID{}:
		e.Trigger = TriggerConnect
	case s.Rescoped, s.Reopened:
		e.Trigger = TriggerUpdate
	case s.BehindHint > s.BehindClaim:
		e.Trigger, e.Cause = TriggerHint, &Cause{From: s.BehindClaim, To: s.BehindHint - 1}
	case !slot.IsZero() && !slot.After(now):
		e.Trigger = TriggerSchedule
	default:
		return SourceChanged{}, false
	}
	return e, true
}

// FullDue decides whether s needs a full sync at time now, because none has
// completed for a time: a feed does not tell of everything that is deleted or
// moved away. A source that fails is left to its retries and polls. slot is the
// time of its schedule, which is waited for; zero: it has none.
func (s Source) FullDue(now, slot time.Time, every time.Duration) (SourceChanged, bool) {
	if s.live() != nil || s.Waits() || len(s.Jobs) > 0 || s.Failure != nil || s.SyncedAt.IsZero() {
		return SourceChanged{}, false
	}
	if every <= 0 || now.Before(s.FullAt.Add(every)) || slot.After(now) {
		return SourceChanged{}, false
	}
	e := s.event(SourceSyncRequested, now)
	e.JobID, e.Mode, e.Trigger = s.openJob(), SyncFull, TriggerSchedule
	return e, true
}

// openJob is the job that a request belongs to now. Its id follows from the job
// before it, so requests that do not know of each other mean one job.
func (s Source) openJob() JobID {
	if n := len(s.Jobs); n > 0 && !s.Jobs[n-1].Claimed {
		return s.Jobs[n-1].ID
	}
	return NewJobID(s.ID, s.LastJob)
}

// OpenJob is the open job with this id.
func (s Source) OpenJob(id JobID) (Job, bool) {
	for _, j := range s.Jobs {
		if j.ID == id {
			return j, true
		}
	}
	return Job{}, false
}

func (s Source) live() error {
	if !s.Registered || s.Removing || s.Removed {
		return fmt.Errorf("source %q: %w", s.ID, ErrSourceNotFound)
	}
	return nil
}

// event is an event of s, as far as all changes share it.
func (s Source) event(change SourceChange, at time.Time) SourceChanged {
	return SourceChanged{SourceID: s.ID, OwnerID: s.Owner, Provider: s.Provider, Change: change, At: at}
}

// InRun is an event of the current run, whose Seq the run still has to set.
func (s Source) InRun(change SourceChange, at time.Time) SourceChanged {
	e := s.event(change, at)
	e.JobID, e.Run, e.RunID = s.Jobs[0].ID, s.Run, s.RunID
	return e
}

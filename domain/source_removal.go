package domain

import "slices"

// removalRequested ends every job and opens the only one that may still run.
func (s Source) removalRequested(e SourceChanged, offset int64) (Source, Effect) {
	if s.Removing || e.JobID != NewJobID(s.ID, s.LastJob) {
		return s, Effect{}
	}
	runs := s.endRun(offset)
	ended := slices.Clone(s.Jobs)
	for i := range ended {
		ended[i].Status, ended[i].EndedAt = JobCancelled, e.At
	}
	s.Jobs, s.Running, s.Removing, s.Paused = nil, false, true, false
	s, effect := s.open(Job{ID: e.JobID, Mode: SyncRemove, Trigger: TriggerRemoval, Status: JobQueued, RequestedAt: e.At})
	return s, Effect{Counted: true, Jobs: append(ended, effect.Jobs...), Runs: runs}
}

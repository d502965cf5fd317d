package ingest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/confuse/data-connector/domain"
)

// maxDecisions is how often a command decides anew when the log has overtaken it.
const maxDecisions = 3

// A SyncRequest asks for a sync of a source.
type SyncRequest struct {
	Owner    domain.OwnerID
	AnyOwner bool // the trusted gateway: the owner follows from the unguessable id (I10)
	Source   domain.SourceID
	Mode     domain.SyncMode // empty: incremental
	Key      string          // Idempotency-Key; empty: none
}

// RequestSync asks for a sync that begins after this call. It answers with the
// job that will do it, which may be one that waits already: requests merge.
//
// ErrSourceNotFound: unknown, another owner's, or being removed.
func (s *Service) RequestSync(ctx context.Context, req SyncRequest) (Accepted, error) {
	if req.Mode == "" {
		req.Mode = domain.SyncIncremental
	}
	if req.Mode != domain.SyncIncremental && req.Mode != domain.SyncFull {
		return Accepted{}, &domain.InvalidError{Field: "type", Problem: fmt.Sprintf("unknown kind of sync %q", domain.Clean(string(req.Mode))), Allowed: "full, incremental"}
	}
	src, err := s.owned(ctx, req.Owner, req.AnyOwner, req.Source)
	if err != nil {
		return Accepted{}, err
	}
	for range maxDecisions {
		e, err := src.RequestSync(req.Mode, domain.TriggerManual, s.Clock.Now())
		if err != nil {
			return Accepted{}, err
		}
		ids, repeated, err := s.idsFor(ctx, src.Owner, req.Key, digestOf("sync", req.Source.String(), string(req.Mode)), domain.CommandIDs{Job: e.JobID}, 1)
		if err != nil {
			return Accepted{}, err
		}
		e.JobID = ids.Job
		a, err := s.put(ctx, src.Partition, ids.Events, e)
		if err != nil {
			return a, err
		}
		if !a.Folded {
			a.Source, a.Job = src, queuedJob(e)
			return a, nil
		}
		if repeated { // it is the job of the first try, unless that one died and the log went on without it
			_, a.Job, err = s.Index.Job(ctx, e.JobID)
			if !errors.Is(err, domain.ErrJobNotFound) {
				return a, err
			}
		}
		if accepted(a.Source, e, a.At) {
			a.Job = jobOf(a.Source, e)
			return a, nil
		}
		src, req.Key = a.Source, "" // its job was claimed in between; the next one is meant
	}
	return Accepted{}, fmt.Errorf("source %s: a sync was requested too late %d times: %w", req.Source, maxDecisions, domain.ErrConflict)
}

// accepted reports whether the fold took the request e at p: its job waits, or
// was claimed behind p.
func accepted(src domain.Source, e domain.SourceChanged, p domain.Position) bool {
	job, open := src.OpenJob(e.JobID)
	return open && !job.Claimed || src.BehindClaim > p.Offset+1
}

func jobOf(src domain.Source, e domain.SourceChanged) domain.Job {
	if job, open := src.OpenJob(e.JobID); open {
		return job
	}
	return queuedJob(e)
}

func queuedJob(e domain.SourceChanged) domain.Job {
	return domain.Job{ID: e.JobID, Mode: e.Mode, Trigger: e.Trigger, Status: domain.JobQueued, RequestedAt: e.At}
}

// A RemoveRequest asks for the removal of a source.
type RemoveRequest struct {
	Owner  domain.OwnerID
	Source domain.SourceID
	Key    string // Idempotency-Key; empty: none
}

// Remove asks for the removal of a source. From then on it answers as an unknown
// one, while a job tells of every file that it is gone.
//
// ErrSourceNotFound: unknown, another owner's, or being removed by another call.
func (s *Service) Remove(ctx context.Context, req RemoveRequest) (Accepted, error) {
	src, err := s.Index.Source(ctx, req.Source)
	if err != nil {
		return Accepted{}, err
	}
	if src.Owner != req.Owner || src.Removed {
		return Accepted{}, fmt.Errorf("source %q: %w", req.Source, domain.ErrSourceNotFound)
	}
	return s.decide(ctx, src, req.Key, digestOf("remove", req.Source.String()), domain.Source.RequestRemoval)
}

// A JobRequest names a job.
type JobRequest struct {
	Owner domain.OwnerID
	Job   domain.JobID
	Key   string // Idempotency-Key; empty: none
}

// CancelJob ends an open job, and its run with it: what the run still appends does
// not count. What it has emitted stays. ErrJobNotFound: unknown or another
// owner's. ErrConflict: it has ended.
func (s *Service) CancelJob(ctx context.Context, req JobRequest) (Accepted, error) {
	src, _, err := s.sourceOfJob(ctx, req)
	if err != nil {
		return Accepted{}, err
	}
	return s.decide(ctx, src, req.Key, digestOf("cancel", req.Job.String()), func(now domain.Source, at time.Time) (domain.SourceChanged, error) {
		return now.Cancel(req.Job, at)
	})
}

// RetryJob lets a job that waits for its next attempt go on now, or asks for
// another one like it when it has failed for good or was cancelled. ErrConflict:
// it runs or has completed.
func (s *Service) RetryJob(ctx context.Context, req JobRequest) (Accepted, error) {
	src, job, err := s.sourceOfJob(ctx, req)
	if err != nil {
		return Accepted{}, err
	}
	if job.Status == domain.JobRunning || job.Status == domain.JobCompleted {
		return Accepted{}, fmt.Errorf("job %s is %s: %w", req.Job, job.Status, domain.ErrConflict)
	}
	return s.RequestSync(ctx, SyncRequest{Owner: req.Owner, Source: src.ID, Mode: job.Mode, Key: req.Key})
}

// sourceOfJob finds a job of this owner, on a source that is not being removed.
func (s *Service) sourceOfJob(ctx context.Context, req JobRequest) (domain.Source, domain.Job, error) {
	id, job, err := s.Index.Job(ctx, req.Job)
	if err != nil {
		return domain.Source{}, job, err
	}
	src, err := s.owned(ctx, req.Owner, false, id)
	if errors.Is(err, domain.ErrSourceNotFound) {
		err = fmt.Errorf("job %q: %w", req.Job, domain.ErrJobNotFound)
	}
	return src, job, err
}

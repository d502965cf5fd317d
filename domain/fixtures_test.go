package domain_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/confuse/data-connector/domain"
)

// Names of the tests. A job's id follows from the job before it.
var (
	noon   = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)
	later  = noon.Add(time.Hour)
	source = domain.SourceID{UUID: uuid.MustParse("0195a3c1-7d2e-7b6a-9f00-000000000001")}
	runA   = domain.RunID{UUID: uuid.MustParse("aaaaaaaa-0000-4000-8000-000000000001")}
	runB   = domain.RunID{UUID: uuid.MustParse("bbbbbbbb-0000-4000-8000-000000000002")}
	job1   = domain.NewJobID(source, domain.JobID{})
	job2   = domain.NewJobID(source, job1)
	job3   = domain.NewJobID(source, job2)
)

const owner = domain.OwnerID("demo-user-001")

// registered is the first event of every log here.
func registered() domain.SourceChanged {
	partition := int32(3)
	e := event(domain.SourceRegistered)
	e.Name, e.ExternalKey, e.Config, e.Partition = "docs", "/srv/docs", json.RawMessage(`{"rootPath":"/srv/docs"}`), &partition
	return e
}

func event(change domain.SourceChange) domain.SourceChanged {
	return domain.SourceChanged{SourceID: source, OwnerID: owner, Provider: "localfs", Change: change, At: noon}
}

func request(job domain.JobID, mode domain.SyncMode) domain.SourceChanged {
	e := event(domain.SourceSyncRequested)
	e.JobID, e.Mode, e.Trigger = job, mode, domain.TriggerSchedule
	return e
}

func hurry(job domain.JobID, afterRun int64) domain.SourceChanged {
	e := request(job, domain.SyncIncremental)
	e.Trigger, e.AfterRun = domain.TriggerManual, afterRun
	return e
}

func inRun(change domain.SourceChange, job domain.JobID, run int64, id domain.RunID, seq int64) domain.SourceChanged {
	e := event(change)
	e.JobID, e.Run, e.RunID, e.Seq = job, run, id, seq
	return e
}

func claim(job domain.JobID, run int64, id domain.RunID) domain.SourceChanged {
	e := inRun(domain.SourceSyncStarted, job, run, id, 0)
	e.Attempt = 1
	return e
}

func progressed(job domain.JobID, run int64, id domain.RunID, seq int64) domain.SourceChanged {
	e := inRun(domain.SourceSyncProgressed, job, run, id, seq)
	e.Cursor = &domain.Envelope{Phase: domain.PhaseListing, Epoch: seq}
	e.Counts, e.Totals = &domain.Counts{Added: seq}, &domain.Totals{Files: seq}
	return e
}

func completed(job domain.JobID, run int64, id domain.RunID) domain.SourceChanged {
	return inRun(domain.SourceSyncCompleted, job, run, id, 100)
}

// failed ends the attempt; retry zero ends the job.
func failed(job domain.JobID, run int64, id domain.RunID, retry time.Time) domain.SourceChanged {
	e := inRun(domain.SourceSyncFailed, job, run, id, 100)
	e.Code, e.Message, e.Attempt, e.RetryAt = domain.CodeTransient, "no answer", 1, retry
	return e
}

func cancelled(job domain.JobID) domain.SourceChanged {
	e := event(domain.SourceSyncCancelled)
	e.JobID = job
	return e
}

// held is of run A and epoch 2.
func held(seq int64) domain.SourceChanged {
	e := inRun(domain.SourceDeletesHeld, job1, 1, runA, seq)
	e.Held = &domain.Held{Epoch: 2, Count: 600}
	return e
}

func released(job domain.JobID, epoch int64) domain.SourceChanged {
	e := event(domain.SourceDeletesReleased)
	e.JobID, e.Trigger, e.Held = job, domain.TriggerRelease, &domain.Held{Epoch: epoch}
	return e
}

func removal(job domain.JobID) domain.SourceChanged {
	e := event(domain.SourceRemovalRequested)
	e.JobID = job
	return e
}

func removed(job domain.JobID, run int64, id domain.RunID) domain.SourceChanged {
	return inRun(domain.SourceRemoved, job, run, id, 100)
}

func versioned(change domain.SourceChange, version int64) domain.SourceChanged {
	e := event(change)
	e.Version = version
	return e
}

func hint() domain.SourceChanged {
	e := event(domain.SourceHintReceived)
	e.Hint = &domain.Hint{Origin: "watch"}
	return e
}

// log is a source's events: registered, then these. The i-th one stands at
// offset i.
func log(events ...domain.SourceChanged) []domain.SourceChanged {
	return append([]domain.SourceChanged{registered()}, events...)
}

func fold(events []domain.SourceChanged) domain.Source {
	var s domain.Source
	for offset, e := range events {
		s, _ = s.Apply(e, int64(offset))
	}
	return s
}

// diff compares what two folds gave.
func diff(t *testing.T, what string, want, got any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

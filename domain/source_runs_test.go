package domain_test

import (
	"testing"
	"time"

	"github.com/confuse/data-connector/domain"
)

// Who may write is decided by the log (I3).
func TestSourceRuns(t *testing.T) {
	t.Parallel()

	requested := log(request(job1, domain.SyncFull))
	with := func(events ...domain.SourceChanged) []domain.SourceChanged {
		return append(requested[:len(requested):len(requested)], events...)
	}
	type current struct {
		Run     int64
		ID      domain.RunID
		Running bool
		Seq     int64
		Cursor  int64 // epoch of the cursor that counts
	}
	tests := map[string]struct {
		given []domain.SourceChanged
		then  current
	}{
		"a claim":                          {given: with(claim(job1, 1, runA)), then: current{Run: 1, ID: runA, Running: true}},
		"two claims of one number":         {given: with(claim(job1, 1, runA), claim(job1, 1, runB)), then: current{Run: 1, ID: runA, Running: true}},
		"a higher claim takes over":        {given: with(claim(job1, 1, runA), claim(job1, 2, runB)), then: current{Run: 2, ID: runB, Running: true}},
		"a late duplicate of a claim":      {given: with(claim(job1, 1, runA), claim(job1, 2, runB), claim(job1, 1, runA)), then: current{Run: 2, ID: runB, Running: true}},
		"a claim may skip numbers":         {given: with(claim(job1, 9, runA)), then: current{Run: 9, ID: runA, Running: true}},
		"a claim without a job":            {given: log(claim(job1, 1, runA)), then: current{}},
		"a claim of a job not the oldest":  {given: with(claim(job1, 1, runA), request(job2, domain.SyncFull), claim(job2, 2, runB)), then: current{Run: 1, ID: runA, Running: true}},
		"a claim of a finished job":        {given: with(claim(job1, 1, runA), completed(job1, 1, runA), request(job2, domain.SyncFull), claim(job1, 2, runB)), then: current{Run: 1, ID: runA, Seq: 100}},
		"a claim of a paused source":       {given: with(versioned(domain.SourcePaused, 1), claim(job1, 1, runA)), then: current{}},
		"a pause lets the run go on":       {given: with(claim(job1, 1, runA), versioned(domain.SourcePaused, 1), progressed(job1, 1, runA, 2)), then: current{Run: 1, ID: runA, Running: true, Seq: 2, Cursor: 2}},
		"progress moves the cursor":        {given: with(claim(job1, 1, runA), progressed(job1, 1, runA, 2), progressed(job1, 1, runA, 4)), then: current{Run: 1, ID: runA, Running: true, Seq: 4, Cursor: 4}},
		"a late duplicate of progress":     {given: with(claim(job1, 1, runA), progressed(job1, 1, runA, 2), progressed(job1, 1, runA, 4), progressed(job1, 1, runA, 2)), then: current{Run: 1, ID: runA, Running: true, Seq: 4, Cursor: 4}},
		"a zombie":                         {given: with(claim(job1, 1, runA), claim(job1, 2, runB), progressed(job1, 1, runA, 2), completed(job1, 1, runA)), then: current{Run: 2, ID: runB, Running: true}},
		"the loser of one number":          {given: with(claim(job1, 1, runA), claim(job1, 1, runB), progressed(job1, 1, runB, 2)), then: current{Run: 1, ID: runA, Running: true}},
		"the right id, the wrong number":   {given: with(claim(job1, 1, runA), progressed(job1, 2, runA, 2)), then: current{Run: 1, ID: runA, Running: true}},
		"the right run, another job":       {given: with(claim(job1, 1, runA), progressed(job2, 1, runA, 2)), then: current{Run: 1, ID: runA, Running: true}},
		"completed ends the run":           {given: with(claim(job1, 1, runA), completed(job1, 1, runA), progressed(job1, 1, runA, 101)), then: current{Run: 1, ID: runA, Seq: 100}},
		"failed ends the run":              {given: with(claim(job1, 1, runA), failed(job1, 1, runA, later), progressed(job1, 1, runA, 101)), then: current{Run: 1, ID: runA, Seq: 100}},
		"cancelled ends the run":           {given: with(claim(job1, 1, runA), progressed(job1, 1, runA, 2), cancelled(job1), progressed(job1, 1, runA, 4)), then: current{Run: 1, ID: runA, Seq: 2, Cursor: 2}},
		"cancelling the next job does not": {given: with(claim(job1, 1, runA), request(job2, domain.SyncFull), cancelled(job2)), then: current{Run: 1, ID: runA, Running: true}},
		"a removal ends the run":           {given: with(claim(job1, 1, runA), removal(job2), progressed(job1, 1, runA, 2)), then: current{Run: 1, ID: runA}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			s := fold(tt.given)
			got := current{Run: s.Run, ID: s.RunID, Running: s.Running, Seq: s.Seq}
			if s.Cursor != nil {
				got.Cursor = s.Cursor.Epoch
			}
			diff(t, "current run", tt.then, got)
			for _, id := range []domain.RunID{runA, runB} {
				if want := tt.then.Running && tt.then.ID == id; s.Counts(id) != want {
					t.Errorf("run %s: got counts %v, want %v", id, s.Counts(id), want)
				}
			}
		})
	}
}

// An effect says which rows an event changes.
func TestSourceApplyEffect(t *testing.T) {
	t.Parallel()

	type job struct {
		ID     domain.JobID
		Status domain.JobStatus
	}
	open := func(number int64, id domain.RunID, started int64) domain.Run {
		return domain.Run{Number: number, ID: id, JobID: job1, Started: started, Ended: -1}
	}
	ended := func(r domain.Run, at int64) domain.Run { r.Ended = at; return r }
	tests := map[string]struct {
		given []domain.SourceChanged
		when  domain.SourceChanged // at the offset behind given
		jobs  []job
		runs  []domain.Run
	}{
		"requested": {given: log(), when: request(job1, domain.SyncFull), jobs: []job{{job1, domain.JobQueued}}},
		"claimed":   {given: log(request(job1, domain.SyncFull)), when: claim(job1, 1, runA), jobs: []job{{job1, domain.JobRunning}}, runs: []domain.Run{open(1, runA, 2)}},
		"taken over": {
			given: log(request(job1, domain.SyncFull), claim(job1, 1, runA)), when: claim(job1, 2, runB),
			jobs: []job{{job1, domain.JobRunning}}, runs: []domain.Run{ended(open(1, runA, 2), 3), open(2, runB, 3)},
		},
		"completed": {
			given: log(request(job1, domain.SyncFull), claim(job1, 1, runA)), when: completed(job1, 1, runA),
			jobs: []job{{job1, domain.JobCompleted}}, runs: []domain.Run{ended(open(1, runA, 2), 3)},
		},
		"failed, to be tried again": {
			given: log(request(job1, domain.SyncFull), claim(job1, 1, runA)), when: failed(job1, 1, runA, later),
			jobs: []job{{job1, domain.JobQueued}}, runs: []domain.Run{ended(open(1, runA, 2), 3)},
		},
		"failed for good": {
			given: log(request(job1, domain.SyncFull), claim(job1, 1, runA)), when: failed(job1, 1, runA, time.Time{}),
			jobs: []job{{job1, domain.JobFailed}}, runs: []domain.Run{ended(open(1, runA, 2), 3)},
		},
		"cancelled while it runs": {
			given: log(request(job1, domain.SyncFull), claim(job1, 1, runA)), when: cancelled(job1),
			jobs: []job{{job1, domain.JobCancelled}}, runs: []domain.Run{ended(open(1, runA, 2), 3)},
		},
		"cancelled while it waits": {given: log(request(job1, domain.SyncFull)), when: cancelled(job1), jobs: []job{{job1, domain.JobCancelled}}},
		"removal ends all others": {
			given: log(request(job1, domain.SyncFull), claim(job1, 1, runA), request(job2, domain.SyncFull)), when: removal(job3),
			jobs: []job{{job1, domain.JobCancelled}, {job2, domain.JobCancelled}, {job3, domain.JobQueued}},
			runs: []domain.Run{ended(open(1, runA, 2), 4)},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			_, effect := fold(tt.given).Apply(tt.when, int64(len(tt.given)))
			var jobs []job
			for _, j := range effect.Jobs {
				jobs = append(jobs, job{j.ID, j.Status})
			}
			diff(t, "jobs", tt.jobs, jobs)
			diff(t, "runs", tt.runs, effect.Runs)
			if !effect.Counted {
				t.Error("got an ignored event, want it to count")
			}
		})
	}
}

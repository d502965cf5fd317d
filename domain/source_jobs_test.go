package domain_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/confuse/data-connector/domain"
)

func TestSourceJobRetries(t *testing.T) {
	t.Parallel()

	start := log(request(job1, domain.SyncIncremental), claim(job1, 1, runA))
	with := func(events ...domain.SourceChanged) []domain.SourceChanged {
		return append(start[:len(start):len(start)], events...)
	}
	failure := &domain.Failure{Code: domain.CodeTransient, Message: "no answer"}
	job := func(change func(*domain.Job)) domain.Job {
		j := domain.Job{
			ID: job1, Mode: domain.SyncIncremental, Trigger: domain.TriggerSchedule, Status: domain.JobRunning,
			Claimed: true, RequestedAt: noon, StartedAt: noon, Run: 1,
		}
		change(&j)
		return j
	}
	waiting := func(j *domain.Job) {
		j.Status, j.Claimed, j.Attempt, j.FailedAt, j.RetryAt, j.Failure = domain.JobQueued, false, 1, noon, later, failure
	}
	tests := map[string]struct {
		given []domain.SourceChanged
		then  domain.Job // the oldest one
	}{
		"runs":                       {given: with(), then: job(func(*domain.Job) {})},
		"waits for its next attempt": {given: with(failed(job1, 1, runA, later)), then: job(waiting)},
		"the next attempt": {given: with(failed(job1, 1, runA, later), claim(job1, 2, runB)), then: job(func(j *domain.Job) {
			j.Run, j.Attempt, j.FailedAt, j.Failure = 2, 1, noon, failure
		})},
		"progress starts the count again": {
			given: with(failed(job1, 1, runA, later), claim(job1, 2, runB), progressed(job1, 2, runB, 3)),
			then: job(func(j *domain.Job) {
				j.Run, j.FailedAt, j.Failure, j.Counts = 2, noon, failure, domain.Counts{Added: 3}
			}),
		},
		"somebody wants it now": {given: with(failed(job1, 1, runA, later), hurry(job1, 1)), then: job(func(j *domain.Job) {
			waiting(j)
			j.RetryAt = time.Time{}
		})},
		"a schedule does not hurry it": {given: with(failed(job1, 1, runA, later), request(job1, domain.SyncIncremental)), then: job(waiting)},
		"a late duplicate of what hurried it before": {
			given: log(hurry(job1, 0), claim(job1, 1, runA), failed(job1, 1, runA, later), hurry(job1, 0)),
			then: job(func(j *domain.Job) {
				waiting(j)
				j.Trigger = domain.TriggerManual
			}),
		},
		"a late duplicate of what was wanted while it ran": {
			given: with(hurry(job2, 0), failed(job1, 1, runA, later), hurry(job2, 0)), then: job(waiting),
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			diff(t, "job", tt.then, fold(tt.given).Jobs[0])
		})
	}
}

// A clock that is wrong makes nobody wait for longer than was meant.
func TestJobWait(t *testing.T) {
	t.Parallel()

	const hour = time.Hour
	tests := map[string]struct {
		failed, retry time.Time
		left          time.Duration
		foreign       bool
	}{
		"has not failed":                   {},
		"may go on":                        {failed: noon.Add(-hour), retry: noon.Add(-time.Second)},
		"waits":                            {failed: noon.Add(-time.Second), retry: noon.Add(hour), left: hour},
		"at the same time":                 {failed: noon, retry: noon.Add(hour), left: hour},
		"told by a clock an hour ahead":    {failed: noon.Add(hour), retry: noon.Add(hour + time.Second), left: time.Second, foreign: true},
		"told by a clock an hour behind":   {failed: noon.Add(-hour), retry: noon.Add(time.Second - hour)},
		"of a program that told no time":   {retry: noon.Add(hour), left: hour},
		"before it failed, which is silly": {failed: noon.Add(hour), retry: noon, foreign: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			left, foreign := domain.Job{FailedAt: tt.failed, RetryAt: tt.retry}.Wait(noon)
			if left != tt.left || foreign != tt.foreign {
				t.Errorf("got %s, foreign %v; want %s, %v", left, foreign, tt.left, tt.foreign)
			}
		})
	}
}

// A request that waits hurries all in front of it, and the request that a
// command decides on does so.
func TestSourceRequestSyncHurries(t *testing.T) {
	t.Parallel()

	s := fold(log(request(job1, domain.SyncFull), claim(job1, 1, runA), request(job2, domain.SyncFull), failed(job1, 1, runA, later)))
	e, err := s.RequestSync(domain.SyncFull, domain.TriggerManual, noon)
	if err != nil {
		t.Fatal(err)
	}
	then, effect := s.Apply(e, 50)
	if !then.Jobs[0].RetryAt.IsZero() || len(effect.Jobs) != 2 {
		t.Errorf("got retry at %v and %d changed jobs, want at once and 2", then.Jobs[0].RetryAt, len(effect.Jobs))
	}
	if s.Jobs[0].RetryAt.IsZero() {
		t.Error("the fold changed the value it was called on")
	}
}

func TestSourceOutcomes(t *testing.T) {
	t.Parallel()

	start := log(request(job1, domain.SyncFull), claim(job1, 1, runA))
	with := func(events ...domain.SourceChanged) []domain.SourceChanged {
		return append(start[:len(start):len(start)], events...)
	}
	done := completed(job1, 1, runA)
	done.At, done.Counts, done.Totals = later, &domain.Counts{Listed: 5, Added: 2}, &domain.Totals{Files: 5, Bytes: 70}
	idle := completed(job1, 1, runA)
	idle.At, idle.Counts, idle.Totals = later, &domain.Counts{Listed: 5}, &domain.Totals{Files: 5}
	gone := func(run int64, id domain.RunID) domain.SourceChanged {
		e := failed(job1, run, id, later)
		e.Code = domain.CodeGone
		return e
	}
	other := gone(2, runB)
	type outcome struct {
		Status       domain.SourceStatus
		Totals       domain.Totals
		SyncedAt     time.Time
		ChangedAt    time.Time
		Duration     time.Duration
		Failure      string
		FailedInARow int
	}
	tests := map[string]struct {
		given []domain.SourceChanged
		then  outcome
	}{
		"registered": {given: log(), then: outcome{Status: domain.StatusPending}},
		"requested":  {given: log(request(job1, domain.SyncFull)), then: outcome{Status: domain.StatusPending}},
		"running":    {given: with(), then: outcome{Status: domain.StatusSyncing}},
		"completed with changes": {given: with(done), then: outcome{
			Status: domain.StatusSynced, Totals: domain.Totals{Files: 5, Bytes: 70}, SyncedAt: later, ChangedAt: later, Duration: time.Hour,
		}},
		"completed without": {given: with(idle), then: outcome{
			Status: domain.StatusSynced, Totals: domain.Totals{Files: 5}, SyncedAt: later, Duration: time.Hour,
		}},
		"synced, the next one waits": {given: with(idle, request(job2, domain.SyncFull)), then: outcome{
			Status: domain.StatusSyncing, Totals: domain.Totals{Files: 5}, SyncedAt: later, Duration: time.Hour,
		}},
		"failed for good":     {given: with(failed(job1, 1, runA, time.Time{})), then: outcome{Status: domain.StatusFailed, Failure: domain.CodeTransient, FailedInARow: 1}},
		"failed, tried again": {given: with(failed(job1, 1, runA, later)), then: outcome{Status: domain.StatusFailed, Failure: domain.CodeTransient, FailedInARow: 1}},
		"failed twice alike": {
			given: with(failed(job1, 1, runA, later), claim(job1, 2, runB), failed(job1, 2, runB, later)),
			then:  outcome{Status: domain.StatusFailed, Failure: domain.CodeTransient, FailedInARow: 2},
		},
		"failed twice for other reasons": {
			given: with(failed(job1, 1, runA, later), claim(job1, 2, runB), other),
			then:  outcome{Status: domain.StatusFailed, Failure: domain.CodeGone, FailedInARow: 1},
		},
		"gone, and twice confirmed": {
			given: with(gone(1, runA), claim(job1, 2, runB), gone(2, runB), claim(job1, 3, runA), gone(3, runA)),
			then:  outcome{Status: domain.StatusDisconnected, Failure: domain.CodeGone, FailedInARow: 3},
		},
		"completed after a failure": {
			given: with(failed(job1, 1, runA, later), claim(job1, 2, runB), completed(job1, 2, runB)),
			then:  outcome{Status: domain.StatusSynced, SyncedAt: noon},
		},
		"credential expired": {given: with(versioned(domain.SourceCredentialExpired, 1)), then: outcome{Status: domain.StatusDisconnected}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			s := fold(tt.given)
			got := outcome{Status: s.Status(), Totals: s.Totals, SyncedAt: s.SyncedAt, ChangedAt: s.ChangedAt, Duration: s.Duration, FailedInARow: s.FailedInARow}
			if s.Failure != nil {
				got.Failure = s.Failure.Code
			}
			diff(t, "outcome", tt.then, got)
		})
	}
}

// A job keeps some of the items that could not be read, however many pages told
// of them.
func TestSourceItemFailures(t *testing.T) {
	t.Parallel()

	events := log(request(job1, domain.SyncFull), claim(job1, 1, runA))
	for seq := range int64(5) {
		e := progressed(job1, 1, runA, seq+1)
		e.Failures = make([]domain.ItemFailure, 7)
		events = append(events, e)
	}
	s := fold(events)
	if got := len(s.Jobs[0].Failures); got != 20 {
		t.Errorf("got %d failures, want 20", got)
	}
	j, ok := s.OpenJob(job1)
	if !ok || !cmp.Equal(j, s.Jobs[0]) {
		t.Errorf("got job %v, %v, want the open one", j, ok)
	}
	if _, ok := s.OpenJob(job2); ok {
		t.Error("got a job that was never opened")
	}
}

// What is decided while a run goes on does not know how it ends.
func TestSourceRequestSyncAfterRun(t *testing.T) {
	t.Parallel()

	running := log(request(job1, domain.SyncFull), claim(job1, 1, runA))
	for want, given := range [][]domain.SourceChanged{0: running, 1: append(running, failed(job1, 1, runA, later))} {
		e, err := fold(given).RequestSync(domain.SyncFull, domain.TriggerManual, noon)
		if err != nil || e.AfterRun != int64(want) {
			t.Errorf("got after run %d, %v, want %d", e.AfterRun, err, want)
		}
	}
}

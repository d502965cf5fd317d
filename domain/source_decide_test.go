package domain_test

import (
	"errors"
	"testing"
	"time"

	"github.com/confuse/data-connector/domain"
)

// open is a job as far as requests decide it.
type open struct {
	ID      domain.JobID
	Mode    domain.SyncMode
	Claimed bool
}

func openJobs(s domain.Source) []open {
	var jobs []open
	for _, j := range s.Jobs {
		jobs = append(jobs, open{j.ID, j.Mode, j.Claimed})
	}
	return jobs
}

func TestSourceRequestSync(t *testing.T) {
	t.Parallel()

	tests := map[string]struct {
		given []domain.SourceChanged // the log so far
		when  domain.SyncMode        // requested now
		then  []open                 // open jobs, oldest first, once the answer is folded
		err   error
	}{
		"first job": {given: log(), when: domain.SyncFull, then: []open{{ID: job1, Mode: domain.SyncFull}}},
		"waits: stronger wins": {
			given: log(request(job1, domain.SyncIncremental)), when: domain.SyncFull,
			then: []open{{ID: job1, Mode: domain.SyncFull}},
		},
		"waits: weaker changes nothing": {
			given: log(request(job1, domain.SyncFull)), when: domain.SyncIncremental,
			then: []open{{ID: job1, Mode: domain.SyncFull}},
		},
		"runs: the next one waits behind it": {
			given: log(request(job1, domain.SyncFull), claim(job1, 1, runA)), when: domain.SyncIncremental,
			then: []open{{ID: job1, Mode: domain.SyncFull, Claimed: true}, {ID: job2, Mode: domain.SyncIncremental}},
		},
		"waits for its next attempt: merges": {
			given: log(request(job1, domain.SyncIncremental), claim(job1, 1, runA), failed(job1, 1, runA, later)), when: domain.SyncFull,
			then: []open{{ID: job1, Mode: domain.SyncFull}},
		},
		"a late request for a claimed job is ignored": {
			given: log(request(job1, domain.SyncIncremental), claim(job1, 1, runA), request(job1, domain.SyncFull)), when: domain.SyncFull,
			then: []open{{ID: job1, Mode: domain.SyncIncremental, Claimed: true}, {ID: job2, Mode: domain.SyncFull}},
		},
		"a request of an unknown mode is ignored": {
			given: log(request(job1, "backwards")), when: domain.SyncFull, then: []open{{ID: job1, Mode: domain.SyncFull}},
		},
		"after a completed job": {
			given: log(request(job1, domain.SyncFull), claim(job1, 1, runA), completed(job1, 1, runA)), when: domain.SyncIncremental,
			then: []open{{ID: job2, Mode: domain.SyncIncremental}},
		},
		"after a cancelled job": {
			given: log(request(job1, domain.SyncFull), cancelled(job1)), when: domain.SyncFull, then: []open{{ID: job2, Mode: domain.SyncFull}},
		},
		"paused: the job waits": {
			given: log(versioned(domain.SourcePaused, 1)), when: domain.SyncFull, then: []open{{ID: job1, Mode: domain.SyncFull}},
		},
		"never registered":  {when: domain.SyncFull, err: domain.ErrSourceNotFound},
		"removal requested": {given: log(removal(job1)), when: domain.SyncFull, err: domain.ErrSourceNotFound},
		"removed": {
			given: log(removal(job1), claim(job1, 1, runA), removed(job1, 1, runA)), when: domain.SyncFull, err: domain.ErrSourceNotFound,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			s := fold(tt.given)
			e, err := s.RequestSync(tt.when, domain.TriggerManual, noon)
			if !errors.Is(err, tt.err) {
				t.Fatalf("got error %v, want %v", err, tt.err)
			}
			if tt.err != nil {
				return
			}
			then, effect := s.Apply(e, 50)
			diff(t, "open jobs", tt.then, openJobs(then))
			if !effect.Counted {
				t.Error("the fold ignored what was decided on it")
			}
		})
	}
}

func TestSourceRequestRemoval(t *testing.T) {
	t.Parallel()

	tests := map[string]struct {
		given []domain.SourceChanged
		then  []open
		err   error
	}{
		"nothing open":       {given: log(), then: []open{{ID: job1, Mode: domain.SyncRemove}}},
		"ends a waiting job": {given: log(request(job1, domain.SyncFull)), then: []open{{ID: job2, Mode: domain.SyncRemove}}},
		"ends a running job": {given: log(request(job1, domain.SyncFull), claim(job1, 1, runA)), then: []open{{ID: job2, Mode: domain.SyncRemove}}},
		"paused":             {given: log(versioned(domain.SourcePaused, 1)), then: []open{{ID: job1, Mode: domain.SyncRemove}}},
		"never registered":   {err: domain.ErrSourceNotFound},
		"requested before":   {given: log(removal(job1)), err: domain.ErrSourceNotFound},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			s := fold(tt.given)
			e, err := s.RequestRemoval(noon)
			if !errors.Is(err, tt.err) {
				t.Fatalf("got error %v, want %v", err, tt.err)
			}
			if tt.err != nil {
				return
			}
			then, _ := s.Apply(e, 50)
			diff(t, "open jobs", tt.then, openJobs(then))
			if !then.Removing || then.Paused || then.Running {
				t.Errorf("got removing %v, paused %v, running %v, want only removing", then.Removing, then.Paused, then.Running)
			}
		})
	}
}

func TestSourceClaim(t *testing.T) {
	t.Parallel()

	tests := map[string]struct {
		given   []domain.SourceChanged
		job     domain.JobID
		run     int64
		attempt int
		err     error
	}{
		"first run":                   {given: log(request(job1, domain.SyncFull)), job: job1, run: 1, attempt: 1},
		"takes a dead worker's job":   {given: log(request(job1, domain.SyncFull), claim(job1, 1, runA)), job: job1, run: 2, attempt: 1},
		"the oldest of two":           {given: log(request(job1, domain.SyncFull), claim(job1, 1, runA), request(job2, domain.SyncFull)), job: job1, run: 2, attempt: 1},
		"after a failed attempt":      {given: log(request(job1, domain.SyncFull), claim(job1, 1, runA), failed(job1, 1, runA, later)), job: job1, run: 2, attempt: 2},
		"the removal of a paused one": {given: log(versioned(domain.SourcePaused, 1), removal(job1)), job: job1, run: 1, attempt: 1},
		"no job":                      {given: log(), err: domain.ErrConflict},
		"paused":                      {given: log(request(job1, domain.SyncFull), versioned(domain.SourcePaused, 1)), err: domain.ErrConflict},
		"removed":                     {given: log(removal(job1), claim(job1, 1, runA), removed(job1, 1, runA)), err: domain.ErrConflict},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			s := fold(tt.given)
			e, err := s.Claim(runB, noon)
			if !errors.Is(err, tt.err) {
				t.Fatalf("got error %v, want %v", err, tt.err)
			}
			if tt.err != nil {
				return
			}
			if e.JobID != tt.job || e.Run != tt.run || e.Attempt != tt.attempt || e.RunID != runB {
				t.Errorf("got job %s run %d attempt %d of %s, want %s %d %d of %s", e.JobID, e.Run, e.Attempt, e.RunID, tt.job, tt.run, tt.attempt, runB)
			}
			if then, _ := s.Apply(e, 50); !then.Counts(runB) {
				t.Error("the claim did not win")
			}
		})
	}
}

func TestSourceHinted(t *testing.T) {
	t.Parallel()

	if _, err := fold(log(removal(job1))).Hinted(domain.Hint{Origin: "watch"}, noon); !errors.Is(err, domain.ErrSourceNotFound) {
		t.Errorf("got error %v, want %v", err, domain.ErrSourceNotFound)
	}
	s := fold(log())
	e, err := s.Hinted(domain.Hint{Origin: "watch"}, noon)
	if err != nil {
		t.Fatal(err)
	}
	then, effect := s.Apply(e, 50)
	if !effect.Counted || then.BehindHint != 51 {
		t.Errorf("got counted %v, behind hint %d, want true, 51", effect.Counted, then.BehindHint)
	}
}

func TestSourceDue(t *testing.T) {
	t.Parallel()

	synced := func(more ...domain.SourceChanged) []domain.SourceChanged {
		return append(log(request(job1, domain.SyncFull), claim(job1, 1, runA), completed(job1, 1, runA)), more...)
	}
	tests := map[string]struct {
		given []domain.SourceChanged
		slot  time.Time
		job   domain.JobID // zero: not due
		mode  domain.SyncMode
		why   domain.Trigger
		cause *domain.Cause
	}{
		"never synced":              {given: log(), job: job1, mode: domain.SyncIncremental, why: domain.TriggerConnect},
		"never registered":          {},
		"a job is open":             {given: log(request(job1, domain.SyncFull)), slot: noon},
		"synced, nothing new":       {given: synced()},
		"a hint behind the claim":   {given: synced(hint(), hint()), job: job2, mode: domain.SyncIncremental, why: domain.TriggerHint, cause: &domain.Cause{From: 3, To: 5}},
		"a hint the claim has seen": {given: log(hint(), request(job1, domain.SyncFull), claim(job1, 1, runA), completed(job1, 1, runA))},
		"a hint during the run": {
			given: log(request(job1, domain.SyncFull), claim(job1, 1, runA), hint(), completed(job1, 1, runA)),
			job:   job2, mode: domain.SyncIncremental, why: domain.TriggerHint, cause: &domain.Cause{From: 3, To: 3},
		},
		"its time has come":      {given: synced(), slot: noon, job: job2, mode: domain.SyncIncremental, why: domain.TriggerSchedule},
		"its time has not come":  {given: synced(), slot: noon.Add(time.Second)},
		"paused":                 {given: synced(hint(), versioned(domain.SourcePaused, 1)), slot: noon},
		"resumed":                {given: synced(hint(), versioned(domain.SourcePaused, 1), versioned(domain.SourceResumed, 2)), job: job2, mode: domain.SyncIncremental, why: domain.TriggerHint, cause: &domain.Cause{From: 3, To: 4}},
		"failed for good":        {given: log(request(job1, domain.SyncFull), claim(job1, 1, runA), failed(job1, 1, runA, time.Time{}))},
		"its removal has failed": {given: log(removal(job1), claim(job1, 1, runA), failed(job1, 1, runA, time.Time{})), job: job2, mode: domain.SyncRemove, why: domain.TriggerRemoval},
		"removed":                {given: log(removal(job1), claim(job1, 1, runA), removed(job1, 1, runA)), slot: noon},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			s := fold(tt.given)
			e, due := s.Due(noon, tt.slot)
			if due != (tt.job != domain.JobID{}) {
				t.Fatalf("got due %v, want %v", due, !due)
			}
			if !due {
				return
			}
			if e.JobID != tt.job || e.Mode != tt.mode || e.Trigger != tt.why {
				t.Errorf("got %s %s %s, want %s %s %s", e.JobID, e.Mode, e.Trigger, tt.job, tt.mode, tt.why)
			}
			diff(t, "cause", tt.cause, e.Cause)
			then, _ := s.Apply(e, 50)
			diff(t, "open jobs", []open{{ID: tt.job, Mode: tt.mode}}, openJobs(then))
			if _, again := then.Due(noon, tt.slot); again {
				t.Error("got due again with the job open")
			}
		})
	}
}

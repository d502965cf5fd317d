package domain_test

import (
	"errors"
	"testing"
	"time"

	"github.com/confuse/data-connector/domain"
)

func attached(version int64, id string) domain.SourceChanged {
	e := versioned(domain.SourceCredentialAttached, version)
	e.CredentialID = id
	return e
}

// expired is the second change of a source.
func expired() domain.SourceChanged { return versioned(domain.SourceCredentialExpired, 2) }

// A source whose credential has expired waits: its job stays open, nothing is
// claimed, and a credential lets everything go on with one sync.
func TestSourceWaitsForACredential(t *testing.T) {
	t.Parallel()

	first := log(attached(1, "cred-1"), request(job1, domain.SyncFull), claim(job1, 1, runA))
	after := func(events ...domain.SourceChanged) []domain.SourceChanged {
		return append(first[:len(first):len(first)], events...)
	}
	refused := failed(job1, 1, runA, later)
	refused.Code, refused.Attempt = domain.CodeUnauthorized, 0
	tests := map[string]struct {
		given    []domain.SourceChanged
		waits    bool
		claimed  bool // the oldest job, if there is one, can be claimed
		jobs     int
		due      domain.Trigger // empty: not due
		runs     bool
		retryNow bool // the oldest job waits for no time
	}{
		"it has one":                      {given: first, jobs: 1, claimed: true, runs: true, retryNow: true},
		"it expires in a run":             {given: after(expired()), waits: true, jobs: 1, runs: true, retryNow: true},
		"its job has failed with it":      {given: after(refused, expired()), waits: true, jobs: 1},
		"a claim behind it":               {given: after(refused, expired(), claim(job1, 2, runB)), waits: true, jobs: 1},
		"hints behind it":                 {given: after(refused, expired(), hint(), hint()), waits: true, jobs: 1},
		"asked for behind it":             {given: after(refused, expired(), request(job1, domain.SyncIncremental)), waits: true, jobs: 1},
		"attached again":                  {given: after(refused, expired(), hint(), attached(3, "cred-2")), jobs: 1, claimed: true, retryNow: true},
		"one sync for all the hints":      {given: after(refused, expired(), hint(), hint(), attached(3, "cred-2"), claim(job1, 2, runB), completed(job1, 2, runB))},
		"its job was cancelled meanwhile": {given: after(refused, expired(), cancelled(job1), hint()), waits: true},
		"attached without a job":          {given: after(refused, expired(), cancelled(job1), attached(3, "cred-2")), due: domain.TriggerUpdate},
		"expiry of the one before":        {given: after(refused, attached(2, "cred-2"), expired()), jobs: 1, claimed: true, retryNow: true},
		"another one during a run":        {given: after(attached(2, "cred-2"), completed(job1, 1, runA)), due: domain.TriggerUpdate},
		"paused too":                      {given: after(refused, expired(), versioned(domain.SourcePaused, 3), attached(4, "cred-2")), waits: true, jobs: 1, retryNow: true},
		"removed all the same":            {given: after(refused, expired(), removal(job2)), jobs: 1, claimed: true, retryNow: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			s := fold(tt.given)
			_, err := s.Claim(runB, later)
			e, due := s.Due(later, later)
			if !tt.waits {
				e, due = s.Due(later, time.Time{}) // a source that does not wait has its schedule
			}
			if s.Waits() != tt.waits || (err == nil) != tt.claimed || len(s.Jobs) != tt.jobs || e.Trigger != tt.due || due != (tt.due != "") || s.Running != tt.runs {
				t.Errorf("got waits %v, claim %v, %d jobs, due %q, running %v", s.Waits(), err, len(s.Jobs), e.Trigger, s.Running)
			}
			if len(s.Jobs) > 0 && s.Jobs[0].RetryAt.IsZero() != tt.retryNow {
				t.Errorf("got the next attempt at %v", s.Jobs[0].RetryAt)
			}
			if s.CredentialExpired && s.Status() != domain.StatusDisconnected {
				t.Errorf("got status %s", s.Status())
			}
		})
	}
}

// What the fold tells of a credential is told of the jobs that it lets go on.
func TestSourceAttachedTellsItsJobs(t *testing.T) {
	t.Parallel()

	s := fold(log(attached(1, "cred-1"), request(job1, domain.SyncFull), claim(job1, 1, runA), failed(job1, 1, runA, later), expired()))
	s, effect := s.Apply(attached(3, "cred-2"), 9)
	if len(effect.Jobs) != 1 || !effect.Jobs[0].RetryAt.IsZero() || s.Version != 3 || s.CredentialID != "cred-2" {
		t.Errorf("got %+v, source %+v", effect, s)
	}
}

func TestSourceCredentialDecisions(t *testing.T) {
	t.Parallel()

	s := fold(log())
	if _, err := s.ExpireCredential(noon); !errors.Is(err, domain.ErrConflict) {
		t.Errorf("got %v from a source without a credential, want a conflict", err)
	}
	e, err := s.AttachCredential("cred-1", noon)
	if err != nil {
		t.Fatal(err)
	}
	diff(t, "attached", attached(1, "cred-1"), e)
	s, _ = s.Apply(e, 1)
	e, err = s.ExpireCredential(noon)
	if err != nil || e.CredentialID != "cred-1" || e.Version != 2 {
		t.Errorf("got %+v, %v", e, err)
	}
	gone := fold(log(removal(job1)))
	for _, decide := range []func() (domain.SourceChanged, error){
		func() (domain.SourceChanged, error) { return gone.AttachCredential("cred-1", noon) },
		func() (domain.SourceChanged, error) { return gone.ExpireCredential(noon) },
	} {
		if _, err := decide(); !errors.Is(err, domain.ErrSourceNotFound) {
			t.Errorf("got %v from a source that is being removed", err)
		}
	}
}

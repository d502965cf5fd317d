package domain_test

import (
	"encoding/json"
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

// access is a hint that the provider gives access again.
func access() domain.SourceChanged {
	e := hint()
	e.Hint.Access = true
	return e
}

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

// A source whose credential was refused is opened with it once more when access was
// told of behind the claim of the run that was refused, be it before or behind the
// refusal; and that only once.
func TestSourceReopens(t *testing.T) {
	t.Parallel()

	first := log(attached(1, "cred-1"), request(job1, domain.SyncFull), claim(job1, 1, runA))
	refused := failed(job1, 1, runA, later)
	after := func(events ...domain.SourceChanged) []domain.SourceChanged {
		return append(first[:len(first):len(first)], events...)
	}
	again := attached(3, "cred-1")
	tests := map[string]struct {
		given   []domain.SourceChanged
		reopens bool
	}{
		"told behind it":           {given: after(refused, expired(), access()), reopens: true},
		"told during the run":      {given: after(access(), refused, expired()), reopens: true},
		"told before its claim":    {given: log(attached(1, "cred-1"), access(), request(job1, domain.SyncFull), claim(job1, 1, runA), refused, expired())},
		"another hint":             {given: after(refused, expired(), hint())},
		"told, not refused":        {given: after(access())},
		"told, and then a hint":    {given: after(refused, expired(), access(), hint()), reopens: true},
		"paused too":               {given: after(refused, expired(), versioned(domain.SourcePaused, 3), access()), reopens: true},
		"reopened":                 {given: after(refused, expired(), access(), again)},
		"refused again":            {given: after(refused, expired(), access(), again, claim(job1, 2, runB), versioned(domain.SourceCredentialExpired, 4))},
		"refused again, and told":  {given: after(refused, expired(), access(), again, claim(job1, 2, runB), versioned(domain.SourceCredentialExpired, 4), access()), reopens: true},
		"is being removed":         {given: after(refused, expired(), access(), removal(job2))},
		"its job was cancelled":    {given: after(refused, expired(), cancelled(job1), access()), reopens: true},
		"another one was attached": {given: after(access(), refused, attached(2, "cred-2"), expired())},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			s := fold(tt.given)
			e, reopens := s.Reopen(noon)
			if reopens != tt.reopens {
				t.Fatalf("got %v, want %v", reopens, tt.reopens)
			}
			if !reopens {
				return
			}
			then, effect := s.Apply(e, 50)
			if !effect.Counted || then.CredentialExpired || then.CredentialID != "cred-1" || then.Installation != s.Installation {
				t.Errorf("got %+v by %+v", then, e)
			}
			if late, effect := then.Apply(e, 51); effect.Counted || late.Version != then.Version {
				t.Error("the same decision of two counts twice")
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
	e, err := s.AttachCredential("cred-1", "", noon)
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
		func() (domain.SourceChanged, error) { return gone.AttachCredential("cred-1", "", noon) },
		func() (domain.SourceChanged, error) { return gone.ExpireCredential(noon) },
	} {
		if _, err := decide(); !errors.Is(err, domain.ErrSourceNotFound) {
			t.Errorf("got %v from a source that is being removed", err)
		}
	}
}

// A source says which installation of an app opens it: that of its own credential, else
// the one of its config.
func TestSourceInstallation(t *testing.T) {
	t.Parallel()

	update := func(version int64, config string) domain.SourceChanged {
		e := versioned(domain.SourceUpdated, version)
		e.Config = json.RawMessage(config)
		return e
	}
	own := func(version int64, installation string) domain.SourceChanged {
		e := attached(version, "cred-1")
		e.Installation = installation
		return e
	}
	tests := map[string]struct {
		given []domain.SourceChanged
		want  string
	}{
		"none":                        {given: log()},
		"the operator's":              {given: log(update(1, `{"installationId":"0034"}`)), want: "34"},
		"no text":                     {given: log(update(1, `{"installationId":34}`))},
		"another one":                 {given: log(update(1, `{"installationId":"34"}`), update(2, `{"installationId":"35"}`)), want: "35"},
		"none any more":               {given: log(update(1, `{"installationId":"34"}`), update(2, `{}`))},
		"its own":                     {given: log(update(1, `{"installationId":"34"}`), own(2, "36")), want: "36"},
		"its own, the config changed": {given: log(own(1, "36"), update(2, `{"installationId":"34"}`)), want: "36"},
		"a token":                     {given: log(update(1, `{"installationId":"34"}`), own(2, ""))},
		"a token instead of its own":  {given: log(own(1, "36"), own(2, ""))},
		"a token, the config changed": {given: log(own(1, ""), update(2, `{"installationId":"34"}`))},
		"removed":                     {given: log(own(1, "36"), removal(job1), claim(job1, 1, runA), removed(job1, 1, runA))},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			if got := fold(tt.given).Installation; got != tt.want {
				t.Errorf("got installation %q, want %q", got, tt.want)
			}
		})
	}
	for want, c := range map[string]domain.Credential{
		"34": {Kind: domain.CredentialApp, Settings: map[string]string{"installation_id": "034"}},
		"":   {Kind: domain.CredentialToken, Settings: map[string]string{"installation_id": "34"}},
	} {
		if got := c.Installation(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

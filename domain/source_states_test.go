package domain_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/confuse/data-connector/domain"
)

// Deletes that the valve holds wait for the release of just those (I8).
func TestSourceHeldDeletes(t *testing.T) {
	t.Parallel()

	start := log(request(job1, domain.SyncFull), claim(job1, 1, runA), held(3))
	with := func(events ...domain.SourceChanged) []domain.SourceChanged {
		return append(start[:len(start):len(start)], events...)
	}
	tests := map[string]struct {
		given   []domain.SourceChanged
		held    bool
		release []bool // of the open jobs, oldest first
	}{
		"held":                        {given: with(), held: true, release: []bool{false}},
		"held after the job":          {given: with(completed(job1, 1, runA)), held: true},
		"released while the job runs": {given: with(released(job2, 2)), release: []bool{false, true}},
		"released":                    {given: with(completed(job1, 1, runA), released(job2, 2)), release: []bool{true}},
		"released into a waiting job": {
			given: with(completed(job1, 1, runA), request(job2, domain.SyncIncremental), released(job2, 2)), release: []bool{true},
		},
		"released twice":             {given: with(completed(job1, 1, runA), released(job2, 2), released(job2, 2)), release: []bool{true}},
		"release of another epoch":   {given: with(completed(job1, 1, runA), released(job2, 1)), held: true},
		"release that came too late": {given: with(completed(job1, 1, runA), released(job1, 2)), held: true},
		"released with nothing held": {given: log(released(job1, 2))},
		"held again while its release waits": {
			given: with(released(job2, 2), held(4)), release: []bool{false, true},
		},
		"held by a zombie": {given: log(request(job1, domain.SyncFull), claim(job1, 1, runA), claim(job1, 2, runB), held(3)), release: []bool{false}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			s := fold(tt.given)
			if (s.Held != nil) != tt.held {
				t.Errorf("got held %v, want %v", s.Held, tt.held)
			}
			var release []bool
			for _, j := range s.Jobs {
				release = append(release, j.Release)
				if j.Release && j.Mode != domain.SyncFull {
					t.Errorf("got a release of mode %s, want full: the deletes are computed again", j.Mode)
				}
			}
			diff(t, "releases", tt.release, release)
		})
	}
}

// What no run and no job guards is guarded by its version.
func TestSourceVersioned(t *testing.T) {
	t.Parallel()

	update := func(version int64, name string) domain.SourceChanged {
		e := versioned(domain.SourceUpdated, version)
		e.Name, e.Config = name, json.RawMessage(`{"rootPath":"/new"}`)
		return e
	}
	hook := func(change domain.SourceChange, version int64) domain.SourceChanged {
		e := versioned(change, version)
		e.HookID, e.ExpiresAt = "hook-1", later
		return e
	}
	attach := versioned(domain.SourceCredentialAttached, 1)
	attach.CredentialID = "cred-1"
	tests := map[string]struct {
		given []domain.SourceChanged
		then  func(*domain.Source) // what differs from the source as it was registered
	}{
		"updated": {given: log(update(1, "new")), then: func(s *domain.Source) {
			s.Version, s.Name, s.Rescoped, s.Config = 1, "new", true, json.RawMessage(`{"rootPath":"/new"}`)
		}},
		"two of one version: the first wins": {given: log(update(1, "a"), update(1, "b")), then: func(s *domain.Source) {
			s.Version, s.Name, s.Rescoped, s.Config = 1, "a", true, json.RawMessage(`{"rootPath":"/new"}`)
		}},
		"a gap":           {given: log(update(2, "a")), then: func(*domain.Source) {}},
		"without version": {given: log(update(0, "a")), then: func(*domain.Source) {}},
		"a late pause": {
			given: log(versioned(domain.SourcePaused, 1), versioned(domain.SourceResumed, 2), versioned(domain.SourcePaused, 1)),
			then:  func(s *domain.Source) { s.Version = 2 },
		},
		"paused": {given: log(versioned(domain.SourcePaused, 1)), then: func(s *domain.Source) { s.Version, s.Paused = 1, true }},
		"hook registered": {given: log(hook(domain.SourceHookRegistered, 1)), then: func(s *domain.Source) {
			s.Version, s.HookID, s.HookExpiresAt = 1, "hook-1", later
		}},
		"hook removed": {given: log(hook(domain.SourceHookRegistered, 1), hook(domain.SourceHookRemoved, 2)), then: func(s *domain.Source) { s.Version = 2 }},
		"credential attached": {given: log(attach), then: func(s *domain.Source) {
			s.Version, s.CredentialID, s.Reopened = 1, "cred-1", true
		}},
		"credential expired": {given: log(attach, versioned(domain.SourceCredentialExpired, 2)), then: func(s *domain.Source) {
			s.Version, s.CredentialID, s.CredentialExpired = 2, "cred-1", true
			s.Reopened = true
		}},
		"an unknown change": {given: log(versioned("painted", 1)), then: func(*domain.Source) {}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			want := fold(log())
			tt.then(&want)
			diff(t, "source", want, fold(tt.given))
		})
	}
}

func TestSourceRemoval(t *testing.T) {
	t.Parallel()

	full := log(request(job1, domain.SyncFull), claim(job1, 1, runA), progressed(job1, 1, runA, 2), held(3), removal(job2))
	with := func(events ...domain.SourceChanged) []domain.SourceChanged {
		return append(full[:len(full):len(full)], events...)
	}
	gone := with(claim(job2, 2, runB), removed(job2, 2, runB))
	tests := map[string]struct {
		given []domain.SourceChanged
		when  domain.SourceChanged // ignored
	}{
		"a sync of a source being removed":        {given: with(), when: request(job3, domain.SyncFull)},
		"a second removal":                        {given: with(), when: removal(job3)},
		"a cancel of the removal":                 {given: with(), when: cancelled(job2)},
		"a pause of a source being removed":       {given: with(), when: versioned(domain.SourcePaused, 1)},
		"a release of a source being removed":     {given: with(), when: released(job3, 2)},
		"a claim of the job that it ended":        {given: with(), when: claim(job1, 2, runB)},
		"the end of a sync instead of a removal":  {given: with(claim(job2, 2, runB)), when: completed(job2, 2, runB)},
		"the end of a removal instead of a sync":  {given: log(request(job1, domain.SyncFull), claim(job1, 1, runA)), when: removed(job1, 1, runA)},
		"a removal decided on an older state":     {given: log(request(job1, domain.SyncFull)), when: removal(job1)},
		"a removal job nobody asked for":          {given: log(), when: request(job1, domain.SyncRemove)},
		"a second registration":                   {given: log(), when: registered()},
		"a registration of a removed source":      {given: gone, when: registered()},
		"a hint of a removed source":              {given: gone, when: hint()},
		"a request of a removed source":           {given: gone, when: request(job3, domain.SyncFull)},
		"a removal of a removed source":           {given: gone, when: removal(job3)},
		"a claim of a removed source":             {given: gone, when: claim(job3, 3, runB)},
		"a zombie of a removed source":            {given: gone, when: progressed(job2, 2, runB, 200)},
		"a hint before the registration":          {when: hint()},
		"a value of change that is not known yet": {given: log(), when: event("teleported")},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			e := tt.when
			e.Totals = &domain.Totals{Files: 99}
			s := fold(tt.given)
			then, effect := s.Apply(e, 50)
			diff(t, "source", s, then)
			diff(t, "effect", domain.Effect{}, effect)
		})
	}
}

// Only a stub is left of a removed source.
func TestSourceRemoved(t *testing.T) {
	t.Parallel()

	s := fold(log(request(job1, domain.SyncFull), claim(job1, 1, runA), progressed(job1, 1, runA, 2), removal(job2),
		claim(job2, 2, runB), removed(job2, 2, runB)))
	if !s.Removed || s.Cursor != nil || s.Config != nil || s.Name != "" || s.Totals != (domain.Totals{}) || len(s.Jobs) != 0 || s.Running {
		t.Errorf("got %+v, want a stub", s)
	}
	if s.ID != source || s.Owner != owner || s.ExternalKey != "/srv/docs" || s.Run != 2 {
		t.Errorf("got %+v, want a stub that says which source it was", s)
	}
}

// A removal that failed for good is asked for again, by its mode.
func TestSourceRemovalAgain(t *testing.T) {
	t.Parallel()

	s := fold(log(removal(job1), claim(job1, 1, runA), failed(job1, 1, runA, time.Time{}), request(job2, domain.SyncRemove)))
	if diff := cmp.Diff([]open{{ID: job2, Mode: domain.SyncRemove}}, openJobs(s)); diff != "" {
		t.Errorf("open jobs (-want +got):\n%s", diff)
	}
}

func TestSourceHints(t *testing.T) {
	t.Parallel()

	s := fold(log(hint(), hint()))
	if s.BehindHint != 3 {
		t.Errorf("got %d, want 3: behind the hint at offset 2", s.BehindHint)
	}
	then, _ := s.Apply(hint(), 1)
	if then.BehindHint != 3 {
		t.Errorf("got %d, want 3: an older offset never lowers it", then.BehindHint)
	}
}

package domain

import (
	"fmt"
	"time"
)

// AttachCredential decides that s is opened with the credential id from now on, which
// speaks for an installation, empty: for none. A job that waited for one goes on; else
// s is due, for another credential may show other things.
func (s Source) AttachCredential(id, installation string, at time.Time) (SourceChanged, error) {
	e, err := s.versionedEvent(SourceCredentialAttached, at)
	e.CredentialID, e.Installation = id, installation
	return e, err
}

// ExpireCredential decides that the provider refuses the credential of s. It is
// void when another one was attached meanwhile: that one may be good.
// ErrConflict: s has none.
func (s Source) ExpireCredential(at time.Time) (SourceChanged, error) {
	if s.CredentialID == "" && s.live() == nil {
		return SourceChanged{}, fmt.Errorf("source %s has no credential: %w", s.ID, ErrConflict)
	}
	e, err := s.versionedEvent(SourceCredentialExpired, at)
	e.CredentialID = s.CredentialID
	return e, err
}

// Waits reports whether no run of s may begin or go on: it is paused, or its
// credential has expired and none was attached since. Its jobs stay open and
// hints are remembered. A removal asks no provider and waits for nothing.
func (s Source) Waits() bool { return !s.Removing && (s.Paused || s.CredentialExpired) }

// attached folds a credential that s is opened with from now on. No job waits for
// its next attempt any longer: what it failed with is likely over.
func (s Source) attached(e SourceChanged) (Source, []Job) {
	s.CredentialID, s.Installation, s.CredentialExpired, s.Reopened = e.CredentialID, e.Installation, false, true
	var changed []Job
	jobs := make([]Job, len(s.Jobs))
	for i, j := range s.Jobs {
		if !j.RetryAt.IsZero() {
			j.RetryAt = zeroTime
			changed = append(changed, j)
		}
		jobs[i] = j
	}
	if changed != nil {
		s.Jobs = jobs
	}
	return s, changed
}

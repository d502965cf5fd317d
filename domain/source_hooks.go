package domain

import "time"

// EnsureHook decides that the provider has the webhook id for s, until expires
// (zero: for good).
func (s Source) EnsureHook(id string, expires, at time.Time) (SourceChanged, error) {
	change := SourceHookRenewed
	if s.HookID == "" {
		change = SourceHookRegistered
	}
	e, err := s.versionedEvent(change, at)
	e.HookID, e.ExpiresAt = id, expires
	return e, err
}

// RemoveHook decides that the provider has no webhook for s any more. While s is
// being removed it is for readers only: the fold has forgotten the hook.
func (s Source) RemoveHook(at time.Time) SourceChanged {
	e := s.event(SourceHookRemoved, at)
	e.HookID, e.Version = s.HookID, s.Version+1
	return e
}

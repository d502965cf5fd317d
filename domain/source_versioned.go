package domain

// versioned folds a change that only its version guards.
func (s Source) versioned(e SourceChanged) (Source, Effect) {
	if e.Version != s.Version+1 || s.Removing {
		return s, Effect{}
	}
	switch e.Change {
	case SourceUpdated:
		s.Rescoped = s.Rescoped || ScopeOf(s.Config) != ScopeOf(e.Config)
		s.Name, s.Config = e.Name, e.Config
		if s.CredentialID == "" {
			s.Installation = installationIn(e.Config)
		}
		if e.Metadata != nil {
			s.Metadata = e.Metadata
		}
	case SourcePaused:
		s.Paused = true
	case SourceResumed:
		s.Paused = false
	case SourceHookRegistered, SourceHookRenewed:
		s.HookID, s.HookExpiresAt = e.HookID, e.ExpiresAt
	case SourceHookRemoved:
		s.HookID, s.HookExpiresAt = "", zeroTime
	case SourceCredentialAttached:
		var jobs []Job
		s, jobs = s.attached(e)
		s.Version = e.Version
		return s, Effect{Counted: true, Jobs: jobs}
	case SourceCredentialExpired:
		s.CredentialExpired = true
	default:
		return s, Effect{}
	}
	s.Version = e.Version
	return s, Effect{Counted: true}
}

package ingest

import (
	"context"
	"time"

	"github.com/confuse/data-connector/domain"
)

// A CredentialRequest gives a source another credential.
type CredentialRequest struct {
	Owner      domain.OwnerID
	AnyOwner   bool // the trusted gateway: the owner follows from the unguessable id (I10)
	Source     domain.SourceID
	Credential domain.Credential
	Key        string // Idempotency-Key; empty: none. Of two requests under one key the secret is not compared
}

// AttachCredential opens a source with another credential from now on: a job that
// waited for one goes on, else a sync begins. The credential is validated with the
// provider before anything is written, and must open the same thing. The one
// before is forgotten.
//
// ErrSourceNotFound: unknown, another owner's, or being removed. InvalidError
// naming accessToken: the provider refuses it.
func (s *Service) AttachCredential(ctx context.Context, req CredentialRequest) (Accepted, error) {
	src, err := s.owned(ctx, req.Owner, req.AnyOwner, req.Source)
	if err != nil {
		return Accepted{}, err
	}
	opened, err := s.given(req.Credential)
	if err != nil {
		return Accepted{}, err
	}
	if _, err := s.sameThing(ctx, src, src.Config, opened); err != nil {
		return Accepted{}, err
	}
	return s.attach(ctx, src, req.Credential, req.Key, digestOf("credential", req.Source.String(), string(req.Credential.Kind), req.Credential.Username))
}

// attach seals a credential that is validated, then says so on the log. Dying in
// between leaves a sealed one that nothing refers to.
func (s *Service) attach(ctx context.Context, src domain.Source, c domain.Credential, key string, request domain.Digest) (Accepted, error) {
	attached, err := s.seal(ctx, src, c)
	if err != nil {
		return Accepted{}, err
	}
	a, err := s.decide(ctx, src, key, request, func(now domain.Source, at time.Time) (domain.SourceChanged, error) {
		return now.AttachCredential(attached.CredentialID, attached.Installation, at)
	})
	if err != nil {
		return a, err
	}
	s.keepOne(ctx, src, attached.CredentialID, a)
	a.Job = newestJob(a.Source)
	return a, nil
}

// seal keeps c for src, whose event it gives.
func (s *Service) seal(ctx context.Context, src domain.Source, c domain.Credential) (domain.SourceChanged, error) {
	id, err := s.Credentials.Put(ctx, src.Owner, src.Provider, c)
	if err != nil {
		return domain.SourceChanged{}, err
	}
	return src.AttachCredential(id, c.Installation(), s.Clock.Now())
}

// keepOne forgets what src is not opened with behind a: the credential that it had
// before, or the new one, should another request have been faster. What cannot be
// told or deleted stays, sealed.
func (s *Service) keepOne(ctx context.Context, before domain.Source, sealed string, a Accepted) {
	if !a.Folded {
		return
	}
	for _, id := range []string{before.CredentialID, sealed} {
		if id == "" || id == a.Source.CredentialID {
			continue
		}
		if err := s.Credentials.Delete(ctx, before.Owner, id); err != nil {
			s.Logger.WarnContext(ctx, "an unused credential stays", "source", a.Source.ID, "credential", id, "err", err)
		}
	}
}

// given is c as a scope takes it.
func (s *Service) given(c domain.Credential) (func(context.Context) (domain.Credential, error), error) {
	if s.Credentials == nil {
		return nil, &domain.InvalidError{Field: "accessToken", Problem: "cannot be kept here: the service has no vault for credentials", Allowed: "leave it out"}
	}
	if c.Secret == "" {
		return nil, &domain.InvalidError{Field: "accessToken", Problem: "is empty", Allowed: "a credential that may read the source"}
	}
	return func(context.Context) (domain.Credential, error) { return c, nil }, nil
}

// bare reports whether src looks like one whose registration came to the log
// without the credential behind it: it has none, nothing was changed since, and it
// was never synced.
func bare(src domain.Source) bool {
	return src.CredentialID == "" && src.Version == 0 && src.SyncedAt.IsZero() && !src.Removing && !src.Removed
}

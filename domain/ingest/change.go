package ingest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"strings"
	"time"

	"github.com/confuse/data-connector/domain"
)

// A ChangeRequest names a source to pause, resume or release.
type ChangeRequest struct {
	Owner  domain.OwnerID
	Source domain.SourceID
	Key    string // Idempotency-Key; empty: none
}

// Pause lets no run begin until Resume. A run that works stops behind its page and
// goes on after the pause. ErrSourceNotFound: unknown, another owner's, or being
// removed.
func (s *Service) Pause(ctx context.Context, req ChangeRequest) (Accepted, error) {
	return s.change(ctx, "pause", req, domain.Source.Pause)
}

// Resume ends a pause.
func (s *Service) Resume(ctx context.Context, req ChangeRequest) (Accepted, error) {
	return s.change(ctx, "resume", req, domain.Source.Resume)
}

// ReleaseDeletes opens the valve for one full sync: what is still missing then is
// removed (I8). ErrConflict: the source holds no deletes.
func (s *Service) ReleaseDeletes(ctx context.Context, req ChangeRequest) (Accepted, error) {
	return s.change(ctx, "release", req, domain.Source.Release)
}

// An UpdateRequest changes what a source is called or what it asks for.
type UpdateRequest struct {
	Owner  domain.OwnerID
	Source domain.SourceID
	Name   *string         // nil: keep
	Config json.RawMessage // the whole of it; nil: keep
	Key    string          // Idempotency-Key; empty: none
	// Metadata is what a trusted gateway has sent beside the options, the whole of it;
	// empty: keep.
	Metadata map[string]json.RawMessage
}

// Update changes a source. With another scope the source is due at once: what it
// leaves out now is removed, whatever its share. Another schedule, watch or address
// for people asks for no sync. The config must name the same
// thing at the provider; another thing is another source.
func (s *Service) Update(ctx context.Context, req UpdateRequest) (Accepted, error) {
	src, err := s.owned(ctx, req.Owner, false, req.Source)
	if err != nil {
		return Accepted{}, err
	}
	if req.Name != nil {
		if err := checkName(*req.Name); err != nil {
			return Accepted{}, err
		}
	}
	if req.Config != nil {
		if err := sameServer(src, req.Config); err != nil {
			return Accepted{}, err
		}
		if req.Config, err = s.sameThing(ctx, src, req.Config, scoper{vault: s.Credentials}.credential(src)); err != nil {
			return Accepted{}, err
		}
	}
	name := "-"
	if req.Name != nil {
		name = "+" + *req.Name
	}
	return s.decide(ctx, src, req.Key, digestOf("update", req.Source.String(), name, string(req.Config)), func(now domain.Source, at time.Time) (domain.SourceChanged, error) {
		name, config := now.Name, now.Config
		if req.Name != nil {
			name = *req.Name
		}
		if req.Config != nil {
			config = req.Config
		}
		e, err := now.Update(name, config, at)
		e.Metadata = cleanMetadata(req.Metadata)
		return e, err
	})
}

// sameServer refuses a config that names another server where src has a credential,
// before that is asked anything: who changes a config may be someone to whom the
// credential was never shown, and could read it there.
func sameServer(src domain.Source, config json.RawMessage) error {
	if src.CredentialID == "" || serverOf(src.Config) == serverOf(config) {
		return nil
	}
	return &domain.InvalidError{
		Field: "config." + domain.OptionBaseURL, Problem: "names another server, to which the credential of the source is not shown",
		Allowed: "the same server; connect what lies at the other one as a source of its own",
	}
}

// serverOf is the scheme, host and port that a config names; empty: the provider's own.
func serverOf(config json.RawMessage) string {
	var options map[string]json.RawMessage
	var base string
	if json.Unmarshal(config, &options) != nil || json.Unmarshal(options[domain.OptionBaseURL], &base) != nil || base == "" {
		return ""
	}
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.User != nil {
		return base // none that a connector takes
	}
	return strings.ToLower(u.Scheme + "://" + u.Host)
}

// sameThing validates a new config of src, or a new credential.
func (s *Service) sameThing(ctx context.Context, src domain.Source, config json.RawMessage, opened func(context.Context) (domain.Credential, error)) (json.RawMessage, error) {
	conn, ok := s.Connectors.Find(string(src.Provider))
	if !ok {
		return nil, fmt.Errorf("no connector for provider %q", src.Provider)
	}
	config, found, err := validate(ctx, conn, domain.Scope{Source: src.ID, Config: config, Credential: opened})
	if err != nil {
		return nil, err
	}
	if domain.Clean(found.ExternalKey) != src.ExternalKey {
		return nil, &domain.InvalidError{Field: "config", Problem: "names another thing at the provider", Allowed: "other filters and options; connect the other thing as a source of its own"}
	}
	return config, nil
}

// change carries out a command that a source decides on.
func (s *Service) change(ctx context.Context, verb string, req ChangeRequest, decide func(domain.Source, time.Time) (domain.SourceChanged, error)) (Accepted, error) {
	src, err := s.owned(ctx, req.Owner, false, req.Source)
	if err != nil {
		return Accepted{}, err
	}
	return s.decide(ctx, src, req.Key, digestOf(verb, req.Source.String()), decide)
}

// decide appends what decide says of src, and says it again when the log has
// overtaken it. A command repeated under its key appends the event that it had
// the first time: the fold takes it once.
func (s *Service) decide(ctx context.Context, src domain.Source, key string, request domain.Digest, decide func(domain.Source, time.Time) (domain.SourceChanged, error)) (Accepted, error) {
	for range maxDecisions {
		e, err := decide(src, s.Clock.Now())
		if err != nil && key == "" {
			return Accepted{}, err
		}
		ids, repeated, idErr := s.idsFor(ctx, src.Owner, key, request, domain.CommandIDs{Job: e.JobID, Version: e.Version}, 1)
		if refused := ids.Job == (domain.JobID{}) && ids.Version == 0; refused {
			ids.Job, ids.Version, repeated = e.JobID, e.Version, false // it was refused the first time, or is now
		}
		switch {
		case idErr != nil:
			return Accepted{}, idErr
		case err != nil && repeated: // it was carried out, so it cannot be decided again
			return Accepted{Source: src, Job: jobOr(src, ids.Job), Folded: true}, nil
		case err != nil:
			return Accepted{}, err
		}
		e.JobID, e.Version = ids.Job, ids.Version
		a, err := s.put(ctx, src.Partition, ids.Events, e)
		if err != nil {
			return a, err
		}
		if !a.Folded {
			a.Source = src
		}
		a.Job = jobOr(a.Source, e.JobID)
		if !a.Folded || took(a.Source, e) || repeated && !final(e.Change) {
			return a, nil
		}
		src, key = a.Source, ""
	}
	return Accepted{}, fmt.Errorf("source %s changes too fast: %w", src.ID, domain.ErrConflict)
}

// final reports whether a command may be decided again when its event came to
// nothing: nobody can have undone it meanwhile.
func final(c domain.SourceChange) bool {
	return c == domain.SourceRemovalRequested || c == domain.SourceSyncCancelled
}

// took reports whether what e asks for is so.
func took(src domain.Source, e domain.SourceChanged) bool {
	switch e.Change {
	case domain.SourcePaused:
		return src.Paused
	case domain.SourceResumed:
		return !src.Paused
	case domain.SourceUpdated:
		return src.Name == e.Name && bytes.Equal(src.Config, e.Config) && (e.Metadata == nil || maps.Equal(src.Metadata, e.Metadata))
	case domain.SourceCredentialAttached:
		return src.CredentialID == e.CredentialID
	case domain.SourceSyncCancelled:
		_, open := src.OpenJob(e.JobID)
		return !open
	case domain.SourceDeletesReleased:
		return src.Held == nil
	case domain.SourceRemovalRequested:
		return src.Removing
	default:
		return true
	}
}

// jobOr is an open job, or what is left to say of one that has ended.
func jobOr(src domain.Source, id domain.JobID) domain.Job {
	if job, open := src.OpenJob(id); open {
		return job
	}
	return domain.Job{ID: id}
}

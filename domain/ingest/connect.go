package ingest

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/confuse/data-connector/domain"
)

// maxName is the most characters of a source's name.
const maxName = 200

// A ConnectRequest asks for a new source.
type ConnectRequest struct {
	Owner    domain.OwnerID
	Provider string          // or an alias
	Name     string          // empty: what the provider calls it
	Config   json.RawMessage // options of the connector and the filters
	Key      string          // Idempotency-Key; empty: none
	// Metadata is what a trusted gateway has sent beside the options. What may be a
	// secret or a person is not kept (I7).
	Metadata map[string]json.RawMessage
	// Credential opens the source; nil: it needs none. Of two requests under one key
	// the secret is not compared.
	Credential *domain.Credential
}

// Connect registers a source and asks for its first sync. Options and credential
// are validated against the provider before anything is written.
//
// InvalidError: an option is not allowed. AlreadyConnectedError: this owner has
// connected the same thing before; its registration is complete.
func (s *Service) Connect(ctx context.Context, req ConnectRequest) (Accepted, error) {
	reg, err := s.registration(ctx, req)
	if err != nil {
		return Accepted{}, err
	}
	request, events := []string{"connect", req.Provider, req.Name, string(req.Config)}, 2
	if req.Credential != nil {
		request, events = append(request, string(req.Credential.Kind), req.Credential.Username), 3
	}
	ids, repeated, err := s.idsFor(ctx, req.Owner, req.Key, digestOf(request...), domain.CommandIDs{Source: reg.SourceID}, events)
	if err != nil {
		return Accepted{}, err
	}
	reg.SourceID = ids.Source
	if err := s.place(ctx, &reg); err != nil {
		return Accepted{}, err
	}
	found, ours, err := s.Reservations.Reserve(ctx, domain.Reservation{
		Owner: req.Owner, Provider: reg.Provider, ExternalKey: reg.ExternalKey, Source: reg.SourceID,
		Message: domain.Message{ID: ids.Events[0], Time: reg.At, Partition: *reg.Partition, Event: reg},
	}, s.removed)
	if err != nil {
		return Accepted{}, err
	}
	kept, ok := found.Message.Event.(domain.SourceChanged)
	if !ok {
		return Accepted{}, fmt.Errorf("source key of %s holds no registration", found.Source)
	}
	a, err := s.register(ctx, found, kept, req.Credential, ids.Events[1:])
	if err != nil || ours || repeated && found.Source == ids.Source {
		return a, err
	}
	return a, &domain.AlreadyConnectedError{Source: found.Source}
}

// registration is the event of a new source, validated.
func (s *Service) registration(ctx context.Context, req ConnectRequest) (domain.SourceChanged, error) {
	conn, ok := s.Connectors.Find(req.Provider)
	if !ok {
		return domain.SourceChanged{}, &domain.InvalidError{Field: "type", Problem: fmt.Sprintf("unknown provider %q", domain.Clean(req.Provider)), Allowed: s.Connectors.Names()}
	}
	if err := checkName(req.Name); err != nil {
		return domain.SourceChanged{}, err
	}
	id, err := domain.NewSourceID()
	if err != nil {
		return domain.SourceChanged{}, err
	}
	scope := domain.Scope{Source: id, Config: req.Config}
	if req.Credential != nil {
		if scope.Credential, err = s.given(*req.Credential); err != nil {
			return domain.SourceChanged{}, err
		}
	}
	config, found, err := validate(ctx, conn, scope)
	if err != nil {
		return domain.SourceChanged{}, err
	}
	reg := domain.SourceChanged{
		SourceID: id, OwnerID: req.Owner, Provider: conn.Describe().Provider, Change: domain.SourceRegistered, At: s.Clock.Now(),
		Name: req.Name, ExternalKey: domain.Clean(found.ExternalKey), Config: config, Metadata: cleanMetadata(req.Metadata),
	}
	if reg.Name == "" {
		reg.Name = domain.Clean(found.Name)
	}
	if state := cleanState(found.State); state != (domain.ObjectState{}) {
		reg.Object = &state
	}
	return reg, nil
}

func checkName(name string) error {
	if name != domain.Clean(name) || len([]rune(name)) > maxName {
		return &domain.InvalidError{Field: "name", Problem: "is too long or not text", Allowed: fmt.Sprintf("at most %d characters without NUL", maxName)}
	}
	return nil
}

// validate checks the config of a scope by itself and with the provider. It returns
// the form that goes to the log.
func validate(ctx context.Context, conn domain.Connector, scope domain.Scope) (json.RawMessage, domain.Identity, error) {
	config, err := checkConfig(scope.Config, Options(conn))
	if err != nil {
		return nil, domain.Identity{}, err
	}
	filter, err := NewFilter(config)
	if err != nil {
		return nil, domain.Identity{}, err
	}
	if _, err := scheduleOf(config); err != nil {
		return nil, domain.Identity{}, err
	}
	scope.Config, scope.Skip = config, filter.Skips
	found, err := conn.Validate(ctx, scope)
	if err != nil {
		return nil, domain.Identity{}, refused(err)
	}
	return config, found, nil
}

// refused is what the caller did wrong, where the provider says so: its 401 is
// about the source's credential, not about the caller's.
func refused(err error) error {
	switch {
	case errors.Is(err, domain.ErrUnauthorized):
		return &domain.InvalidError{Field: "accessToken", Problem: "the provider refuses the credential, or asks for one", Allowed: "a credential that may read the source"}
	case errors.Is(err, domain.ErrGone):
		return &domain.InvalidError{Field: "config", Problem: "there is nothing: " + shortText(err.Error()), Allowed: "a source that exists"}
	}
	return fmt.Errorf("validate: %w", err)
}

// place chooses the partition of a new source, for good.
func (s *Service) place(ctx context.Context, reg *domain.SourceChanged) error {
	n, err := s.Log.Partitions(ctx)
	if err != nil {
		return err
	}
	h := sha256.Sum256(reg.SourceID.UUID[:])
	p := int32(binary.BigEndian.Uint32(h[:4]) % uint32(n)) //nolint:gosec // below the number of partitions
	reg.Partition = &p
	return nil
}

// removed reports whether the key of a source may be taken over.
func (s *Service) removed(id domain.SourceID) (bool, error) {
	src, err := s.Index.Source(context.Background(), id)
	if errors.Is(err, domain.ErrSourceNotFound) {
		return false, nil // its registration is not on the log yet, or not folded
	}
	return src.Removed, err
}

// register puts a reserved source on the log, unless it is there already. Whoever
// finds a reservation finishes it: its maker may have died before the append. What
// stands behind the registration may get lost: the due predicate makes the request
// for the first sync good, whoever connects again the credential c. ids are those
// of the request and, when there is a credential, of that.
func (s *Service) register(ctx context.Context, r domain.Reservation, reg domain.SourceChanged, c *domain.Credential, ids []domain.EventID) (Accepted, error) {
	src, err := s.Index.Source(ctx, r.Source)
	switch {
	case err == nil && c != nil && bare(src):
		return s.attach(ctx, src, *c, "", domain.Digest{})
	case err == nil:
		return Accepted{Source: src, Job: newestJob(src), Folded: true}, nil
	case !errors.Is(err, domain.ErrSourceNotFound):
		return Accepted{}, err
	}
	job := domain.Job{ID: domain.NewJobID(r.Source, domain.JobID{}), Mode: domain.SyncFull, Status: domain.JobQueued, RequestedAt: reg.At, Trigger: domain.TriggerConnect}
	sync := domain.SourceChanged{
		SourceID: reg.SourceID, OwnerID: reg.OwnerID, Provider: reg.Provider, Change: domain.SourceSyncRequested, At: s.Clock.Now(),
		JobID: job.ID, Mode: domain.SyncIncremental, Trigger: domain.TriggerConnect,
	}
	job.Mode = sync.Mode
	events, eventIDs := []domain.SourceChanged{reg}, []domain.EventID{r.Message.ID}
	made, _ := domain.Source{}.Apply(reg, 0)
	var sealed string
	if c != nil { // sealed before registered: an orphan in the vault does no harm, a source without its credential does
		attached, err := s.seal(ctx, made, *c)
		if err != nil {
			return Accepted{}, err
		}
		sealed, events, eventIDs = attached.CredentialID, append(events, attached), append(eventIDs, ids[1])
	}
	a, err := s.put(ctx, r.Message.Partition, append(eventIDs, ids[0]), append(events, sync)...)
	if err != nil {
		return a, err
	}
	s.keepOne(ctx, made, sealed, a)
	if !a.Folded {
		a.Source = made
	}
	a.Job = job
	return a, nil
}

// newestJob is the newest open job of src, or what is left to say of a job that
// has ended.
func newestJob(src domain.Source) domain.Job {
	if n := len(src.Jobs); n > 0 {
		return src.Jobs[n-1]
	}
	return domain.Job{ID: src.LastJob, Mode: domain.SyncIncremental, Status: domain.JobCompleted}
}

// digestOf tells one command from another.
func digestOf(parts ...string) domain.Digest {
	b, _ := json.Marshal(parts) // strings always marshal
	return sha256.Sum256(b)
}

package httpapi

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/ingest"
	"github.com/confuse/data-connector/projections"
)

type connectInput struct {
	Key  string `header:"Idempotency-Key" maxLength:"200" pattern:"^[ -~]*$" patternDescription:"printable ASCII" doc:"Sent again with the same key, the same request is carried out once."`
	Body connectBody
}

type connectBody struct {
	Type   string                     `json:"type" minLength:"1" maxLength:"64" doc:"The connector, or another name of it: localfs, local, ..."`
	Config map[string]json.RawMessage `json:"config" doc:"Options of the connector (localfs: rootPath) and, for all: includePaths, excludePaths, defaultExcludes, includeLanguages, excludeLanguages, maxFileSize. config.name is the same as name." example:"{\"rootPath\":\"/srv/docs\"}"`
	Name   string                     `json:"name,omitempty" maxLength:"200" doc:"For people; the connector makes one up when it is left out."`

	CredentialBody
}

type connectOutput struct {
	Status   int
	Position string `header:"Log-Position" doc:"Where the order stands on the log, for Min-Log-Position."`
	Body     connectReply
}

// A connectReply is the source itself, and the documented pair beside it.
type connectReply struct {
	SourceReply
	Source  SourceReply `json:"source"`
	SyncJob jobReply    `json:"syncJob"`
}

// connectSource handles POST /sources.
func (s *Server) connectSource(ctx context.Context, in *connectInput) (*connectOutput, error) {
	foreign := s.takeForeign(ctx, in.Body.Type, in.Body.Config)
	name, config, err := in.Body.options()
	if err != nil {
		return nil, err
	}
	credential, err := in.Body.read()
	if err != nil {
		return nil, err
	}
	a, err := s.Commands.Connect(ctx, ingest.ConnectRequest{
		Owner: owner(ctx), Provider: in.Body.Type, Name: name, Config: config, Credential: credential, Key: in.Key,
		Metadata: foreign,
	})
	if err != nil {
		return nil, err
	}
	noteAccepted(ctx, a)
	source := newSourceReply(a.Source)
	return &connectOutput{
		Status: statusOf(a, http.StatusCreated), Position: a.At.String(),
		Body: connectReply{SourceReply: source, Source: source, SyncJob: s.jobReply(jobOf(a), a.Source)},
	}, nil
}

// options gives name and options; the name may stand in either place.
func (b connectBody) options() (name string, config json.RawMessage, err error) {
	given, err := nameOf(&b.Name, b.Config)
	if err != nil {
		return "", nil, err
	}
	config, err = json.Marshal(b.Config)
	return *given, config, err
}

// nameOf takes config.name out of config: it is name again, which is nil or empty
// where it was left out.
func nameOf(name *string, config map[string]json.RawMessage) (*string, error) {
	raw, ok := config["name"]
	if !ok {
		return name, nil
	}
	delete(config, "name")
	var given *string
	if err := json.Unmarshal(raw, &given); err != nil || given == nil || len(*given) > 200 {
		return nil, &domain.InvalidError{Field: "config.name", Problem: "has the wrong type or is too long", Allowed: "text of at most 200 bytes"}
	}
	if name != nil && *name != "" && *name != *given {
		return nil, &domain.InvalidError{Field: "config.name", Problem: "differs from name", Allowed: "one of the two, or the same"}
	}
	return given, nil
}

// statusOf is done, or 202 while the order is durable but not folded.
func statusOf(a ingest.Accepted, done int) int {
	if !a.Folded {
		return http.StatusAccepted
	}
	return done
}

func jobOf(a ingest.Accepted) projections.JobRow {
	return projections.JobRow{Job: a.Job, SourceID: a.Source.ID, Owner: a.Source.Owner, Provider: a.Source.Provider}
}

package httpapi

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/ingest"
)

// tooFast is the only conflict of a change that can always be made.
const tooFast = "the source changes too fast; look again and repeat it"

// A change is an operation on a source that takes no more than its id.
type change struct {
	id, path, summary, description string

	conflict string // what a 409 says
	do       func(context.Context, ingest.ChangeRequest) (ingest.Accepted, error)
}

func (s *Server) changeRoutes() {
	s.registerChange(change{
		id: "pause-source", path: "/pause", summary: "Pause a source",
		description: "No sync begins until it is resumed; one that runs stops behind its page and goes on after the pause. Hints are still taken. Pausing again changes nothing.",
		conflict:    tooFast, do: s.Changes.Pause,
	})
	s.registerChange(change{
		id: "resume-source", path: "/resume", summary: "Resume a source",
		description: "Syncs begin again, with what was missed in the meantime. Resuming again changes nothing.",
		conflict:    tooFast, do: s.Changes.Resume,
	})
	s.registerChange(change{
		id: "release-deletes", path: "/deletes/release", summary: "Release held deletes",
		description: "Orders a full sync with the valve open: what is still missing in its fresh listing is removed. 409 when the source holds no deletes.",
		conflict:    "the source holds no deletes, or changes too fast; look again", do: s.Changes.ReleaseDeletes,
	})
	register(s, huma.Operation{
		OperationID: "update-source", Method: http.MethodPatch, Path: "/sources/{id}", Tags: []string{"sources"},
		Summary: "Change a source", Description: "What is left out or null is kept; a config replaces the whole of the old one and must name the same thing at the provider. " +
			"With another config the source is listed anew, and what it leaves out now is removed, however much that is.",
		Errors: []int{http.StatusNotFound, http.StatusConflict, http.StatusBadGateway},
	}, s.updateSource)
}

func (s *Server) registerChange(c change) {
	register(s, huma.Operation{
		OperationID: c.id, Method: http.MethodPost, Path: "/sources/{id}" + c.path, Tags: []string{"sources"},
		Summary: c.summary, Description: c.description, Errors: []int{http.StatusNotFound, http.StatusConflict},
	}, func(ctx context.Context, in *changeInput) (*changeOutput, error) {
		id, err := domain.ParseSourceID(in.ID)
		if err != nil {
			return nil, err
		}
		a, err := c.do(ctx, ingest.ChangeRequest{Owner: owner(ctx), Source: id, Key: in.Key})
		return s.changed(ctx, a, because(err, c.conflict))
	})
}

type changeInput struct {
	ID  string `path:"id" doc:"Id of the source."`
	Key string `header:"Idempotency-Key" maxLength:"200" pattern:"^[ -~]*$" patternDescription:"printable ASCII" doc:"Sent again with the same key, the same request is carried out once."`
}

type changeOutput struct {
	Status   int
	Position string `header:"Log-Position" doc:"Where the order stands on the log, for Min-Log-Position."`
	Body     changeReply
}

// A changeReply is the source as it is now.
type changeReply struct {
	SourceReply
	Job *jobReply `json:"job,omitempty" doc:"The job that the change ordered, if it did."`
}

// changed answers for a command that changed a source.
func (s *Server) changed(ctx context.Context, a ingest.Accepted, err error) (*changeOutput, error) {
	if err != nil {
		return nil, err
	}
	noteAccepted(ctx, a)
	out := &changeOutput{Status: statusOf(a, http.StatusOK), Position: positionOf(a), Body: changeReply{SourceReply: newSourceReply(a.Source)}}
	if a.Job.Status != "" {
		job := s.jobReply(jobOf(a), a.Source)
		out.Body.Job = &job
	}
	return out, nil
}

// positionOf is empty for a command that wrote nothing, because it was carried out
// before.
func positionOf(a ingest.Accepted) string {
	if a.At == (domain.Position{}) {
		return ""
	}
	return a.At.String()
}

type updateInput struct {
	ID   string `path:"id" doc:"Id of the source."`
	Key  string `header:"Idempotency-Key" maxLength:"200" pattern:"^[ -~]*$" patternDescription:"printable ASCII" doc:"Sent again with the same key, the same request is carried out once."`
	Body updateBody
}

type updateBody struct {
	Config map[string]json.RawMessage `json:"config,omitempty" doc:"All options of the source from now on. config.name is the same as name." example:"{\"rootPath\":\"/srv/docs\"}"`
	Name   *string                    `json:"name,omitempty" nullable:"false" minLength:"1" maxLength:"200" doc:"For people."`
}

// updateSource handles PATCH /sources/{id}.
func (s *Server) updateSource(ctx context.Context, in *updateInput) (*changeOutput, error) {
	source, err := s.source(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	r := ingest.UpdateRequest{Owner: owner(ctx), Source: source.ID, Name: in.Body.Name, Key: in.Key}
	if in.Body.Config != nil {
		r.Metadata = s.takeForeign(ctx, string(source.Provider), in.Body.Config)
		if r.Name, err = nameOf(in.Body.Name, in.Body.Config); err != nil {
			return nil, err
		}
		if r.Config, err = json.Marshal(in.Body.Config); err != nil {
			return nil, err
		}
	}
	if r.Name == nil && r.Config == nil {
		return nil, &domain.InvalidError{Field: "body", Problem: "changes nothing", Allowed: "name, config or both"}
	}
	a, err := s.Changes.Update(ctx, r)
	return s.changed(ctx, a, because(err, tooFast))
}

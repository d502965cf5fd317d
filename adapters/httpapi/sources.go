package httpapi

import (
	"context"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/confuse/data-connector/domain"
)

func (s *Server) sourceRoutes() {
	register(s, huma.Operation{
		OperationID: "list-sources", Method: http.MethodGet, Path: "/sources", Tags: []string{"sources"},
		Summary: "List the sources", Description: "The oldest first.",
	}, s.listSources)
	register(s, huma.Operation{
		OperationID: "connect-source", Method: http.MethodPost, Path: "/sources", Tags: []string{"sources"}, DefaultStatus: http.StatusCreated,
		Summary: "Connect a source", Description: "Looks whether the source can be read, registers it and orders its first sync. Connecting the same thing again is a 409 with the id of the source.",
		Metadata: limited(limitConnect), Errors: []int{http.StatusConflict, http.StatusBadGateway},
	}, s.connectSource)
	register(s, huma.Operation{
		OperationID: "get-source", Method: http.MethodGet, Path: "/sources/{id}", Tags: []string{"sources"},
		Summary: "Get a source", Errors: []int{http.StatusNotFound},
	}, s.getSource)
	register(s, huma.Operation{
		OperationID: "remove-source", Method: http.MethodDelete, Path: "/sources/{id}", Tags: []string{"sources"},
		Summary: "Remove a source", Description: "Orders a job that tells on the log of every file that it is gone, then forgets the source. Its id answers 404 from now on; the provider is not touched.",
		Errors: []int{http.StatusNotFound, http.StatusConflict},
	}, s.removeSource)
}

type listSourcesInput struct {
	Limit  int `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"How many at most."`
	Offset int `query:"offset" minimum:"0" maximum:"1000000" doc:"How many to skip."`
}

type listSourcesOutput struct {
	Body struct {
		Sources []SourceReply `json:"sources" nullable:"false"`
		Total   int64         `json:"total" doc:"Of all pages."`
	}
}

// listSources handles GET /sources.
func (s *Server) listSources(ctx context.Context, in *listSourcesInput) (*listSourcesOutput, error) {
	sources, total, err := s.Sources.ListSources(ctx, owner(ctx), in.Limit, in.Offset)
	if err != nil {
		return nil, err
	}
	out := &listSourcesOutput{}
	out.Body.Sources, out.Body.Total = []SourceReply{}, total
	for _, source := range sources {
		out.Body.Sources = append(out.Body.Sources, newSourceReply(source))
	}
	return out, nil
}

type sourceInput struct {
	ID string `path:"id" doc:"Id of the source."`
}

type getSourceOutput struct{ Body SourceReply }

// getSource handles GET /sources/{id}.
func (s *Server) getSource(ctx context.Context, in *sourceInput) (*getSourceOutput, error) {
	source, err := s.source(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	languages, err := s.Files.Languages(ctx, owner(ctx), source.ID)
	if err != nil {
		return nil, err
	}
	out := &getSourceOutput{Body: newSourceReply(source)}
	out.Body.Stats.Languages = languages
	return out, nil
}

// source is the caller's source with this id. I10: another owner's is an unknown
// one, and so is one whose removal was requested.
func (s *Server) source(ctx context.Context, id string) (domain.Source, error) {
	parsed, err := domain.ParseSourceID(id)
	if err != nil {
		return domain.Source{}, err
	}
	source, err := s.Sources.GetSource(ctx, owner(ctx), parsed)
	if err != nil {
		return domain.Source{}, err
	}
	if source.Owner != owner(ctx) || source.Removing || source.Removed {
		return domain.Source{}, fmt.Errorf("source %s: %w", id, domain.ErrSourceNotFound)
	}
	return source, nil
}

package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/ingest"
)

func (s *Server) syncRoutes() {
	register(s, huma.Operation{
		OperationID: "sync-source", Method: http.MethodPost, Path: "/sources/{id}/sync", Tags: []string{"sources"}, DefaultStatus: http.StatusAccepted,
		Summary: "Sync a source now", Description: "Answers with the job that will do it, which may be one that waits already: requests merge, the stronger type wins. The body may be left out.",
		Metadata: limited(limitSync), Errors: []int{http.StatusNotFound, http.StatusConflict},
	}, s.syncSource)
	register(s, huma.Operation{
		OperationID: "ingest", Method: http.MethodPost, Path: "/ingest", Tags: []string{"sources"}, DefaultStatus: http.StatusAccepted,
		Summary: "Sync a source now, as the gateway asks", Description: "The same order with the id in the body.",
		Metadata: map[string]any{markOwnerless: true, markLimit: limitSync}, Errors: []int{http.StatusNotFound, http.StatusConflict},
	}, s.ingest)
}

type syncInput struct {
	ID   string `path:"id" doc:"Id of the source."`
	Key  string `header:"Idempotency-Key" maxLength:"200" pattern:"^[ -~]*$" patternDescription:"printable ASCII" doc:"Sent again with the same key, the same request is carried out once."`
	Body *syncBody
}

type syncBody struct {
	Type string `json:"type,omitempty" enum:"incremental,full" default:"incremental" doc:"incremental: what changed. full: list and compare everything, trusting no cache."`
}

type syncOutput struct {
	Position string `header:"Log-Position" doc:"Where the order stands on the log, for Min-Log-Position."`
	Body     syncReply
}

// A syncReply is the documented job, and what the gateway reads beside it.
type syncReply struct {
	Job    jobReply `json:"job"`
	JobID  string   `json:"job_id"`
	Status string   `json:"status" enum:"queued,running,completed,failed,cancelled"`
}

// syncSource handles POST /sources/{id}/sync.
func (s *Server) syncSource(ctx context.Context, in *syncInput) (*syncOutput, error) {
	mode := domain.SyncIncremental
	if in.Body != nil && in.Body.Type != "" {
		mode = domain.SyncMode(in.Body.Type)
	}
	return s.requestSync(ctx, in.ID, ingest.SyncRequest{Owner: owner(ctx), Mode: mode, Key: in.Key})
}

type ingestInput struct {
	Key  string `header:"Idempotency-Key" maxLength:"200" pattern:"^[ -~]*$" patternDescription:"printable ASCII" doc:"Sent again with the same key, the same request is carried out once."`
	Body struct {
		SourceID string `json:"source_id" maxLength:"64" doc:"Id of the source."`
	}
}

// ingest handles POST /ingest. A trusted gateway that names no owner may order a
// sync of any source whose id it knows (the exception of I10).
func (s *Server) ingest(ctx context.Context, in *ingestInput) (*syncOutput, error) {
	return s.requestSync(ctx, in.Body.SourceID, ingest.SyncRequest{
		Owner: owner(ctx), AnyOwner: anyOwner(ctx), Mode: domain.SyncIncremental, Key: in.Key,
	})
}

func (s *Server) requestSync(ctx context.Context, source string, r ingest.SyncRequest) (*syncOutput, error) {
	id, err := domain.ParseSourceID(source)
	if err != nil {
		return nil, err
	}
	r.Source = id
	a, err := s.Commands.RequestSync(ctx, r)
	if err != nil {
		return nil, err
	}
	noteAccepted(ctx, a)
	job := s.jobReply(jobOf(a), a.Source)
	return &syncOutput{Position: a.At.String(), Body: syncReply{Job: job, JobID: job.ID, Status: job.Status}}, nil
}

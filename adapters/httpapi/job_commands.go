package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/ingest"
)

func (s *Server) jobCommandRoutes() {
	register(s, huma.Operation{
		OperationID: "cancel-job", Method: http.MethodPost, Path: "/jobs/{id}/cancel", Tags: []string{"jobs"},
		Summary: "Cancel a job", Description: "Ends a job that waits or runs, at once; what it has found so far stays. 409 when it has ended. The source is synced again by its next hint, schedule or request.",
		Errors: []int{http.StatusNotFound, http.StatusConflict},
	}, s.cancelJob)
	register(s, huma.Operation{
		OperationID: "retry-job", Method: http.MethodPost, Path: "/jobs/{id}/retry", Tags: []string{"jobs"}, Metadata: limited(limitSync),
		Summary: "Try a job again", Description: "A job that waits for its next attempt goes on now; for one that has failed or was cancelled another one like it is ordered. Answers with the job that will do it. 409 when the job runs or has completed.",
		Errors: []int{http.StatusNotFound, http.StatusConflict},
	}, s.retryJob)
}

type jobCommandInput struct {
	ID  string `path:"id" doc:"Id of the job."`
	Key string `header:"Idempotency-Key" maxLength:"200" pattern:"^[ -~]*$" patternDescription:"printable ASCII" doc:"Sent again with the same key, the same request is carried out once."`
}

type jobCommandOutput struct {
	Status   int
	Position string `header:"Log-Position" doc:"Where the order stands on the log, for Min-Log-Position."`
	Body     jobReply
}

// cancelJob handles POST /jobs/{id}/cancel.
func (s *Server) cancelJob(ctx context.Context, in *jobCommandInput) (*jobCommandOutput, error) {
	out, err := s.commandJob(ctx, in, s.Changes.CancelJob)
	return out, because(err, "the job has ended, or its source changes too fast; look again")
}

// retryJob handles POST /jobs/{id}/retry.
func (s *Server) retryJob(ctx context.Context, in *jobCommandInput) (*jobCommandOutput, error) {
	out, err := s.commandJob(ctx, in, s.Changes.RetryJob)
	return out, because(err, "the job runs or has completed, or its source changes too fast; look again")
}

func (s *Server) commandJob(ctx context.Context, in *jobCommandInput, do func(context.Context, ingest.JobRequest) (ingest.Accepted, error)) (*jobCommandOutput, error) {
	id, err := domain.ParseJobID(in.ID)
	if err != nil {
		return nil, err
	}
	a, err := do(ctx, ingest.JobRequest{Owner: owner(ctx), Job: id, Key: in.Key})
	if err != nil {
		return nil, err
	}
	noteAccepted(ctx, a)
	row, source := jobOf(a), a.Source
	if a.Job.Status == "" { // it has ended: its row tells how
		if row, err = s.job(ctx, a.Job.ID); err != nil {
			return nil, err
		}
		source = domain.Source{}
	}
	return &jobCommandOutput{Status: statusOf(a, http.StatusOK), Position: positionOf(a), Body: s.jobReply(row, source)}, nil
}

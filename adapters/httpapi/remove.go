package httpapi

import (
	"context"
	"net/http"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/ingest"
)

type removeInput struct {
	ID  string `path:"id" doc:"Id of the source."`
	Key string `header:"Idempotency-Key" maxLength:"200" pattern:"^[ -~]*$" patternDescription:"printable ASCII" doc:"Sent again with the same key, the same request is carried out once."`
}

type removeOutput struct {
	Status   int
	Position string `header:"Log-Position" doc:"Where the order stands on the log, for Min-Log-Position."`
	Body     removeReply
}

type removeReply struct {
	Message       string   `json:"message"`
	FilesRemoved  int64    `json:"filesRemoved" doc:"Files that the source held; the job tells of each that it is gone."`
	ChunksRemoved int64    `json:"chunksRemoved" doc:"Always 0: unknown, no neighbour tells it."`
	JobID         string   `json:"jobId"`
	Job           jobReply `json:"job"`
}

// removeSource handles DELETE /sources/{id}.
func (s *Server) removeSource(ctx context.Context, in *removeInput) (*removeOutput, error) {
	id, err := domain.ParseSourceID(in.ID)
	if err != nil {
		return nil, err
	}
	a, err := s.Commands.Remove(ctx, ingest.RemoveRequest{Owner: owner(ctx), Source: id, Key: in.Key})
	if err != nil {
		return nil, err
	}
	noteAccepted(ctx, a)
	return &removeOutput{
		Status: statusOf(a, http.StatusOK), Position: a.At.String(),
		Body: removeReply{
			Message: "the source is being removed", FilesRemoved: a.Source.Totals.Files,
			JobID: a.Job.ID.String(), Job: s.jobReply(jobOf(a), a.Source),
		},
	}, nil
}

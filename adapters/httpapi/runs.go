package httpapi

import (
	"cmp"
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/confuse/data-connector/domain"
)

func (s *Server) runRoutes() {
	register(s, huma.Operation{
		OperationID: "list-runs", Method: http.MethodGet, Path: "/runs", Tags: []string{"operation"}, Metadata: marked(markOperate),
		Summary: "Tell which runs are current at an offset", Description: "For readers of the events topic that start in the middle: a file event counts only while its run is the current one of its source. " +
			"The runs of all owners' sources in a partition that are the current ones for a reader whose next offset is at. 503 while the tables do not hold everything below it. Needs the right operate.",
	}, s.listRuns)
}

type listRunsInput struct {
	Partition int32 `query:"partition" required:"true" minimum:"0" maximum:"1000000" doc:"Of the events topic."`
	At        int64 `query:"at" required:"true" minimum:"0" maximum:"1000000000000000" doc:"The reader's next offset in it."`
}

type listRunsOutput struct {
	Body struct {
		Runs []runReply `json:"runs" nullable:"false"`
	}
}

type runReply struct {
	SourceID string `json:"sourceId"`
	OwnerID  string `json:"ownerId"`
	Run      int64  `json:"run" doc:"Number of the run; grows with each claim of the source."`
	RunID    string `json:"runId" doc:"run_id of the events that count."`
	JobID    string `json:"jobId"`
	Started  int64  `json:"started" doc:"Offset of the event that made it the current one."`
	Ended    *int64 `json:"ended,omitempty" doc:"Offset of the event that ended it; absent while it is the current one."`
}

// listRuns handles GET /runs. What it shows of other owners its caller may read on
// the log itself.
func (s *Server) listRuns(ctx context.Context, in *listRunsInput) (*listRunsOutput, error) {
	runs, err := s.Runs.RunsAtAnyOwner(ctx, in.Partition, in.At)
	if errors.Is(err, domain.ErrUnavailable) {
		err = cmp.Or(s.beyond(ctx, domain.Position{Partition: in.Partition, Offset: in.At - 1}, "partition", "at"), err)
	}
	if err != nil {
		return nil, err
	}
	out := &listRunsOutput{}
	out.Body.Runs = []runReply{}
	for _, r := range runs {
		reply := runReply{
			SourceID: r.SourceID.String(), OwnerID: string(r.Owner), Run: r.Number, RunID: r.ID.String(), JobID: r.JobID.String(), Started: r.Started,
		}
		if r.Ended >= 0 {
			reply.Ended = &r.Ended
		}
		out.Body.Runs = append(out.Body.Runs, reply)
	}
	return out, nil
}

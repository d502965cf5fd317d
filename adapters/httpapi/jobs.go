package httpapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/projections"
)

func (s *Server) jobRoutes() {
	register(s, huma.Operation{
		OperationID: "list-jobs", Method: http.MethodGet, Path: "/jobs", Tags: []string{"jobs"},
		Summary: "List the jobs", Description: "The newest first. Jobs of removed sources are kept.",
		Errors: []int{http.StatusNotFound},
	}, s.listJobs)
	register(s, huma.Operation{
		OperationID: "get-job", Method: http.MethodGet, Path: "/jobs/{id}", Tags: []string{"jobs"},
		Summary: "Get a job", Description: "With live progress: the numbers move with every page that is on the log.",
		Metadata: marked(markOwnerless), Errors: []int{http.StatusNotFound},
	}, s.getJob)
}

type listJobsInput struct {
	SourceID string `query:"sourceId" maxLength:"64" doc:"Only jobs of this source."`
	Status   string `query:"status" enum:"queued,running,completed,failed,cancelled" doc:"Only jobs in this state."`
	Limit    int    `query:"limit" minimum:"1" maximum:"200" default:"20" doc:"How many at most."`
}

type listJobsOutput struct {
	Body struct {
		Jobs  []jobReply `json:"jobs" nullable:"false"`
		Total int64      `json:"total" doc:"Of the selection, whatever limit is."`
	}
}

// listJobs handles GET /jobs.
func (s *Server) listJobs(ctx context.Context, in *listJobsInput) (*listJobsOutput, error) {
	filter := projections.JobFilter{Status: domain.JobStatus(in.Status)}
	if in.SourceID != "" {
		var err error
		if filter.Source, err = sourceNamed(in.SourceID); err != nil {
			return nil, err
		}
	}
	jobs, total, err := s.Jobs.ListJobs(ctx, owner(ctx), filter, in.Limit, 0)
	if err != nil {
		return nil, err
	}
	if in.SourceID != "" && total == 0 { // none in this state, or no such source
		if _, err := s.source(ctx, in.SourceID); err != nil {
			return nil, err
		}
	}
	return s.jobList(ctx, jobs, total)
}

func (s *Server) jobList(ctx context.Context, jobs []projections.JobRow, total int64) (*listJobsOutput, error) {
	out := &listJobsOutput{}
	out.Body.Jobs, out.Body.Total = []jobReply{}, total
	for _, j := range jobs {
		source, err := s.sourceOfJob(ctx, j)
		if err != nil {
			return nil, err
		}
		out.Body.Jobs = append(out.Body.Jobs, s.jobReply(j, source))
	}
	return out, nil
}

// sourceOfJob is the source of an open job, which tells how far it has come. It
// is zero for a job that has ended, and where the source is no longer shown.
func (s *Server) sourceOfJob(ctx context.Context, j projections.JobRow) (domain.Source, error) {
	if !j.Status.Open() {
		return domain.Source{}, nil
	}
	source, err := s.Sources.GetSource(ctx, j.Owner, j.SourceID)
	if errors.Is(err, domain.ErrSourceNotFound) {
		return domain.Source{}, nil
	}
	return source, err
}

type jobInput struct {
	ID string `path:"id" doc:"Id of the job."`
}

type getJobOutput struct{ Body jobReply }

// getJob handles GET /jobs/{id}. A trusted gateway that names no owner may see
// any job whose id it knows (the exception of I10).
func (s *Server) getJob(ctx context.Context, in *jobInput) (*getJobOutput, error) {
	id, err := domain.ParseJobID(in.ID)
	if err != nil {
		return nil, err
	}
	j, err := s.job(ctx, id)
	if err != nil {
		return nil, err
	}
	source, err := s.sourceOfJob(ctx, j)
	if err != nil {
		return nil, err
	}
	return &getJobOutput{Body: s.jobReply(j, source)}, nil
}

func (s *Server) job(ctx context.Context, id domain.JobID) (projections.JobRow, error) {
	if anyOwner(ctx) {
		return s.Jobs.GetJobAnyOwner(ctx, id)
	}
	j, err := s.Jobs.GetJob(ctx, owner(ctx), id)
	if err == nil && j.Owner != owner(ctx) {
		return projections.JobRow{}, fmt.Errorf("job %s: %w", id, domain.ErrJobNotFound) // I10
	}
	return j, err
}

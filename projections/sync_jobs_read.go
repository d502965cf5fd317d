package projections

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/confuse/data-connector/domain"
)

// A JobRow is a job with the source that it is of.
type JobRow struct {
	domain.Job
	SourceID domain.SourceID
	Owner    domain.OwnerID
	Provider domain.Provider
}

const jobColumnsRead = `source_id, owner_id, provider, state`

func scanJob(row pgx.CollectableRow) (JobRow, error) {
	var j JobRow
	var state []byte
	if err := row.Scan((*[16]byte)(&j.SourceID.UUID), (*string)(&j.Owner), (*string)(&j.Provider), &state); err != nil {
		return j, err
	}
	err := json.Unmarshal(state, &j.Job)
	return j, err
}

// Job is a job with its source, whoever owns it.
func (r *Reader) Job(ctx context.Context, id domain.JobID) (domain.SourceID, domain.Job, error) {
	j, err := r.GetJobAnyOwner(ctx, id)
	return j.SourceID, j.Job, err
}

// A JobFilter narrows a listing of jobs. The zero one asks for all.
type JobFilter struct {
	Source domain.SourceID
	Status domain.JobStatus
}

// ListJobs are the jobs of owner, the newest first, limit of them from offset
// on; total is how many there are. A source that is unknown has no jobs; one that
// was removed has the job that did it.
func (r *Reader) ListJobs(ctx context.Context, owner domain.OwnerID, f JobFilter, limit, offset int) (jobs []JobRow, total int64, err error) {
	l := listing{
		columns: jobColumnsRead, from: `sync_jobs WHERE owner_id = $1`, order: `requested_at DESC, job_id`,
		args: []any{string(owner)}, limit: limit, offset: offset,
	}
	if f.Source != (domain.SourceID{}) {
		l.args = append(l.args, [16]byte(f.Source.UUID))
		l.from += fmt.Sprintf(` AND source_id = $%d`, len(l.args))
	}
	if f.Status != "" {
		l.args = append(l.args, string(f.Status))
		l.from += fmt.Sprintf(` AND status = $%d`, len(l.args))
	}
	jobs, total, err = counted(ctx, r, scanJob, l)
	if err != nil {
		return nil, 0, fmt.Errorf("list jobs: %w", err)
	}
	return jobs, total, nil
}

// GetJob is a job of owner, also the one that removed its source.
// domain.ErrJobNotFound: there is none.
func (r *Reader) GetJob(ctx context.Context, owner domain.OwnerID, id domain.JobID) (JobRow, error) {
	return r.job(ctx, id, `SELECT `+jobColumnsRead+` FROM sync_jobs WHERE job_id = $1 AND owner_id = $2`, [16]byte(id.UUID), string(owner))
}

// GetJobAnyOwner is a job whoever owns it: the one exception of I10, for a
// trusted gateway that knows no owner but the unguessable id.
func (r *Reader) GetJobAnyOwner(ctx context.Context, id domain.JobID) (JobRow, error) {
	return r.job(ctx, id, `SELECT `+jobColumnsRead+` FROM sync_jobs WHERE job_id = $1`, [16]byte(id.UUID))
}

func (r *Reader) job(ctx context.Context, id domain.JobID, sql string, args ...any) (JobRow, error) {
	j, err := queryOne(ctx, r.db, fmt.Errorf("job %s: %w", id, domain.ErrJobNotFound), scanJob, sql, args...)
	if err != nil {
		return JobRow{}, fmt.Errorf("read job: %w", err)
	}
	return j, nil
}

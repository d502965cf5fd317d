package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/confuse/data-connector/projections"
)

func (s *Server) projectionRoutes() {
	register(s, huma.Operation{
		OperationID: "list-projections", Method: http.MethodGet, Path: "/projections", Tags: []string{"operation"}, Metadata: marked(markOperate),
		Summary: "Tell how far the tables have come", Description: "All tables of a partition have one position, so that they always agree. Needs the right operate.",
	}, s.listProjections)
}

type listProjectionsOutput struct {
	Body struct {
		Projections []projectionReply `json:"projections" nullable:"false"`
		Lag         int64             `json:"lag" doc:"Records, over all partitions whose end is known."`
		Poison      int64             `json:"poison" doc:"Records that were set aside, over all partitions."`
		Rebuild     *rebuildReply     `json:"rebuild,omitempty" doc:"A rebuild of the tables that runs or was interrupted; absent when there is none."`
	}
}

type projectionReply struct {
	Topic     string    `json:"topic"`
	Partition int32     `json:"partition"`
	State     string    `json:"state" enum:"current,behind,unknown" doc:"current: all records are folded. unknown: the log did not tell its end."`
	Position  int64     `json:"position" doc:"Next offset to fold."`
	End       *int64    `json:"end,omitempty" doc:"Offset behind the last record; absent when it is unknown."`
	Lag       *int64    `json:"lag,omitempty" doc:"Records that are not folded yet; absent when it is unknown."`
	PerSecond float64   `json:"recordsPerSecond" doc:"That this process folded lately; 0 also where another process folds the partition."`
	Poison    int64     `json:"poison" doc:"Records that were set aside."`
	Parked    int64     `json:"parked" doc:"Sources that were set aside."`
	UpdatedAt time.Time `json:"updatedAt" doc:"When it was folded last."`
}

type rebuildReply struct {
	Phase     string             `json:"phase" enum:"loading,catching_up" doc:"loading: the log is folded and copied. catching_up: what came meanwhile is added."`
	Running   bool               `json:"running" doc:"false: it was interrupted, and the next call goes on with it."`
	StartedAt time.Time          `json:"startedAt"`
	Done      int64              `json:"done" doc:"Records that are folded, over all partitions."`
	Total     int64              `json:"total" doc:"Records that are to be folded."`
	PerSecond float64            `json:"recordsPerSecond"`
	Left      *float64           `json:"secondsLeft,omitempty" doc:"About; absent when it is not known."`
	Parts     []rebuildPartReply `json:"partitions" nullable:"false"`
}

type rebuildPartReply struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Done      int64  `json:"done"`
	Total     int64  `json:"total"`
}

func newRebuildReply(p projections.Progress) *rebuildReply {
	r := &rebuildReply{
		Phase: p.Phase, Running: p.Running, StartedAt: p.StartedAt.UTC(), Done: p.Done, Total: p.Goal, PerSecond: p.PerSecond,
		Parts: []rebuildPartReply{},
	}
	if p.Left >= 0 {
		seconds := p.Left.Seconds()
		r.Left = &seconds
	}
	for _, part := range p.Parts {
		r.Parts = append(r.Parts, rebuildPartReply{part.Topic, part.Partition, part.Done, part.Goal})
	}
	return r
}

// listProjections handles GET /projections.
func (s *Server) listProjections(ctx context.Context, _ *struct{}) (*listProjectionsOutput, error) {
	list, err := s.Projections.Projections(ctx)
	if err != nil {
		return nil, err
	}
	out := &listProjectionsOutput{}
	out.Body.Projections = []projectionReply{}
	for _, p := range list {
		r := newProjectionReply(p)
		out.Body.Projections = append(out.Body.Projections, r)
		out.Body.Poison += r.Poison
		if r.Lag != nil {
			out.Body.Lag += *r.Lag
		}
	}
	rebuild, err := s.Projections.Rebuilding(ctx)
	if err != nil {
		return nil, err
	}
	if rebuild != nil {
		out.Body.Rebuild = newRebuildReply(*rebuild)
	}
	return out, nil
}

func newProjectionReply(p Projection) projectionReply {
	r := projectionReply{
		Topic: p.Topic, Partition: p.Partition, State: "unknown", Position: p.Position, PerSecond: p.PerSecond,
		Poison: p.Poison, Parked: p.Parked, UpdatedAt: p.UpdatedAt.UTC(),
	}
	if p.End < 0 {
		return r
	}
	lag := max(0, p.End-p.Position) // the end may have been read before the position
	r.End, r.Lag, r.State = &p.End, &lag, "current"
	if lag > 0 {
		r.State = "behind"
	}
	return r
}

package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/replay"
)

// dryTime is how long an order with dryRun waits for its counts.
const dryTime = 10 * time.Second

func (s *Server) replayRoutes() {
	register(s, huma.Operation{
		OperationID: "start-replay", Method: http.MethodPost, Path: "/replays", Tags: []string{"pipeline"}, Metadata: marked(markNoEvent), DefaultStatus: http.StatusAccepted,
		Summary: "Hand out again what is on the log", Description: "To stages of the pipeline or to a topic. No provider is asked. With dryRun nothing is handed out, and the answer waits up to 10 seconds for the counts.",
	}, s.startReplay)
	register(s, huma.Operation{
		OperationID: "list-replays", Method: http.MethodGet, Path: "/replays", Tags: []string{"pipeline"}, Summary: "List replays, the newest first",
	}, s.listReplays)
	register(s, huma.Operation{
		OperationID: "get-replay", Method: http.MethodGet, Path: "/replays/{id}", Tags: []string{"pipeline"}, Summary: "Show how far a replay is",
		Errors: []int{http.StatusNotFound},
	}, s.getReplay)
	for _, c := range []struct {
		verb, summary string
		to            replay.Status
	}{
		{"pause", "Stop handing out, until it is resumed", replay.Paused},
		{"resume", "Go on with a replay that was paused", replay.Running},
		{"cancel", "End a replay; what stages have not begun of it, they skip", replay.Cancelled},
	} {
		register(s, huma.Operation{
			OperationID: c.verb + "-replay", Method: http.MethodPost, Path: "/replays/{id}/" + c.verb, Tags: []string{"pipeline"}, Metadata: marked(markNoEvent),
			Summary: c.summary, Description: "It takes effect within a second.", Errors: []int{http.StatusNotFound, http.StatusConflict},
		}, func(ctx context.Context, in *replayInput) (*replayOutput, error) {
			return s.changeReplay(ctx, in, c.to)
		})
	}
}

type startReplayInput struct {
	Body struct {
		Selector *replaySelector `json:"selector,omitempty" doc:"What is handed out; absent: all."`
		Mode     string          `json:"mode,omitempty" enum:"latest,history" default:"latest" doc:"latest: of each live file the last state. history: all states that count, removals too, in their order."`
		Stages   []string        `json:"stages,omitempty" maxItems:"32" doc:"Stages that get it; absent, without topic: all."`
		Topic    string          `json:"topic,omitempty" maxLength:"249" doc:"Instead: a Kafka topic that exists and is none of this service's own. Needs the right to operate."`
		Rate     int             `json:"ratePerSecond,omitempty" minimum:"0" maximum:"1000000" doc:"Events in a second at most; 0: no limit."`
		DryRun   bool            `json:"dryRun,omitempty" doc:"Only count."`
	}
}

type replaySelector struct {
	Sources      []string  `json:"sources,omitempty" maxItems:"10000" doc:"Ids; absent: all."`
	PathGlob     string    `json:"pathGlob,omitempty" maxLength:"4096" doc:"Of the path, such as docs/**/*.md."`
	Kinds        []string  `json:"kinds,omitempty" maxItems:"32"`
	Languages    []string  `json:"languages,omitempty" maxItems:"1000"`
	ChangedSince time.Time `json:"changedSince,omitzero" doc:"Events that are not older."`
	From         time.Time `json:"from,omitzero" doc:"What came to stand on the log at this time or later."`
	To           time.Time `json:"to,omitzero" doc:"What came to stand on the log before this time; absent: up to now."`
}

// order reads a body. Ids that are none are unknown sources.
func (in *startReplayInput) order(owner domain.OwnerID) (replay.Order, error) {
	b := in.Body
	o := replay.Order{Owner: owner, Mode: replay.Mode(b.Mode), Stages: b.Stages, Topic: b.Topic, Rate: b.Rate, Dry: b.DryRun}
	if b.Selector == nil {
		return o, nil
	}
	for _, text := range b.Selector.Sources {
		id, err := domain.ParseSourceID(text)
		if err != nil {
			return o, &domain.InvalidError{Field: "selector.sources", Problem: "names a source that there is none of", Allowed: "ids of your sources"}
		}
		o.Selector.Sources = append(o.Selector.Sources, id)
	}
	for _, kind := range b.Selector.Kinds {
		o.Selector.Kinds = append(o.Selector.Kinds, domain.FileKind(kind))
	}
	o.Selector.PathGlob, o.Selector.Languages = b.Selector.PathGlob, b.Selector.Languages
	o.Selector.ChangedSince, o.Selector.From, o.Selector.To = b.Selector.ChangedSince, b.Selector.From, b.Selector.To
	return o, nil
}

// startReplay handles POST /replays. A topic may be anybody's: only those who may
// operate name one.
func (s *Server) startReplay(ctx context.Context, in *startReplayInput) (*replayOutput, error) {
	o, err := in.order(owner(ctx))
	if err != nil {
		return nil, err
	}
	if o.Topic != "" && !who(ctx).May(domain.MayOperate) {
		return nil, domain.ErrForbidden
	}
	r, err := s.Replays.Start(ctx, o)
	if err == nil && o.Dry {
		r, err = s.Replays.Await(ctx, r, dryTime)
	}
	if err != nil {
		return nil, err
	}
	return &replayOutput{Body: newReplayReply(r)}, nil
}

type listReplaysInput struct {
	Limit  int `query:"limit" minimum:"1" maximum:"1000" default:"20" doc:"How many at most."`
	Offset int `query:"offset" minimum:"0" maximum:"1000000" default:"0" doc:"How many to leave out."`
}

type listReplaysOutput struct {
	Body struct {
		Replays []replayReply `json:"replays" nullable:"false"`
	}
}

// listReplays handles GET /replays.
func (s *Server) listReplays(ctx context.Context, in *listReplaysInput) (*listReplaysOutput, error) {
	list, err := s.Replays.List(ctx, owner(ctx), in.Limit, in.Offset)
	if err != nil {
		return nil, err
	}
	out := &listReplaysOutput{}
	out.Body.Replays = []replayReply{}
	for _, r := range list {
		out.Body.Replays = append(out.Body.Replays, newReplayReply(r))
	}
	return out, nil
}

type replayInput struct {
	ID string `path:"id" maxLength:"64"`
}

// id is the replay that is meant. What is no id is an unknown one.
func (in *replayInput) id() (replay.ID, error) {
	id, err := replay.ParseID(in.ID)
	if err != nil {
		return id, replay.ErrNotFound
	}
	return id, nil
}

// getReplay handles GET /replays/{id}.
func (s *Server) getReplay(ctx context.Context, in *replayInput) (*replayOutput, error) {
	id, err := in.id()
	if err != nil {
		return nil, err
	}
	r, err := s.Replays.Get(ctx, owner(ctx), id)
	if err != nil {
		return nil, err
	}
	counts, err := s.Replays.Counts(ctx, r)
	if err != nil {
		return nil, err
	}
	out := &replayOutput{Body: newReplayReply(r)}
	for _, c := range counts {
		out.Body.Outcomes = append(out.Body.Outcomes, replayOutcome{c.Stage, string(c.State), c.Reason, c.Files})
	}
	return out, nil
}

func (s *Server) changeReplay(ctx context.Context, in *replayInput, to replay.Status) (*replayOutput, error) {
	id, err := in.id()
	if err != nil {
		return nil, err
	}
	r, err := s.Replays.Change(ctx, owner(ctx), id, to)
	if err != nil {
		return nil, because(err, "the replay has ended")
	}
	return &replayOutput{Body: newReplayReply(r)}, nil
}

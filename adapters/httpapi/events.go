package httpapi

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/confuse/data-connector/domain"
)

// maxScan is how many records one request looks at: a partition holds the events
// of many sources.
const maxScan = 10_000

func (s *Server) eventRoutes() {
	register(s, huma.Operation{
		OperationID: "list-events", Method: http.MethodGet, Path: "/sources/{id}/events", Tags: []string{"events"},
		Summary: "Read the events of a source", Description: "As they stand on the log, the oldest first; data is the event itself, in the snake_case of the log (see /asyncapi.json). " +
			"One request looks at a bounded part of the log: go on with from=next until end is true, also when a page is empty.",
		Errors: []int{http.StatusNotFound},
	}, s.listEvents)
}

type listEventsInput struct {
	ID    string `path:"id" doc:"Id of the source."`
	From  int64  `query:"from" minimum:"0" maximum:"1000000000000000" doc:"Offset in the source's partition to begin at."`
	Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"How many at most."`
}

type listEventsOutput struct{ Body eventsReply }

type eventsReply struct {
	Events    []eventReply `json:"events" nullable:"false"`
	Partition int32        `json:"partition" doc:"Where all events of this source are."`
	Next      int64        `json:"next" doc:"Where to go on: from of the next request."`
	End       bool         `json:"end" doc:"Whether next was the end of the log."`
}

type eventReply struct {
	ID       string          `json:"id" doc:"ce_id; an event that was produced twice has the same one."`
	Type     string          `json:"type" doc:"ce_type, e.g. confuse.FileChanged.v1."`
	Time     string          `json:"time,omitempty" doc:"ce_time, RFC 3339."`
	Position string          `json:"position" doc:"<partition>:<offset>."`
	Change   string          `json:"change" doc:"What happened: data.change."`
	Data     json.RawMessage `json:"data" doc:"The event."`
}

// listEvents handles GET /sources/{id}/events.
func (s *Server) listEvents(ctx context.Context, in *listEventsInput) (*listEventsOutput, error) {
	source, err := s.source(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	reply := eventsReply{Events: []eventReply{}, Partition: source.Partition, Next: in.From}
	for record, err := range s.Events.Read(ctx, source.Partition, in.From, in.From+maxScan) {
		if err != nil {
			return nil, err
		}
		reply.Next = record.Position.Offset + 1
		if change, ok := changeOf(record.Event, source.ID); ok {
			reply.Events = append(reply.Events, newEventReply(record, change))
		}
		if len(reply.Events) == in.Limit {
			return &listEventsOutput{Body: reply}, nil
		}
	}
	reply.End = reply.Next < in.From+maxScan
	return &listEventsOutput{Body: reply}, nil
}

// changeOf is what e says about source; false when e is of another source, or of
// a type that is skipped (I6).
func changeOf(e domain.Event, source domain.SourceID) (string, bool) {
	switch e := e.(type) {
	case domain.SourceChanged:
		return string(e.Change), e.SourceID == source
	case domain.FileChanged:
		return string(e.Change), e.SourceID == source
	}
	return "", false
}

func newEventReply(r domain.Record, change string) eventReply {
	return eventReply{
		ID: r.Headers["ce_id"], Type: r.Headers["ce_type"], Time: r.Headers["ce_time"],
		Position: r.Position.String(), Change: change, Data: json.RawMessage(r.Raw),
	}
}

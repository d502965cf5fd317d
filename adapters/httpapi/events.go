package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"github.com/confuse/data-connector/domain"
)

// maxScan is how many records one request looks at: a partition holds the events
// of many sources.
const maxScan = 10_000

func (s *Server) eventRoutes() {
	register(s, huma.Operation{
		OperationID: "list-events", Method: http.MethodGet, Path: "/sources/{id}/events", Tags: []string{"events"},
		Summary: "Read the events of a source", Description: "As they stand on the log, the oldest first; data is the event itself, in the snake_case of the log (see /asyncapi.json). " +
			"One request looks at a bounded part of the log: go on with from=next until end is true, also when a page is empty. " +
			"With Accept: text/event-stream the answer is server-sent events instead: those from from on, or behind Last-Event-ID, and then those that come, " +
			"each as data with its position as id. limit does not count there. It ends after 30 minutes, when the service stops and when the source is removed; at most 16 are open per owner.",
		Errors: []int{http.StatusNotFound}, Responses: map[string]*huma.Response{"200": s.eventsResponse()},
	}, s.listEvents)
}

type listEventsInput struct {
	ID    string `path:"id" doc:"Id of the source."`
	From  int64  `query:"from" minimum:"0" maximum:"1000000000000000" doc:"Offset in the source's partition to begin at."`
	Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"How many at most."`

	Accept string `header:"Accept" hidden:"true"`
	Last   string `header:"Last-Event-ID" doc:"In a stream: the id of the last event that the caller has; it goes before from."`
}

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

// eventsResponse documents both forms of the answer.
func (s *Server) eventsResponse() *huma.Response {
	page := s.schemas().Schema(reflect.TypeFor[eventsReply](), true, "")
	stream := &huma.Schema{Type: huma.TypeString, Description: "Server-sent events."}
	return &huma.Response{Description: "OK", Content: map[string]*huma.MediaType{"application/json": {Schema: page}, eventStream: {Schema: stream}}}
}

// listEvents handles GET /sources/{id}/events.
func (s *Server) listEvents(ctx context.Context, in *listEventsInput) (*huma.StreamResponse, error) {
	source, err := s.source(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if wantsStream(in.Accept) {
		from, err := startOf(source, in.From, in.Last)
		if err != nil {
			return nil, err
		}
		return &huma.StreamResponse{Body: func(ctx huma.Context) {
			r, w := humachi.Unwrap(ctx)
			s.sendStream(w, r, source, from)
		}}, nil
	}
	page, err := s.events(ctx, source, in.From, in.Limit)
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(ctx huma.Context) { s.sendEvents(ctx, page) }}, nil
}

func (s *Server) sendEvents(ctx huma.Context, page eventsReply) {
	ctx.SetHeader("Content-Type", "application/json")
	ctx.SetStatus(http.StatusOK)
	if err := json.NewEncoder(ctx.BodyWriter()).Encode(page); err != nil {
		s.Log.DebugContext(ctx.Context(), "client has gone", "err", err)
	}
}

// events reads one page.
func (s *Server) events(ctx context.Context, source domain.Source, from int64, limit int) (eventsReply, error) {
	page := eventsReply{Events: []eventReply{}, Partition: source.Partition, Next: from}
	for record, err := range s.Events.Read(ctx, source.Partition, from, from+maxScan) {
		if err != nil {
			return page, err
		}
		page.Next = record.Position.Offset + 1
		if change, ok := changeOf(record.Event, source.ID); ok {
			page.Events = append(page.Events, newEventReply(record, change))
		}
		if len(page.Events) == limit {
			return page, nil
		}
	}
	page.End = page.Next < from+maxScan
	return page, nil
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

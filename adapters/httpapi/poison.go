package httpapi

import (
	"cmp"
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/projections"
)

func (s *Server) poisonRoutes() {
	register(s, huma.Operation{
		OperationID: "list-poison", Method: http.MethodGet, Path: "/poison", Tags: []string{"operation"}, Metadata: marked(markOperate),
		Summary: "List the records that were set aside", Description: "Records of the log that could not be folded, of all owners, in the order of the log. A record that parks its source keeps all later ones of that source waiting. " +
			"Their bytes are not shown. Go on with after=next until next is absent. Needs the right operate.",
	}, s.listPoison)
	register(s, huma.Operation{
		OperationID: "retry-poison", Method: http.MethodPost, Path: "/poison/retry", Tags: []string{"operation"}, Metadata: mends(),
		Summary: "Fold records again", Description: "One record, or all that is set aside of one source. Of a source that is parked all is folded from there on. What is still bad stays, and left says how much that is. Needs the right operate.",
		Errors: []int{http.StatusNotFound},
	}, s.retryPoison)
	register(s, huma.Operation{
		OperationID: "skip-poison", Method: http.MethodPost, Path: "/poison/skip", Tags: []string{"operation"}, Metadata: mends(),
		Summary: "Leave a record out for good", Description: "Also when the tables are filled from the log anew. What waited behind it is folded. 409 when it waits behind another record of its source itself. Needs the right operate.",
		Errors: []int{http.StatusNotFound, http.StatusConflict},
	}, s.skipPoison)
}

type listPoisonInput struct {
	Topic    string `query:"topic" maxLength:"249" doc:"Only records of this topic."`
	SourceID string `query:"sourceId" maxLength:"64" doc:"Only records of this source."`
	Causes   bool   `query:"causes" doc:"Leave out what only waits behind a record that parks its source."`
	Limit    int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"How many at most."`
	After    string `query:"after" maxLength:"300" doc:"next of the answer before."`
}

type listPoisonOutput struct {
	Body struct {
		Poison []poisonReply `json:"poison" nullable:"false"`
		Next   string        `json:"next,omitempty" doc:"after of the next page; absent on the last one."`
	}
}

type poisonReply struct {
	Record   string    `json:"record" doc:"<topic>/<partition>:<offset>, by which it is retried or skipped."`
	SourceID string    `json:"sourceId,omitempty" doc:"Absent when the record does not say."`
	EventID  string    `json:"eventId,omitempty" doc:"ce_id as it stands."`
	Type     string    `json:"type,omitempty" doc:"ce_type as it stands."`
	Error    string    `json:"error" doc:"Why it could not be folded."`
	Parks    bool      `json:"parks" doc:"Whether its source is set aside from here on."`
	Behind   int64     `json:"behind" doc:"How many records of its source wait behind it, where it parks the source."`
	Time     time.Time `json:"time,omitzero" doc:"ce_time; absent when it has none."`
}

// listPoison handles GET /poison.
func (s *Server) listPoison(ctx context.Context, in *listPoisonInput) (*listPoisonOutput, error) {
	page := projections.PoisonPage{Topic: in.Topic, Causes: in.Causes, Limit: in.Limit}
	var err error
	if in.After != "" {
		if page.After, err = parseRecord("after", in.After); err != nil {
			return nil, err
		}
	}
	if page.Source, err = sourceNamed(in.SourceID); err != nil {
		return nil, err
	}
	rows, next, err := s.Poison.ListPoison(ctx, operator(ctx), page)
	if err != nil {
		return nil, err
	}
	out := &listPoisonOutput{}
	out.Body.Poison = []poisonReply{}
	for _, p := range rows {
		out.Body.Poison = append(out.Body.Poison, newPoisonReply(p))
	}
	if next != nil {
		out.Body.Next = next.String()
	}
	return out, nil
}

func newPoisonReply(p projections.PoisonRow) poisonReply {
	r := poisonReply{
		Record: p.String(), EventID: p.EventID, Type: p.Type, Error: p.Error, Parks: p.Parks, Behind: p.Behind, Time: p.At.UTC(),
	}
	if p.SourceID != (domain.SourceID{}) {
		r.SourceID = p.SourceID.String()
	}
	return r
}

type mendOutput struct {
	Body struct {
		Folded int64 `json:"folded" doc:"Records that are no longer set aside because they were folded."`
		Left   int64 `json:"left" doc:"Records that are still set aside: bad as before, or behind one that is."`
	}
}

func mended(done projections.Retried, err error) (*mendOutput, error) {
	out := &mendOutput{}
	out.Body.Folded, out.Body.Left = done.Folded, done.Left
	return out, err
}

type retryPoisonInput struct {
	Body struct {
		Record   string `json:"record,omitempty" maxLength:"300" doc:"<topic>/<partition>:<offset>"`
		SourceID string `json:"sourceId,omitempty" maxLength:"64" doc:"Instead: all that is set aside of this source."`
	}
}

// retryPoison handles POST /poison/retry.
func (s *Server) retryPoison(ctx context.Context, in *retryPoisonInput) (*mendOutput, error) {
	if (in.Body.Record == "") == (in.Body.SourceID == "") {
		return nil, &domain.InvalidError{Field: "body", Problem: "does not name one thing", Allowed: "either record or sourceId"}
	}
	if in.Body.SourceID != "" {
		id, err := sourceNamed(in.Body.SourceID)
		if err != nil {
			return nil, err
		}
		recordOf(ctx).source = id
		return mended(s.Mend.RetrySource(ctx, operator(ctx), id))
	}
	key, err := s.recordAsked(ctx, in.Body.Record)
	if err != nil {
		return nil, err
	}
	return mended(s.Mend.Retry(ctx, operator(ctx), key))
}

type skipPoisonInput struct {
	Body struct {
		Record string `json:"record" maxLength:"300" doc:"<topic>/<partition>:<offset>"`
	}
}

// skipPoison handles POST /poison/skip.
func (s *Server) skipPoison(ctx context.Context, in *skipPoisonInput) (*mendOutput, error) {
	key, err := s.recordAsked(ctx, in.Body.Record)
	if err != nil {
		return nil, err
	}
	done, err := s.Mend.Skip(ctx, operator(ctx), key)
	return mended(done, because(err, "it waits behind another record of its source, which has to be retried or skipped first; causes=true lists it"))
}

// recordAsked reads the name of a record, for the audit line too.
func (s *Server) recordAsked(ctx context.Context, name string) (projections.PoisonKey, error) {
	key, err := parseRecord("record", name)
	if err == nil {
		recordOf(ctx).poison = key.String()
	}
	return key, err
}

// parseRecord reads what PoisonKey.String writes.
func parseRecord(field, name string) (projections.PoisonKey, error) {
	topic, at, ok := strings.Cut(name, "/")
	p, err := domain.ParsePosition(at)
	if !ok || err != nil || topic == "" {
		return projections.PoisonKey{}, &domain.InvalidError{Field: field, Problem: "is not the name of a record", Allowed: "<topic>/<partition>:<offset>"}
	}
	return projections.PoisonKey{Topic: topic, Partition: p.Partition, Offset: p.Offset}, nil
}

// operator is the caller as one who may see all that was set aside: nobody else
// comes here.
func operator(ctx context.Context) projections.Caller {
	who, _ := ctx.Value(identityKey).(Identity) // there is one on every guarded operation
	return projections.Caller{Owner: who.Owner, Operator: true, Name: cmp.Or(who.KeyID, string(who.Owner))}
}

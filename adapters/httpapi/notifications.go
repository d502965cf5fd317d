package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/ingest"
)

// Notifications are the rules of who is told what.
type Notifications interface {
	Add(ctx context.Context, r ingest.NotificationRule, t ingest.NotifyTarget) (ingest.NotificationRule, error)
	List(ctx context.Context, owner domain.OwnerID) ([]ingest.NotificationRule, error)
	// Remove and Try answer ingest.ErrRuleNotFound for what is not the owner's.
	Remove(ctx context.Context, owner domain.OwnerID, id uuid.UUID) error
	Try(ctx context.Context, owner domain.OwnerID, id uuid.UUID) error
}

func (s *Server) notificationRoutes() {
	noEvent := marked(markNoEvent)
	register(s, huma.Operation{
		OperationID: "list-notifications", Method: http.MethodGet, Path: "/notifications", Tags: []string{"notifications"},
		Summary: "List who is told what", Description: "The oldest rule first. Addresses are not shown.",
	}, s.listNotifications)
	register(s, huma.Operation{
		OperationID: "add-notification", Method: http.MethodPost, Path: "/notifications", Tags: []string{"notifications"}, Metadata: noEvent,
		Summary: "Have somebody told", DefaultStatus: http.StatusCreated,
		Description: "A rule sends a message when a condition of a source begins and one when it is over. What holds already is told at once.",
		Errors:      []int{http.StatusNotFound, http.StatusConflict},
	}, s.addNotification)
	register(s, huma.Operation{
		OperationID: "remove-notification", Method: http.MethodDelete, Path: "/notifications/{id}", Tags: []string{"notifications"}, Metadata: noEvent,
		Summary: "Have them told no more", Errors: []int{http.StatusNotFound},
	}, s.removeNotification)
	register(s, huma.Operation{
		OperationID: "try-notification", Method: http.MethodPost, Path: "/notifications/{id}/test", Tags: []string{"notifications"}, Metadata: noEvent,
		Summary: "Send a test message", Description: "502 when the target does not take it.",
		Errors: []int{http.StatusNotFound, http.StatusBadGateway},
	}, s.tryNotification)
}

type notificationReply struct {
	ID         string    `json:"id"`
	Name       string    `json:"name"`
	SourceID   string    `json:"sourceId,omitempty" doc:"Absent: all sources."`
	Kind       string    `json:"kind"`
	Conditions []string  `json:"conditions" nullable:"false" doc:"Empty: all."`
	Threshold  int64     `json:"threshold"`
	CreatedAt  time.Time `json:"createdAt"`
	SentAt     time.Time `json:"sentAt,omitzero" doc:"When a message was last taken."`
	FailedAt   time.Time `json:"failedAt,omitzero" doc:"When one last was not."`
	Failure    string    `json:"failure,omitempty" doc:"Why; absent once one was taken."`
}

func newNotificationReply(r ingest.NotificationRule) notificationReply {
	reply := notificationReply{
		ID: r.ID.String(), Name: r.Name, Kind: r.Kind, Conditions: []string{}, Threshold: r.Threshold,
		CreatedAt: r.CreatedAt.UTC(), SentAt: r.SentAt.UTC(), FailedAt: r.FailedAt.UTC(), Failure: r.Failure,
	}
	for _, c := range r.Conditions {
		reply.Conditions = append(reply.Conditions, string(c))
	}
	if r.Source != (domain.SourceID{}) {
		reply.SourceID = r.Source.String()
	}
	return reply
}

type listNotificationsOutput struct {
	Body struct {
		Notifications []notificationReply `json:"notifications" nullable:"false"`
	}
}

// listNotifications handles GET /notifications.
func (s *Server) listNotifications(ctx context.Context, _ *struct{}) (*listNotificationsOutput, error) {
	rules, err := s.Notifications.List(ctx, owner(ctx))
	if err != nil {
		return nil, err
	}
	out := &listNotificationsOutput{}
	out.Body.Notifications = []notificationReply{}
	for _, r := range rules {
		out.Body.Notifications = append(out.Body.Notifications, newNotificationReply(r))
	}
	return out, nil
}

type addNotificationInput struct {
	Body struct {
		Name       string   `json:"name,omitempty" maxLength:"200" doc:"For people."`
		Kind       string   `json:"kind" enum:"service,webhook" doc:"service: a chat, mail or paging service by its shoutrrr address. webhook: an address that takes Standard Webhooks."`
		URL        string   `json:"url" maxLength:"4096" doc:"An address as shoutrrr has it, or that of a webhook. It is kept sealed and never shown again."`
		Secret     string   `json:"secret,omitempty" maxLength:"256" doc:"webhook: what it is signed with, whsec_ and the base64 of 24 to 64 bytes."`
		SourceID   string   `json:"sourceId,omitempty" maxLength:"64" doc:"Only this source."`
		Conditions []string `json:"conditions,omitempty" maxItems:"10" doc:"job_failed, credential_expired, gone, deletes_held, parked, dead_letters; none means all."`
		Threshold  int64    `json:"threshold,omitempty" minimum:"0" doc:"Dead letters of a source that are not yet worth a message."`
	}
}

type addNotificationOutput struct {
	Body notificationReply
}

// addNotification handles POST /notifications.
func (s *Server) addNotification(ctx context.Context, in *addNotificationInput) (*addNotificationOutput, error) {
	b := in.Body
	source, err := s.sourceAsked(ctx, b.SourceID)
	if err != nil {
		return nil, err
	}
	rule := ingest.NotificationRule{Owner: owner(ctx), Source: source, Name: b.Name, Threshold: b.Threshold}
	for _, c := range b.Conditions {
		rule.Conditions = append(rule.Conditions, ingest.Condition(c))
	}
	rule, err = s.Notifications.Add(ctx, rule, ingest.NotifyTarget{Kind: b.Kind, URL: domain.Secret(b.URL), Secret: domain.Secret(b.Secret)})
	if err != nil {
		return nil, err
	}
	return &addNotificationOutput{newNotificationReply(rule)}, nil
}

type notificationInput struct {
	ID string `path:"id" maxLength:"64"`
}

type notificationOutput struct {
	Body struct {
		ID string `json:"id"`
	}
}

// removeNotification handles DELETE /notifications/{id}.
func (s *Server) removeNotification(ctx context.Context, in *notificationInput) (*notificationOutput, error) {
	id, err := parseRule(in.ID)
	if err != nil {
		return nil, err
	}
	out := &notificationOutput{}
	out.Body.ID = id.String()
	return out, s.Notifications.Remove(ctx, owner(ctx), id)
}

// tryNotification handles POST /notifications/{id}/test.
func (s *Server) tryNotification(ctx context.Context, in *notificationInput) (*notificationOutput, error) {
	id, err := parseRule(in.ID)
	if err != nil {
		return nil, err
	}
	out := &notificationOutput{}
	out.Body.ID = id.String()
	return out, s.Notifications.Try(ctx, owner(ctx), id)
}

func parseRule(text string) (uuid.UUID, error) {
	id, err := uuid.Parse(text)
	if err != nil {
		return id, &domain.InvalidError{Field: "id", Problem: "is not the id of a rule", Allowed: "an id that GET /notifications shows"}
	}
	return id, nil
}

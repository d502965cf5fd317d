package gitlab

import (
	"cmp"
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/confuse/data-connector/connectors/gitrepo/forge"
	"github.com/confuse/data-connector/domain"
)

// Headers of a delivery. X-Gitlab-Webhook-Uuid is another one each time, and
// X-Gitlab-Event-Uuid is shared by several: neither names a delivery.
const (
	headerEvent       = "X-Gitlab-Event"
	headerIdempotency = "Idempotency-Key" // 17.4 and later; stable over repetitions, as Webhook-Id is
	headerType        = "Content-Type"
)

// A payload is what is read of a delivery. Its fields are optional: templates of
// the project may have changed it.
type payload struct {
	Kind       string   `json:"object_kind"`
	Name       string   `json:"event_name"`
	Ref        string   `json:"ref"`
	Tag        string   `json:"tag"`
	Project    *project `json:"project"`
	ProjectID  int64    `json:"project_id"` // what old servers say instead of the project's own id
	Attributes struct {
		IID      int64  `json:"iid"`
		Action   string `json:"action"`
		Noteable string `json:"noteable_type"`
		Slug     string `json:"slug"`
	} `json:"object_attributes"`
	Action       string `json:"action"`
	Issue        *item  `json:"issue"`
	MergeRequest *item  `json:"merge_request"`
}

type project struct {
	ID     int64  `json:"id"`
	WebURL string `json:"web_url"`
}

type item struct {
	IID int64 `json:"iid"`
}

// meanings are the kinds of deliveries that are notices, and what they name.
var meanings = map[string]func(p payload) []string{
	"push":          func(p payload) []string { return []string{p.Ref} },
	"tag_push":      func(p payload) []string { return []string{p.Ref} },
	"issue":         func(p payload) []string { return numbered(folderIssues, &item{p.Attributes.IID}) },
	"work_item":     func(p payload) []string { return numbered(folderIssues, &item{p.Attributes.IID}) },
	"merge_request": func(p payload) []string { return numbered(folderMergeRequests, &item{p.Attributes.IID}) },
	"note":          noteOf,
	"wiki_page":     func(p payload) []string { return []string{forge.WikiFolder + p.Attributes.Slug} },
	"release":       func(p payload) []string { return []string{string(forge.PathOf(folderReleases, p.Tag))} },
}

// templated are the events that are notices even when a template of the project
// has left nothing of the payload.
var templated = map[string]bool{
	"Push Hook": true, "Tag Push Hook": true, "Issue Hook": true, "Confidential Issue Hook": true, "Work Item Hook": true,
	"Merge Request Hook": true, "Note Hook": true, "Confidential Note Hook": true, "Wiki Page Hook": true, "Release Hook": true,
}

// noteOf is what was commented on; empty for what is not read: commits, snippets.
func noteOf(p payload) []string {
	switch p.Attributes.Noteable {
	case "Issue", "WorkItem":
		return numbered(folderIssues, p.Issue)
	case "MergeRequest":
		return numbered(folderMergeRequests, p.MergeRequest)
	}
	return nil
}

func numbered(folder string, i *item) []string {
	if i == nil || i.IID == 0 {
		return []string{}
	}
	return []string{string(forge.Numbered(folder, i.IID))}
}

// Parse implements domain.WebhookParser. What a delivery is says its body, which
// may be signed, and not its header. Nothing of GitLab's in a push tells it from an
// earlier one of the same commits (a branch that is moved forth, back and forth), and
// a template may leave the same text each time: where the id is signed it decides.
func (c *Connector) Parse(h http.Header, raw []byte) (domain.Delivery, error) {
	event, id := h.Get(headerEvent), cmp.Or(h.Get(headerID), h.Get(headerIdempotency))
	if event == "" || len(event) > maxHeader || len(id) > maxHeader {
		return domain.Delivery{}, &domain.InvalidError{Field: headerEvent, Problem: "does not name an event of GitLab"}
	}
	if kind, _, err := mime.ParseMediaType(h.Get(headerType)); err != nil || kind != "application/json" {
		return domain.Delivery{}, &domain.InvalidError{Field: headerType, Problem: "is not JSON", Allowed: "application/json"}
	}
	var p payload
	var shape *json.UnmarshalTypeError
	err := json.Unmarshal(raw, &p)
	if err != nil && !errors.As(err, &shape) {
		return domain.Delivery{}, &domain.InvalidError{Problem: "the body is no JSON"}
	}
	d := domain.Delivery{ID: id, IDSigned: len(h.Values(headerSignature)) > 0 && h.Get(headerID) != "", Event: domain.Clean(cmp.Or(p.Kind, p.Name, event))}
	if action := cmp.Or(p.Attributes.Action, p.Action); action != "" {
		d.Event += "." + domain.Clean(action)
	}
	d.About = p.about()
	if d.Notices, d.Ignored = mean(event, p); err != nil {
		d.Notices, d.Ignored = nil, "the body has another shape than GitLab's"
	}
	return d, nil
}

// about is the external key of the project; empty: it does not say.
func (p payload) about() string {
	if p.Project == nil || cmp.Or(p.Project.ID, p.ProjectID) == 0 {
		return ""
	}
	u, err := url.Parse(p.Project.WebURL)
	if err != nil || u.Host == "" {
		return ""
	}
	return externalKey(strings.ToLower(u.Host), cmp.Or(p.Project.ID, p.ProjectID))
}

// mean says what a payload tells: one notice, or why none.
func mean(event string, p payload) ([]domain.Notice, string) {
	refs, known := meanings[p.Kind]
	switch {
	case event == "System Hook":
		return nil, "a system hook: it is of the whole server"
	case p.Kind == "" && p.Name == "" && templated[event]:
		return []domain.Notice{{}}, "" // the source that the address names
	case !known:
		return nil, "nothing that is read depends on it"
	case p.Project == nil || cmp.Or(p.Project.ID, p.ProjectID) == 0:
		return nil, "names no project"
	}
	named := refs(p)
	if named == nil {
		return nil, "a comment on something that is read without comments"
	}
	n := domain.Notice{ExternalKey: p.about()} // empty: the source that the address names
	for _, ref := range named {
		n.Refs = append(n.Refs, domain.Clean(ref))
	}
	return []domain.Notice{n}, ""
}

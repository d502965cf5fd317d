package bitbucket

import (
	"encoding/json"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/confuse/data-connector/connectors/gitrepo/forge"
	"github.com/confuse/data-connector/domain"
)

// The headers of a delivery. Nothing but the body is signed.
const (
	headerEvent          = "X-Event-Key"
	headerCloudDelivery  = "X-Request-Uuid" // the same for each attempt
	headerServerDelivery = "X-Request-Id"
	headerSignature      = "X-Hub-Signature"
	headerType           = "Content-Type"
)

// maxHeader is the longest header that is looked at, in bytes.
const maxHeader = 1 << 10

// Verify implements domain.WebhookParser: HMAC-SHA256 over the raw body, in lower
// case hex. Bitbucket signs no time.
func (c *Connector) Verify(h http.Header, raw []byte, secrets []domain.Secret, _ time.Time) error {
	return forge.VerifySHA256(Provider, h.Values(headerSignature), raw, secrets)
}

// A payload is what is read of a delivery of either edition.
type payload struct {
	Repository *hookedRepository `json:"repository"`
	New        *hookedRepository `json:"new"` // of repo:modified
	Push       struct {
		Changes []struct { // at most so many: a push of more is cut, as commits are
			New *hookedRef `json:"new"` // null: it was deleted
			Old *hookedRef `json:"old"` // null: it is new
		} `json:"changes"`
	} `json:"push"`
	Changes json.RawMessage `json:"changes"` // of repo:refs_changed; something else in repo:updated
	Cloud   *struct {
		ID int64 `json:"id"`
	} `json:"pullrequest"`
	Server *struct {
		ID int64 `json:"id"`
		To struct {
			Repository *hookedRepository `json:"repository"`
		} `json:"toRef"`
	} `json:"pullRequest"`
}

type hookedRepository struct {
	UUID  string          `json:"uuid"`
	ID    int64           `json:"id"`
	Links json.RawMessage `json:"links"` // of another form in each edition
}

type hookedRef struct {
	Type string `json:"type"`
	Name string `json:"name"`
}

func (r *hookedRef) full() string {
	if r.Type == "tag" {
		return "refs/tags/" + r.Name
	}
	return "refs/heads/" + r.Name
}

// key is the external key of the repository; empty: of a Data Center that does not
// say its address, or of nothing.
func (r *hookedRepository) key() string {
	var l serverLinks
	switch id := strings.ToLower(r.UUID); {
	case uuid.MatchString(id):
		return cloudHost + "/" + id
	case json.Unmarshal(r.Links, &l) != nil:
		return ""
	}
	u, err := url.Parse(l.self())
	if err != nil || u.Host == "" {
		return ""
	}
	folder := u.Path // of a Data Center that does not lie at the root of its host
	for _, part := range []string{"/projects/", "/users/"} {
		if i := strings.LastIndex(folder, part); i >= 0 {
			return place{web: &url.URL{Host: strings.ToLower(u.Host), Path: folder[:i]}}.key() + "/" + strconv.FormatInt(r.ID, 10)
		}
	}
	return ""
}

// unused are the events that are known and change nothing that is read.
var unused = map[string]string{
	"diagnostics:ping":     "a test",
	"repo:fork":            "another repository was made",
	"repo:forked":          "another repository was made",
	"repo:commit_comment_": "comments on commits are not read",
	"repo:comment:":        "comments on commits are not read",
	"repo:commit_status_":  "builds are not read",
	"issue:":               "Bitbucket has no issues any more",
}

// Parse implements domain.WebhookParser.
func (c *Connector) Parse(h http.Header, raw []byte) (domain.Delivery, error) {
	event, id := h.Get(headerEvent), h.Get(headerCloudDelivery)
	if id == "" {
		id = h.Get(headerServerDelivery)
	}
	if event == "" || len(event) > maxHeader || len(id) > maxHeader {
		return domain.Delivery{}, &domain.InvalidError{Field: headerEvent, Problem: "does not name an event of Bitbucket"}
	}
	if kind, _, err := mime.ParseMediaType(h.Get(headerType)); err != nil || kind != "application/json" {
		return domain.Delivery{}, &domain.InvalidError{Field: headerType, Problem: "is not JSON", Allowed: "application/json"}
	}
	var p payload
	if err := json.Unmarshal(raw, &p); err != nil {
		return domain.Delivery{}, &domain.InvalidError{Problem: "the body is no payload of Bitbucket"}
	}
	d := domain.Delivery{ID: id, Event: domain.Clean(event)}
	if p.Repository != nil {
		d.About = p.Repository.key()
	}
	for prefix, why := range unused {
		if strings.HasPrefix(event, prefix) {
			d.Ignored = why
			return d, nil
		}
	}
	repo, refs, known := p.read(event)
	switch {
	case !known:
		d.Ignored = "nothing that is read depends on it"
	case repo == nil || repo.ID == 0 && !uuid.MatchString(strings.ToLower(repo.UUID)):
		d.Ignored = "names no repository"
	default:
		n := domain.Notice{ExternalKey: repo.key()}
		for _, ref := range refs[:min(len(refs), maxRefs)] {
			n.Refs = append(n.Refs, domain.Clean(ref))
		}
		d.Notices = []domain.Notice{n}
	}
	return d, nil
}

// maxRefs is how many names of a delivery are kept: they are for people.
const maxRefs = 20

// read finds what an event is about. Which refs moved and which pull request
// changed is looked up, so that it may be cut short does not matter.
func (p payload) read(event string) (repo *hookedRepository, refs []string, known bool) {
	switch {
	case event == "repo:push":
		return p.Repository, p.pushed(), true
	case event == "repo:refs_changed", event == "mirror:repo_synchronized":
		return p.Repository, p.moved(), true
	case event == "repo:updated", event == "repo:transfer", event == "repo:deleted", event == "repo:imported":
		return p.Repository, nil, true
	case event == "repo:modified":
		return p.New, nil, true
	case strings.HasPrefix(event, "pullrequest:") && p.Cloud != nil:
		return p.Repository, pullRef(p.Cloud.ID), true
	case strings.HasPrefix(event, "pr:") && p.Server != nil:
		return p.Server.To.Repository, pullRef(p.Server.ID), true
	}
	return nil, nil, strings.HasPrefix(event, "pullrequest:") || strings.HasPrefix(event, "pr:")
}

func pullRef(id int64) []string {
	return []string{string(forge.Numbered(folderPulls, id))}
}

func (p payload) pushed() []string {
	var refs []string
	for _, c := range p.Push.Changes {
		switch {
		case c.New != nil:
			refs = append(refs, c.New.full())
		case c.Old != nil:
			refs = append(refs, c.Old.full())
		}
	}
	return refs
}

func (p payload) moved() []string {
	var changes []struct {
		RefID string `json:"refId"`
	}
	_ = json.Unmarshal(p.Changes, &changes) // names are for people
	refs := make([]string, 0, len(changes))
	for _, c := range changes {
		refs = append(refs, c.RefID)
	}
	return refs
}

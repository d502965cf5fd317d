package github

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

// The headers of a delivery. X-Hub-Signature, of SHA-1, is not looked at.
const (
	headerEvent     = "X-Github-Event"
	headerDelivery  = "X-Github-Delivery"
	headerSignature = "X-Hub-Signature-256"
	headerType      = "Content-Type"
)

// maxHeader is the longest header that is looked at, in bytes.
const maxHeader = 1 << 10

// Verify implements domain.WebhookParser: HMAC-SHA256 over the raw body, in lower
// case hex. GitHub signs no time.
func (c *Connector) Verify(h http.Header, raw []byte, secrets []domain.Secret, _ time.Time) error {
	return forge.VerifySHA256(Provider, h.Values(headerSignature), raw, secrets)
}

// A payload is what is read of a delivery.
type payload struct {
	Action     string `json:"action"`
	Ref        string `json:"ref"`
	RefType    string `json:"ref_type"`
	Repository *repo  `json:"repository"`
	Added      []repo `json:"repositories_added"`
	Removed    []repo `json:"repositories_removed"`
	// Repositories are those of an installation that was made or removed.
	Repositories []repo `json:"repositories"`
	Number       int64  `json:"number"`
	Issue        *item  `json:"issue"`
	PullRequest  *item  `json:"pull_request"`
	Discussion   *item  `json:"discussion"`
	Release      *item  `json:"release"`
	Pages        []struct {
		Title string `json:"title"`
	} `json:"pages"`
	Installation *struct {
		ID      int64  `json:"id"`
		HTMLURL string `json:"html_url"`
	} `json:"installation"`
}

type repo struct {
	ID      int64  `json:"id"`
	HTMLURL string `json:"html_url"`
}

type item struct {
	ID     int64 `json:"id"`
	Number int64 `json:"number"`
	// PullRequest is set in an issue that is one.
	PullRequest json.RawMessage `json:"pull_request"`
}

// meanings are the events that are notices, and what they name.
var meanings = map[string]func(p payload) []string{
	"push":                        func(p payload) []string { return []string{p.Ref} },
	"create":                      refOf,
	"delete":                      refOf,
	"repository":                  nothing,
	"public":                      nothing,
	"issues":                      issueOf,
	"issue_comment":               issueOf,
	"pull_request":                pullOf,
	"pull_request_review":         pullOf,
	"pull_request_review_comment": pullOf,
	"pull_request_review_thread":  pullOf,
	"discussion":                  discussionOf,
	"discussion_comment":          discussionOf,
	"release":                     func(p payload) []string { return numbered(folderReleases, p.Release, true) },
	"gollum":                      pagesOf,
}

func nothing(payload) []string { return nil }

func refOf(p payload) []string {
	if p.RefType == "tag" {
		return []string{"refs/tags/" + p.Ref}
	}
	return []string{"refs/heads/" + p.Ref}
}

func issueOf(p payload) []string {
	if p.Issue != nil && len(p.Issue.PullRequest) > 0 && string(p.Issue.PullRequest) != "null" {
		return numbered(folderPulls, p.Issue, false)
	}
	return numbered(folderIssues, p.Issue, false)
}

func pullOf(p payload) []string       { return numbered(folderPulls, p.PullRequest, false) }
func discussionOf(p payload) []string { return numbered(folderDiscussions, p.Discussion, false) }

func numbered(folder string, i *item, byID bool) []string {
	switch {
	case i == nil:
		return nil
	case byID:
		return []string{folder + strconv.FormatInt(i.ID, 10) + ".md"}
	}
	return []string{folder + strconv.FormatInt(i.Number, 10) + ".md"}
}

func pagesOf(p payload) []string {
	var refs []string
	for _, page := range p.Pages {
		refs = append(refs, forge.WikiFolder+page.Title)
	}
	return refs
}

// maxRefs is how many names of a delivery are kept: they are for people.
const maxRefs = 20

// Parse implements domain.WebhookParser.
func (c *Connector) Parse(h http.Header, raw []byte) (domain.Delivery, error) {
	event, id := h.Get(headerEvent), h.Get(headerDelivery)
	if event == "" || len(event) > maxHeader || len(id) > maxHeader {
		return domain.Delivery{}, &domain.InvalidError{Field: headerEvent, Problem: "does not name an event of GitHub"}
	}
	if kind, _, err := mime.ParseMediaType(h.Get(headerType)); err != nil || kind != "application/json" {
		return domain.Delivery{}, &domain.InvalidError{Field: headerType, Problem: "is not JSON", Allowed: "application/json: set it as the content type of the webhook"}
	}
	var p payload
	if err := json.Unmarshal(raw, &p); err != nil {
		return domain.Delivery{}, &domain.InvalidError{Problem: "the body is no payload of GitHub"}
	}
	d := domain.Delivery{ID: id, Event: event}
	if p.Action != "" {
		d.Event += "." + domain.Clean(p.Action)
	}
	if p.Repository != nil && p.Repository.ID != 0 {
		d.About = notice(*p.Repository, hostOf(p.Repository.HTMLURL)).ExternalKey
	}
	refs, known := meanings[event]
	switch {
	case event == "installation" || event == "installation_repositories":
		d.Notices = installationNotices(p)
		if len(d.Notices) == 0 {
			d.Ignored = "names no installation"
		}
	case event == "ping":
		d.Ignored = "a ping"
	case !known:
		d.Ignored = "nothing that is read depends on it"
	case p.Repository == nil || p.Repository.ID == 0:
		d.Ignored = "names no repository"
	default:
		n := domain.Notice{ExternalKey: d.About} // empty: the source that the address names
		for _, ref := range refs(p) {
			n.Refs = append(n.Refs, domain.Clean(ref))
		}
		n.Refs = n.Refs[:min(len(n.Refs), maxRefs)]
		d.Notices = []domain.Notice{n}
	}
	return d, nil
}

// installationNotices are the installation itself, whose sources are found also where
// their repositories are not named, or not all of them, and the repositories to which
// access was given or taken. GitHub does not say their addresses there, but that of the
// installation.
func installationNotices(p payload) []domain.Notice {
	if p.Installation == nil || p.Installation.ID <= 0 {
		return nil
	}
	host := hostOf(p.Installation.HTMLURL)
	if host == "" {
		return nil
	}
	all := []domain.Notice{{
		Installation: domain.Installation{ID: strconv.FormatInt(p.Installation.ID, 10), Place: host + "/"},
		Access:       opens(p.Action),
	}}
	for _, list := range [][]repo{p.Repositories, p.Added, p.Removed} {
		for _, r := range list {
			if r.ID != 0 {
				all = append(all, notice(r, host))
			}
		}
	}
	return all
}

// opens reports whether an installation gives access again, or more of it, when this
// has become of it.
func opens(action string) bool {
	switch action {
	case "created", "unsuspend", "new_permissions_accepted", "added":
		return true
	}
	return false
}

func notice(r repo, host string) domain.Notice {
	if host == "" {
		return domain.Notice{} // the source that the address names
	}
	return domain.Notice{ExternalKey: externalKey(host, r.ID)}
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Host)
}

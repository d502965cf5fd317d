package bitbucket

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/confuse/data-connector/connectors/gitrepo/forge"
	"github.com/confuse/data-connector/domain"
)

// cloud is Bitbucket Cloud.
type cloud struct{}

// uuid is how Cloud names what it never renames.
var uuid = regexp.MustCompile(`^\{[0-9a-f-]{36}\}$`)

// anyWorkspace stands for the workspace of a repository that is named by its uuid
// (developer.atlassian.com/cloud/bitbucket/rest/intro, "UUID").
const anyWorkspace = "{}"

type cloudRepository struct {
	UUID     string `json:"uuid"`
	FullName string `json:"full_name"`
	SCM      string `json:"scm"`
	Private  bool   `json:"is_private"`
	Links    links  `json:"links"`
}

type links struct {
	HTML struct {
		Href string `json:"href"`
	} `json:"html"`
}

// A cloudPage is one page of any list.
type cloudPage[T any] struct {
	Values []T    `json:"values"`
	Next   string `json:"next"` // opaque; empty: the end
	Size   *int   `json:"size"` // of the list; nil: not said
}

func (c cloud) repository(ctx context.Context, ss *session, id string) (forge.Facts, error) {
	if id == "" {
		return c.find(ctx, ss, ss.o.Owner, ss.o.Repo)
	}
	found, err := c.find(ctx, ss, anyWorkspace, id)
	if errors.Is(err, domain.ErrGone) { // or the uuid alone is not taken: the name may still be good
		found, err = c.find(ctx, ss, ss.o.Owner, ss.o.Repo)
	}
	if err == nil && found.ID != id {
		return found, fmt.Errorf("bitbucket: the name is another repository's: %w", domain.ErrGone)
	}
	return found, err
}

func (cloud) find(ctx context.Context, ss *session, workspace, repo string) (forge.Facts, error) {
	var r cloudRepository
	err := ss.get(ss.poll(ctx, "repository"), "repositories/"+url.PathEscape(workspace)+"/"+url.PathEscape(repo), nil, &r)
	if err != nil {
		return forge.Facts{}, err
	}
	r.UUID = strings.ToLower(r.UUID)
	switch owner, name, ok := strings.Cut(r.FullName, "/"); {
	case r.SCM != "" && r.SCM != "git":
		return forge.Facts{}, &domain.InvalidError{Field: "config." + optionRepo, Problem: "is no git repository"}
	case !uuid.MatchString(r.UUID), !ok, !ownerName.MatchString(owner), !repoName.MatchString(name):
		return forge.Facts{}, fmt.Errorf("bitbucket: repository: answer without an id or a name: %w", domain.ErrTransient)
	}
	return forge.Facts{ID: r.UUID, FullName: r.FullName, WebURL: r.Links.HTML.Href, Visibility: forge.Visible(r.Private)}, nil
}

// works asks who the credential is of. An access token is of nobody and is told
// so with 403 or 404; a dead one gets 401.
func (cloud) works(ctx context.Context, ss *session) error {
	err := ss.get(ss.call(ctx, "user"), "user", nil, nil)
	if errors.Is(err, domain.ErrForbidden) || errors.Is(err, domain.ErrGone) {
		return nil
	}
	return err
}

func (cloud) addresses(ss *session) (clone string, file func(ref, path string) string) {
	owner, repo := ss.name()
	src := strings.TrimSuffix(ss.repo.WebURL, "/") + "/src/"
	return ss.web.JoinPath(owner, repo+".git").String(), func(ref, path string) string {
		return src + url.PathEscape(ref) + "/" + forge.Escape(path)
	}
}

func (cloud) pulls(ss *session) forge.Kind { return cloudPulls{ss} }

// cloudPath is a path below the repository.
func cloudPath(ss *session, rest string) string {
	owner, repo := ss.name()
	return "repositories/" + url.PathEscape(owner) + "/" + url.PathEscape(repo) + "/" + rest
}

// cloudEach follows a list that belongs to one thing to its end. It is read again
// whole when the thing changes.
func cloudEach[T any](ctx context.Context, ss *session, path string, query url.Values, take func(T)) error {
	base := strings.TrimSuffix(ss.api.String(), "/") + "/"
	address := base + path + "?" + query.Encode()
	for range maxPages {
		var p cloudPage[T]
		if err := ss.at(ctx, http.MethodGet, address, nil, &p); err != nil {
			return err
		}
		for _, v := range p.Values {
			take(v)
		}
		if address = p.Next; address == "" {
			return nil
		}
		if !strings.HasPrefix(address, base) {
			return fmt.Errorf("bitbucket: the next page is elsewhere: %w", domain.ErrPartial)
		}
	}
	return fmt.Errorf("bitbucket: more than %d pages: %w", maxPages, domain.ErrTooLarge)
}

func (cloud) listHooks(ctx context.Context, ss *session) (map[string]string, error) {
	all := map[string]string{}
	path, _ := cloud{}.hook(ss, domain.Hook{})
	type hook struct {
		UUID string `json:"uuid"`
		URL  string `json:"url"`
	}
	return all, cloudEach(ss.call(ctx, "hooks"), ss, path, url.Values{"pagelen": {"100"}}, func(h hook) { all[h.URL] = h.UUID })
}

// hook: a secret is never shown, so it is written each time.
func (cloud) hook(ss *session, want domain.Hook) (path string, body any) {
	events := []string{"repo:push", "repo:updated"}
	if ss.o.IndexPRs {
		events = append(events,
			"pullrequest:created", "pullrequest:updated", "pullrequest:approved", "pullrequest:unapproved", "pullrequest:fulfilled", "pullrequest:rejected",
			"pullrequest:changes_request_created", "pullrequest:changes_request_removed",
			"pullrequest:comment_created", "pullrequest:comment_updated", "pullrequest:comment_deleted")
	}
	return cloudPath(ss, "hooks"), map[string]any{
		"description": "data-connector", "url": want.URL, "active": true, "secret": string(want.Secret), "events": events, "skip_cert_verification": false,
	}
}

package bitbucket

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/confuse/data-connector/connectors/gitrepo/forge"
	"github.com/confuse/data-connector/domain"
)

// server is Bitbucket Data Center.
type server struct{}

type serverRepository struct {
	ID       int64       `json:"id"`
	Slug     string      `json:"slug"`
	SCM      string      `json:"scmId"`
	Public   bool        `json:"public"`
	Archived bool        `json:"archived"`
	Project  project     `json:"project"`
	Links    serverLinks `json:"links"`
}

type project struct {
	Key string `json:"key"`
}

type serverLinks struct {
	Self []struct {
		Href string `json:"href"`
	} `json:"self"`
}

func (l serverLinks) self() string {
	if len(l.Self) == 0 {
		return ""
	}
	return l.Self[0].Href
}

// A serverPage is one page of any list.
type serverPage[T any] struct {
	Values []T  `json:"values"`
	Size   int  `json:"size"`  // of this page
	Limit  int  `json:"limit"` // that the server has set
	Last   bool `json:"isLastPage"`
	Next   int  `json:"nextPageStart"`
}

// maxSearched is the most pages that are searched for a repository which was
// moved: 20,000 repositories.
const maxSearched = 20

// repository asks for the name that it had, then for the name in the config, and
// when neither has the id, among all: Data Center has no address by id.
func (v server) repository(ctx context.Context, ss *session, id string) (forge.Facts, error) {
	if id == "" {
		return v.find(ctx, ss, ss.o.Owner, ss.o.Repo)
	}
	for _, name := range []string{ss.repo.FullName, ss.o.Owner + "/" + ss.o.Repo} {
		owner, repo, _ := strings.Cut(name, "/")
		if repo == "" {
			continue
		}
		found, err := v.find(ctx, ss, owner, repo)
		if err == nil && found.ID == id {
			return found, nil
		}
		if err != nil && !errors.Is(err, domain.ErrGone) && !errors.Is(err, domain.ErrUnauthorized) {
			return found, err
		}
	}
	return v.search(ctx, ss, id)
}

func (server) find(ctx context.Context, ss *session, owner, repo string) (forge.Facts, error) {
	var r serverRepository
	if err := ss.get(ss.poll(ctx, "repository"), "projects/"+url.PathEscape(owner)+"/repos/"+url.PathEscape(repo), nil, &r); err != nil {
		return forge.Facts{}, err
	}
	return r.facts()
}

func (r serverRepository) facts() (forge.Facts, error) {
	switch {
	case r.SCM != "" && r.SCM != "git":
		return forge.Facts{}, &domain.InvalidError{Field: "config." + optionRepo, Problem: "is no git repository"}
	case r.ID == 0, !ownerName.MatchString(r.Project.Key), !repoName.MatchString(r.Slug):
		return forge.Facts{}, fmt.Errorf("bitbucket: repository: answer without an id or a name: %w", domain.ErrTransient)
	}
	return forge.Facts{
		ID: strconv.FormatInt(r.ID, 10), FullName: r.Project.Key + "/" + r.Slug, WebURL: strings.TrimSuffix(r.Links.self(), "/browse"),
		Visibility: forge.Visible(!r.Public), Archived: r.Archived,
	}, nil
}

// search finds a repository by its id among all that the credential may see.
func (server) search(ctx context.Context, ss *session, id string) (forge.Facts, error) {
	start := 0
	for range maxSearched {
		var p serverPage[serverRepository]
		query := url.Values{"limit": {"1000"}, "start": {strconv.Itoa(start)}}
		if err := ss.get(ss.call(ctx, "repositories"), "repos", query, &p); err != nil {
			return forge.Facts{}, err
		}
		for _, r := range p.Values {
			if strconv.FormatInt(r.ID, 10) == id {
				return r.facts()
			}
		}
		if p.Last || p.Next <= start {
			break
		}
		start = p.Next
	}
	return forge.Facts{}, fmt.Errorf("bitbucket: no repository has this id any more: %w", domain.ErrGone)
}

func (server) works(ctx context.Context, ss *session) error {
	return ss.get(ss.call(ctx, "projects"), "projects", url.Values{"limit": {"1"}}, nil)
}

func (server) addresses(ss *session) (clone string, file func(ref, path string) string) {
	owner, repo := ss.name()
	browse := strings.TrimSuffix(ss.repo.WebURL, "/") + "/browse/"
	return ss.web.JoinPath("scm", strings.ToLower(owner), repo+".git").String(), func(ref, path string) string {
		return browse + forge.Escape(path) + "?at=" + url.QueryEscape(ref)
	}
}

func (server) pulls(ss *session) forge.Kind { return serverPulls{ss} }

// serverPath is a path below the repository.
func serverPath(ss *session, rest string) string {
	owner, repo := ss.name()
	return "projects/" + url.PathEscape(owner) + "/repos/" + url.PathEscape(repo) + "/" + rest
}

// serverEach follows a list that belongs to one thing to its end.
func serverEach[T any](ctx context.Context, ss *session, path string, query url.Values, take func(T)) error {
	start := 0
	for range maxPages {
		var p serverPage[T]
		query.Set("start", strconv.Itoa(start))
		if err := ss.get(ctx, path, query, &p); err != nil {
			return err
		}
		for _, v := range p.Values {
			take(v)
		}
		if p.Last {
			return nil
		}
		if p.Next <= start {
			return fmt.Errorf("bitbucket: a page leads nowhere: %w", domain.ErrPartial)
		}
		start = p.Next
	}
	return fmt.Errorf("bitbucket: more than %d pages: %w", maxPages, domain.ErrTooLarge)
}

func (server) listHooks(ctx context.Context, ss *session) (map[string]string, error) {
	all := map[string]string{}
	path, _ := server{}.hook(ss, domain.Hook{})
	type hook struct {
		ID  int64  `json:"id"`
		URL string `json:"url"`
	}
	return all, serverEach(ss.call(ctx, "hooks"), ss, path, url.Values{"limit": {"100"}}, func(h hook) { all[h.URL] = strconv.FormatInt(h.ID, 10) })
}

// hook: a secret is not shown, so it is written each time.
func (server) hook(ss *session, want domain.Hook) (path string, body any) {
	events := []string{"repo:refs_changed", "repo:modified"}
	if ss.o.IndexPRs {
		events = append(events,
			"pr:opened", "pr:modified", "pr:from_ref_updated", "pr:merged", "pr:declined", "pr:deleted",
			"pr:reviewer:approved", "pr:reviewer:unapproved", "pr:reviewer:needs_work", "pr:reviewer:updated",
			"pr:comment:added", "pr:comment:edited", "pr:comment:deleted")
	}
	return serverPath(ss, "webhooks"), map[string]any{
		"name": "data-connector", "url": want.URL, "active": true, "events": events,
		"configuration": map[string]any{"secret": string(want.Secret)}, "sslVerificationRequired": true,
	}
}

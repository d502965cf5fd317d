package github

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	sdk "github.com/google/go-github/v89/github"

	"github.com/confuse/data-connector/connectors/gitrepo/forge"
	"github.com/confuse/data-connector/domain"
)

// issues are listed by the time of their last change. Each page is asked for with
// the time at which the one before ended, so nothing that is deleted meanwhile
// shifts another one out of sight; what changes meanwhile comes once more.
type issues struct{ ss *session }

func (issues) Name() string   { return "issues" }
func (issues) Folder() string { return folderIssues }

func (k issues) All(ctx context.Context, after string, take func([]domain.Item, string) error) error {
	since, err := forge.ParseTime(after)
	if err != nil {
		return err
	}
	return k.from(ctx, since, take)
}

func (k issues) Since(ctx context.Context, m forge.Mark, take func([]domain.Item) error) error {
	return k.from(ctx, m.From(), func(items []domain.Item, _ string) error { return take(items) })
}

// from walks everything that changed at since or later.
func (k issues) from(ctx context.Context, since time.Time, take func([]domain.Item, string) error) error {
	list := forge.Timeline[*sdk.Issue]{
		At: func(i *sdk.Issue) time.Time { return i.GetUpdatedAt().Time }, Key: func(i *sdk.Issue) string { return strconv.Itoa(i.GetNumber()) },
		Page: func(ctx context.Context, since time.Time, page int) ([]*sdk.Issue, bool, error) {
			found, resp, err := k.list(k.ss.call(ctx, "issues"), "asc", since, page)
			if absent(err) { // issues are switched off
				return nil, false, nil
			}
			return found, err == nil && goesOn(resp), err
		},
	}
	return list.Walk(ctx, since, func(found []*sdk.Issue, next string) error { return take(k.ss.issueItems(found), next) })
}

func (k issues) list(ctx context.Context, direction string, since time.Time, page int) ([]*sdk.Issue, *sdk.Response, error) {
	owner, repo := k.ss.name()
	found, resp, err := k.ss.api.Issues.ListByRepo(ctx, owner, repo, &sdk.IssueListByRepoOptions{
		State: "all", Sort: "updated", Direction: direction, Since: since,
		ListOptions: sdk.ListOptions{Page: page, PerPage: k.ss.page},
	})
	return found, resp, classify("issues", err)
}

func (k issues) Mark(ctx context.Context) (forge.Mark, error) {
	found, _, err := k.list(k.ss.poll(ctx, "issues"), "desc", time.Time{}, 1)
	if absent(err) {
		return forge.Mark{}, nil
	}
	if err != nil {
		return forge.Mark{}, err
	}
	items := k.ss.issueItems(found)
	m := forge.Mark{Seen: forge.SeenOf(items)}
	for _, i := range found { // pull requests among them move the time on as well
		if t := i.GetUpdatedAt().Time; t.After(m.Since) {
			m.Since = t
		}
	}
	return m, nil
}

// issueItems leaves pull requests out, which GitHub lists among issues.
func (ss *session) issueItems(found []*sdk.Issue) []domain.Item {
	var items []domain.Item
	for _, i := range found {
		if !i.IsPullRequest() {
			items = append(items, issueItem(i))
		}
	}
	return items
}

func issueItem(i *sdk.Issue) domain.Item {
	return domain.Item{
		Path: forge.Numbered(folderIssues, int64(i.GetNumber())), Kind: domain.KindIssue, Version: issueVersion(i), Size: -1, MediaType: forge.Markdown,
		WebURL: i.GetHTMLURL(), Modified: i.GetUpdatedAt().Time,
		Attributes: forge.Attributes(
			"number", strconv.Itoa(i.GetNumber()), "title", i.GetTitle(), "state", i.GetState(), "state_reason", i.GetStateReason(),
			"labels", labels(i.Labels), "milestone", i.GetMilestone().GetTitle(), "comments", strconv.Itoa(i.GetComments()),
			"created_at", forge.Stamp(i.GetCreatedAt().Time), "closed_at", forge.Stamp(i.GetClosedAt().Time),
		),
		People: append(person("author", i.User), people("assignee", i.Assignees)...),
	}
}

func issueVersion(i *sdk.Issue) string {
	return forge.VersionOf(i.GetNumber(), i.GetUpdatedAt().Time, i.GetComments(), i.GetState(), i.GetTitle())
}

func (k issues) Read(ctx context.Context, name string) (text, version string, err error) {
	id, err := forge.Number(name)
	if err != nil {
		return "", "", err
	}
	owner, repo := k.ss.name()
	i, _, err := k.ss.api.Issues.Get(k.ss.call(ctx, "issue"), owner, repo, int(id))
	if err = classify("issue", err); err != nil {
		return "", "", err
	}
	if err := k.ss.own(ctx, i); err != nil {
		return "", "", err
	}
	if int64(i.GetNumber()) != id || i.IsPullRequest() {
		return "", "", domain.ErrGone
	}
	comments, err := k.ss.comments(ctx, id, i.GetComments())
	if err != nil {
		return "", "", err
	}
	return renderIssue(i, comments), issueVersion(i), nil
}

// own is ErrGone for an issue of another repository: GitHub leads from one that was
// transferred to where it is now, and its number may be the same there. A name that
// is not the known one is asked for again, as the repository may have been renamed
// since. Items are read side by side, so the session stays as it is.
func (ss *session) own(ctx context.Context, i *sdk.Issue) error {
	now := *ss
	if i.RepositoryURL == nil || now.named(i.GetRepositoryURL()) {
		return nil
	}
	if err := now.resolve(ctx, ss.repo.ID); err != nil {
		return err
	}
	if !now.named(i.GetRepositoryURL()) {
		return domain.ErrGone
	}
	return nil
}

// named reports whether an address of the API is that of the repository, by name.
func (ss *session) named(address string) bool {
	return strings.HasSuffix(strings.ToLower(address), strings.ToLower("/repos/"+ss.repo.FullName))
}

// comments are those of an issue or pull request, oldest first. With most 0 there
// is nothing to ask for.
func (ss *session) comments(ctx context.Context, id int64, most int) ([]*sdk.IssueComment, error) {
	if most == 0 {
		return nil, nil
	}
	owner, repo := ss.name()
	return pages(func(o sdk.ListOptions) ([]*sdk.IssueComment, *sdk.Response, error) {
		c, resp, err := ss.api.Issues.ListComments(ss.call(ctx, "comments"), owner, repo, int(id), &sdk.IssueListCommentsOptions{ListOptions: o})
		return c, resp, classify("comments", err)
	})
}

// goesOn reports whether a page names a next one, by number or by a cursor.
func goesOn(r *sdk.Response) bool { return r.NextPage != 0 || r.After != "" || r.NextPageToken != "" }

// maxPages is the most pages of what belongs to one item.
const maxPages = 100

// pages reads a list that belongs to one item. It is read again whole when the
// item changes, so what shifts meanwhile comes with the next version.
func pages[T any](get func(sdk.ListOptions) ([]T, *sdk.Response, error)) ([]T, error) {
	var all []T
	o := sdk.ListOptions{PerPage: maxPage}
	for range maxPages {
		next := 0
		found, more, err := forge.Filled(func() ([]T, bool, error) {
			found, resp, err := get(o)
			if err != nil {
				return nil, false, err
			}
			next = resp.NextPage
			return found, goesOn(resp), nil
		})
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
		switch {
		case !more:
			return all, nil
		case next <= o.Page:
			return nil, fmt.Errorf("github: a list goes on at no page: %w", domain.ErrPartial)
		}
		o.Page = next
	}
	return nil, domain.ErrTooLarge
}

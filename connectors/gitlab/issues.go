package gitlab

import (
	"context"
	"strconv"

	sdk "gitlab.com/gitlab-org/api/client-go/v2"

	"github.com/confuse/data-connector/connectors/gitrepo/forge"
	"github.com/confuse/data-connector/domain"
)

const (
	nameIssues   = "issues"
	folderIssues = "@issues/"
)

// issues are issues, incidents and tasks: all that GitLab lists as issues.
type issues struct{ ss *session }

func (issues) Name() string   { return nameIssues }
func (issues) Folder() string { return folderIssues }

func (k issues) All(ctx context.Context, after string, take func([]domain.Item, string) error) error {
	return k.dated().all(ctx, after, take)
}

func (k issues) Mark(ctx context.Context) (forge.Mark, error) { return k.dated().mark(ctx) }

func (k issues) Since(ctx context.Context, m forge.Mark, take func([]domain.Item) error) error {
	return k.dated().since(ctx, m, take)
}

func (k issues) dated() dated { return dated{ss: k.ss, name: nameIssues, list: k.list} }

func (k issues) list(call sdk.RequestOptionFunc, w window) ([]domain.Item, *sdk.Response, error) {
	found, resp, err := k.ss.api.Issues.ListProjectIssues(k.ss.repo.id, &sdk.ListProjectIssuesOptions{
		ListOptions: w.options(k.ss.page), OrderBy: sdk.Ptr("updated_at"), Sort: &w.sort, UpdatedAfter: w.after(), Scope: sdk.Ptr("all"),
	}, call)
	items := make([]domain.Item, 0, len(found))
	for _, i := range found {
		items = append(items, k.item(i))
	}
	return items, resp, classify("issues", err)
}

// item is an issue. One that is confidential, and not asked for, has no version:
// it may have been seen when it was open to all.
func (k issues) item(i *sdk.Issue) domain.Item {
	path, at := forge.Numbered(folderIssues, i.IID), when(i.UpdatedAt)
	if i.Confidential && !k.ss.o.IndexConfidential {
		return domain.Item{Path: path, Modified: at}
	}
	item := domain.Item{
		Path: path, Kind: domain.KindIssue, Version: issueVersion(i), Size: -1, MediaType: forge.Markdown, WebURL: i.WebURL, Modified: at,
		Attributes: forge.Attributes(
			"number", strconv.FormatInt(i.IID, 10), "title", i.Title, "state", i.State, "type", issueType(i), "labels", names(i.Labels),
			"milestone", milestone(i.Milestone), "comments", strconv.FormatInt(i.UserNotesCount, 10), "confidential", forge.Yes(i.Confidential),
			"created_at", stamp(i.CreatedAt), "closed_at", stamp(i.ClosedAt),
		),
		People: person("author", authorOf(i.Author)),
	}
	for _, a := range i.Assignees {
		item.People = append(item.People, person("assignee", user{ID: a.ID, Username: a.Username, Name: a.Name})...)
	}
	return item
}

func issueType(i *sdk.Issue) string {
	if i.IssueType == nil {
		return ""
	}
	return *i.IssueType
}

func authorOf(a *sdk.IssueAuthor) user {
	if a == nil {
		return user{}
	}
	return user{ID: a.ID, Username: a.Username, Name: a.Name}
}

func issueVersion(i *sdk.Issue) string {
	return forge.VersionOf(i.IID, when(i.UpdatedAt), i.UserNotesCount, i.State, i.Title)
}

// Read implements forge.Kind.
func (k issues) Read(ctx context.Context, name string) (text, version string, err error) {
	iid, err := forge.Number(name)
	if err != nil {
		return "", "", err
	}
	i, _, err := k.ss.api.Issues.GetIssue(k.ss.repo.id, iid, k.ss.call(ctx, "issue"))
	if err = classify("issue", err); err != nil {
		return "", "", err
	}
	if i.IID != iid || k.item(i).Version == "" {
		return "", "", domain.ErrGone
	}
	talk, err := k.ss.discussions(i.UserNotesCount, func(o sdk.ListOptions) ([]*sdk.Discussion, *sdk.Response, error) {
		return k.ss.api.Discussions.ListIssueDiscussions(k.ss.repo.id, iid, &sdk.ListIssueDiscussionsOptions{ListOptions: o}, k.ss.call(ctx, "discussions"))
	})
	if err != nil {
		return "", "", err
	}
	return renderIssue(i, talk), issueVersion(i), nil
}

// discussions are what was said, oldest first, without what GitLab says by itself,
// and without internal notes unless they are asked for. With most 0 there is
// nothing to ask for.
func (ss *session) discussions(most int64, list func(sdk.ListOptions) ([]*sdk.Discussion, *sdk.Response, error)) ([]*sdk.Discussion, error) {
	if most == 0 {
		return nil, nil
	}
	all, _, err := pages(maxPage, func(o sdk.ListOptions) ([]*sdk.Discussion, *sdk.Response, error) {
		found, resp, err := list(o)
		return found, resp, classify("discussions", err)
	})
	if err != nil {
		return nil, err
	}
	var talk []*sdk.Discussion
	for _, d := range all {
		var notes []*sdk.Note
		for _, n := range d.Notes {
			if !n.System && (ss.o.IndexConfidential || !n.Internal && !n.Confidential) { //nolint:staticcheck // servers before 15.0 know the old name alone
				notes = append(notes, n)
			}
		}
		if d.Notes = notes; len(notes) > 0 {
			talk = append(talk, d)
		}
	}
	return talk, nil
}

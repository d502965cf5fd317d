package gitlab

import (
	"context"
	"strconv"

	sdk "gitlab.com/gitlab-org/api/client-go/v2"

	"github.com/confuse/data-connector/connectors/gitrepo/forge"
	"github.com/confuse/data-connector/domain"
)

const (
	nameMergeRequests   = "merge_requests"
	folderMergeRequests = "@merge_requests/"
)

type mergeRequests struct{ ss *session }

func (mergeRequests) Name() string   { return nameMergeRequests }
func (mergeRequests) Folder() string { return folderMergeRequests }

func (k mergeRequests) All(ctx context.Context, after string, take func([]domain.Item, string) error) error {
	return k.dated().all(ctx, after, take)
}

func (k mergeRequests) Mark(ctx context.Context) (forge.Mark, error) { return k.dated().mark(ctx) }

func (k mergeRequests) Since(ctx context.Context, m forge.Mark, take func([]domain.Item) error) error {
	return k.dated().since(ctx, m, take)
}

func (k mergeRequests) dated() dated {
	return dated{ss: k.ss, name: nameMergeRequests, list: k.list}
}

func (k mergeRequests) list(call sdk.RequestOptionFunc, w window) ([]domain.Item, *sdk.Response, error) {
	found, resp, err := k.ss.api.MergeRequests.ListProjectMergeRequests(k.ss.repo.id, &sdk.ListProjectMergeRequestsOptions{
		ListOptions: w.options(k.ss.page), OrderBy: sdk.Ptr("updated_at"), Sort: &w.sort, UpdatedAfter: w.after(), Scope: sdk.Ptr("all"),
	}, call)
	items := make([]domain.Item, 0, len(found))
	for _, m := range found {
		items = append(items, mergeRequestItem(m))
	}
	return items, resp, classify("merge requests", err)
}

func mergeRequestItem(m *sdk.BasicMergeRequest) domain.Item {
	item := domain.Item{
		Path: forge.Numbered(folderMergeRequests, m.IID), Kind: domain.KindPullRequest, Version: mergeRequestVersion(m), Size: -1, MediaType: forge.Markdown,
		WebURL: m.WebURL, Modified: when(m.UpdatedAt),
		Attributes: forge.Attributes(
			"number", strconv.FormatInt(m.IID, 10), "title", m.Title, "state", m.State, "draft", forge.Yes(m.Draft),
			"base", m.TargetBranch, "head", m.SourceBranch, "head_sha", m.SHA, "labels", names(m.Labels), "milestone", milestone(m.Milestone),
			"comments", strconv.FormatInt(m.UserNotesCount, 10),
			"created_at", stamp(m.CreatedAt), "closed_at", stamp(m.ClosedAt), "merged_at", stamp(m.MergedAt),
		),
		People: person("author", userOf(m.Author)),
	}
	for _, a := range m.Assignees {
		item.People = append(item.People, person("assignee", userOf(a))...)
	}
	for _, r := range m.Reviewers {
		item.People = append(item.People, person("reviewer", userOf(r))...)
	}
	return item
}

func mergeRequestVersion(m *sdk.BasicMergeRequest) string {
	return forge.VersionOf(m.IID, when(m.UpdatedAt), m.UserNotesCount, m.State, m.SHA, m.Title)
}

// Read implements forge.Kind.
func (k mergeRequests) Read(ctx context.Context, name string) (text, version string, err error) {
	iid, err := forge.Number(name)
	if err != nil {
		return "", "", err
	}
	m, _, err := k.ss.api.MergeRequests.GetMergeRequest(k.ss.repo.id, iid, nil, k.ss.call(ctx, "merge_request"))
	if err = classify("merge request", err); err != nil {
		return "", "", err
	}
	if m.IID != iid {
		return "", "", domain.ErrGone
	}
	talk, err := k.ss.discussions(m.UserNotesCount, func(o sdk.ListOptions) ([]*sdk.Discussion, *sdk.Response, error) {
		return k.ss.api.Discussions.ListMergeRequestDiscussions(k.ss.repo.id, iid, &sdk.ListMergeRequestDiscussionsOptions{ListOptions: o}, k.ss.call(ctx, "discussions"))
	})
	if err != nil {
		return "", "", err
	}
	return renderMergeRequest(&m.BasicMergeRequest, talk), mergeRequestVersion(&m.BasicMergeRequest), nil
}

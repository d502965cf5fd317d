package github

import (
	"context"
	"fmt"
	"strconv"
	"time"

	sdk "github.com/google/go-github/v89/github"

	"github.com/confuse/data-connector/connectors/gitrepo/forge"
	"github.com/confuse/data-connector/domain"
)

// pulls are listed by number: none is ever deleted or transferred, so nothing
// shifts, and new ones come at the end.
type pulls struct{ ss *session }

func (pulls) Name() string   { return "pulls" }
func (pulls) Folder() string { return folderPulls }

func (k pulls) All(ctx context.Context, after string, take func([]domain.Item, string) error) error {
	page := 1
	if after != "" {
		var err error
		if page, err = strconv.Atoi(after); err != nil || page < 1 {
			return domain.ErrCursorReset
		}
	}
	for {
		found, resp, err := k.whole(ctx, page)
		if err != nil {
			return err
		}
		next := ""
		if resp.NextPage != 0 {
			next = strconv.Itoa(resp.NextPage)
		}
		if err := take(pullItems(found), next); err != nil || next == "" {
			return err
		}
		page = resp.NextPage
	}
}

// whole reads a page of the list by number. One that is short though it is not the
// last is read until two readings agree: GitHub leaves out what it holds for spam,
// and a page that lost something looks the same (I8).
func (k pulls) whole(ctx context.Context, page int) ([]*sdk.PullRequest, *sdk.Response, error) {
	before := ""
	for range maxReadings {
		found, resp, err := k.list(k.ss.call(ctx, "pulls"), "created", "asc", page)
		if err != nil {
			return nil, nil, err
		}
		for n, p := range found {
			if n > 0 && p.GetNumber() <= found[n-1].GetNumber() {
				return nil, nil, forge.ErrOrder
			}
		}
		now := forge.SeenOf(pullItems(found))
		if len(found) >= k.ss.page || resp.NextPage == 0 || now == before {
			return found, resp, nil
		}
		before = now
	}
	return nil, nil, fmt.Errorf("github: a page of pull requests changes with each reading: %w", domain.ErrPartial)
}

func (k pulls) list(ctx context.Context, sort, direction string, page int) ([]*sdk.PullRequest, *sdk.Response, error) {
	owner, repo := k.ss.name()
	found, resp, err := k.ss.api.PullRequests.List(ctx, owner, repo, &sdk.PullRequestListOptions{
		State: "all", Sort: sort, Direction: direction, ListOptions: sdk.ListOptions{Page: page, PerPage: k.ss.page},
	})
	return found, resp, classify("pull requests", err)
}

func (k pulls) Mark(ctx context.Context) (forge.Mark, error) {
	found, _, err := k.list(k.ss.poll(ctx, "pulls"), "updated", "desc", 1)
	if err != nil {
		return forge.Mark{}, err
	}
	items := pullItems(found)
	return forge.Mark{Since: forge.Latest(items), Seen: forge.SeenOf(items)}, nil
}

// since reads backwards from the newest. What changes meanwhile moves to the
// front and pushes others back, so they come twice and none is missed.
func (k pulls) Since(ctx context.Context, m forge.Mark, take func([]domain.Item) error) error {
	for page := 1; ; {
		found, resp, err := k.list(k.ss.call(ctx, "pulls"), "updated", "desc", page)
		if err != nil {
			return err
		}
		var last time.Time
		for _, p := range found {
			if t := p.GetUpdatedAt().Time; !last.IsZero() && t.After(last) {
				return forge.ErrOrder
			}
			last = p.GetUpdatedAt().Time
		}
		if err := take(pullItems(found)); err != nil {
			return err
		}
		if resp.NextPage == 0 || !last.IsZero() && last.Before(m.Since.Add(-forge.Overlap)) {
			return nil
		}
		page = resp.NextPage
	}
}

func pullItems(found []*sdk.PullRequest) []domain.Item {
	items := make([]domain.Item, 0, len(found))
	for _, p := range found {
		items = append(items, pullItem(p))
	}
	return items
}

func pullItem(p *sdk.PullRequest) domain.Item {
	who := append(person("author", p.User), people("assignee", p.Assignees)...)
	return domain.Item{
		Path: forge.Numbered(folderPulls, int64(p.GetNumber())), Kind: domain.KindPullRequest, Version: pullVersion(p), Size: -1, MediaType: forge.Markdown,
		WebURL: p.GetHTMLURL(), Modified: p.GetUpdatedAt().Time,
		Attributes: forge.Attributes(
			"number", strconv.Itoa(p.GetNumber()), "title", p.GetTitle(), "state", pullState(p), "draft", forge.Yes(p.GetDraft()),
			"base", p.GetBase().GetRef(), "head", p.GetHead().GetRef(), "labels", labels(p.Labels), "milestone", p.GetMilestone().GetTitle(),
			"created_at", forge.Stamp(p.GetCreatedAt().Time), "closed_at", forge.Stamp(p.GetClosedAt().Time), "merged_at", forge.Stamp(p.GetMergedAt().Time),
		),
		People: append(who, people("reviewer", p.RequestedReviewers)...),
	}
}

// pullState is "merged" too, which GitHub calls closed.
func pullState(p *sdk.PullRequest) string {
	if p.MergedAt != nil {
		return "merged"
	}
	return p.GetState()
}

func pullVersion(p *sdk.PullRequest) string {
	return forge.VersionOf(p.GetNumber(), p.GetUpdatedAt().Time, pullState(p), p.GetHead().GetSHA(), p.GetTitle())
}

func (k pulls) Read(ctx context.Context, name string) (text, version string, err error) {
	id, err := forge.Number(name)
	if err != nil {
		return "", "", err
	}
	owner, repo := k.ss.name()
	p, _, err := k.ss.api.PullRequests.Get(k.ss.call(ctx, "pull"), owner, repo, int(id))
	if err = classify("pull request", err); err != nil {
		return "", "", err
	}
	if int64(p.GetNumber()) != id {
		return "", "", domain.ErrGone
	}
	talk := discussion{}
	if talk.comments, err = k.ss.comments(ctx, id, p.GetComments()); err != nil {
		return "", "", err
	}
	talk.reviews, err = pages(func(o sdk.ListOptions) ([]*sdk.PullRequestReview, *sdk.Response, error) {
		r, resp, err := k.ss.api.PullRequests.ListReviews(k.ss.call(ctx, "reviews"), owner, repo, int(id), &o)
		return r, resp, classify("reviews", err)
	})
	if err != nil {
		return "", "", err
	}
	if p.GetReviewComments() > 0 {
		talk.onLines, err = pages(func(o sdk.ListOptions) ([]*sdk.PullRequestComment, *sdk.Response, error) {
			c, resp, err := k.ss.api.PullRequests.ListComments(k.ss.call(ctx, "review_comments"), owner, repo, int(id), &sdk.PullRequestListCommentsOptions{ListOptions: o})
			return c, resp, classify("review comments", err)
		})
	}
	return renderPull(p, talk), pullVersion(p), err
}

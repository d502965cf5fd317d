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
	at, err := parseSpot(after)
	if err != nil {
		return err
	}
	for {
		found, resp, err := k.whole(ctx, at)
		if err != nil {
			return err
		}
		if len(found) > 0 {
			at.last = found[len(found)-1].GetNumber()
		}
		at.page = resp.NextPage
		next := ""
		if at.page != 0 {
			next = at.String()
		}
		if err := take(pullItems(found), next); err != nil || next == "" {
			return err
		}
	}
}

// A spot in the list: the page that comes next, and the last number before it; 0:
// none was seen.
type spot struct{ page, last int }

func (p spot) String() string { return fmt.Sprintf("%d:%d", p.page, p.last) }

func parseSpot(text string) (spot, error) {
	if text == "" {
		return spot{page: 1}, nil
	}
	var p spot
	if _, err := fmt.Sscanf(text, "%d:%d", &p.page, &p.last); err != nil || p.page < 1 {
		return p, domain.ErrCursorReset
	}
	return p, nil
}

// whole reads a page of the list by number. One that is short though it is not the
// last is read until two readings agree: GitHub leaves out what it holds for spam,
// and a page that lost something looks the same. One that does not begin behind the
// page before, or holds nothing, proves nothing however often it comes (I8).
func (k pulls) whole(ctx context.Context, at spot) ([]*sdk.PullRequest, *sdk.Response, error) {
	before, wrong := "", forge.ErrOrder
	for range forge.MaxReadings {
		found, resp, err := k.list(k.ss.call(ctx, "pulls"), "created", "asc", at.page)
		if err != nil {
			return nil, nil, err
		}
		if resp.NextPage == 0 && goesOn(resp) {
			return nil, nil, fmt.Errorf("github: pull requests go on at no page: %w", domain.ErrPartial)
		}
		if !rising(found, at.last) {
			before, wrong = "", forge.ErrOrder
			continue
		}
		now := forge.SeenOf(pullItems(found))
		if len(found) >= k.ss.page || resp.NextPage == 0 || len(found) > 0 && now == before {
			return found, resp, nil
		}
		before, wrong = now, fmt.Errorf("github: a page of pull requests is empty, or changes with each reading: %w", domain.ErrPartial)
	}
	return nil, nil, wrong
}

// rising reports whether the numbers of a page go up from the last one before it.
func rising(found []*sdk.PullRequest, last int) bool {
	for _, p := range found {
		if p.GetNumber() <= last {
			return false
		}
		last = p.GetNumber()
	}
	return true
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

// Since reads backwards from the newest. What changes meanwhile moves to the front
// and pushes others back, so they come twice and none is missed; a page that comes
// again as a whole is read again.
func (k pulls) Since(ctx context.Context, m forge.Mark, take func([]domain.Item) error) error {
	seen := ""
	for page := 1; ; {
		found, next, err := k.behind(ctx, page, seen)
		if err != nil {
			return err
		}
		items := pullItems(found)
		var last time.Time
		for _, i := range items {
			if !last.IsZero() && i.Modified.After(last) {
				return forge.ErrOrder
			}
			last = i.Modified
		}
		if err := take(items); err != nil {
			return err
		}
		if next == 0 || last.Before(m.From()) {
			return nil
		}
		page, seen = next, forge.SeenOf(items)
	}
}

// behind reads a page of the newest that holds something, and not what the one
// before it held. next is 0 for the last one.
func (k pulls) behind(ctx context.Context, page int, before string) (found []*sdk.PullRequest, next int, err error) {
	for range forge.MaxReadings {
		found, resp, err := k.list(k.ss.call(ctx, "pulls"), "updated", "desc", page)
		switch {
		case err != nil:
			return nil, 0, err
		case !goesOn(resp):
			return found, 0, nil
		case len(found) > 0 && forge.SeenOf(pullItems(found)) != before && resp.NextPage > page:
			return found, resp.NextPage, nil
		}
	}
	return nil, 0, fmt.Errorf("github: a page of pull requests is empty, or the one before it: %w", domain.ErrPartial)
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
			"base", p.GetBase().GetRef(), "head", p.GetHead().GetRef(), "head_sha", p.GetHead().GetSHA(), "labels", labels(p.Labels), "milestone", p.GetMilestone().GetTitle(),
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

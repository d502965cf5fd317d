package github

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/confuse/data-connector/connectors/gitrepo/forge"
	"github.com/confuse/data-connector/connectors/rest"
	"github.com/confuse/data-connector/domain"
)

// discussions are read by GraphQL: REST does not have them. Their lists go on at
// cursors of GitHub's own, which nothing shifts.
type discussions struct{ ss *session }

func (discussions) Name() string   { return "discussions" }
func (discussions) Folder() string { return folderDiscussions }

const discussionFields = `number title url body createdAt updatedAt closed isAnswered
 category { name } labels(first: 50) { nodes { name } } author { login ... on User { databaseId } } comments { totalCount }`

const discussionsQuery = `query($owner: String!, $name: String!, $first: Int!, $after: String, $order: DiscussionOrder!) {
 repository(owner: $owner, name: $name) { discussions(first: $first, after: $after, orderBy: $order) {
  pageInfo { hasNextPage endCursor } nodes { ` + discussionFields + ` } } } }`

const discussionQuery = `query($owner: String!, $name: String!, $number: Int!, $after: String) {
 repository(owner: $owner, name: $name) { discussion(number: $number) { ` + discussionFields + `
  talk: comments(first: 50, after: $after) { pageInfo { hasNextPage endCursor } nodes { body createdAt isAnswer author { login }
   replies(first: 100) { nodes { body createdAt author { login } } } } } } } }`

// A gqlAuthor is who wrote something; nil when they have left.
type gqlAuthor struct {
	Login      string `json:"login"`
	DatabaseID int64  `json:"databaseId"`
}

func (a *gqlAuthor) login() string {
	if a == nil || a.Login == "" {
		return "@ghost"
	}
	return "@" + a.Login
}

type pageInfo struct {
	HasNextPage bool   `json:"hasNextPage"`
	EndCursor   string `json:"endCursor"`
}

type gqlNames struct {
	Nodes []struct {
		Name string `json:"name"`
	} `json:"nodes"`
}

func (n gqlNames) join() string {
	var names []string
	for _, one := range n.Nodes {
		names = append(names, one.Name)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

type gqlComment struct {
	Body      string     `json:"body"`
	CreatedAt time.Time  `json:"createdAt"`
	IsAnswer  bool       `json:"isAnswer"`
	Author    *gqlAuthor `json:"author"`
	Replies   struct {
		Nodes []gqlComment `json:"nodes"`
	} `json:"replies"`
}

type gqlDiscussion struct {
	Number     int64      `json:"number"`
	Title      string     `json:"title"`
	URL        string     `json:"url"`
	Body       string     `json:"body"`
	CreatedAt  time.Time  `json:"createdAt"`
	UpdatedAt  time.Time  `json:"updatedAt"`
	Closed     bool       `json:"closed"`
	IsAnswered bool       `json:"isAnswered"`
	Author     *gqlAuthor `json:"author"`
	Labels     gqlNames   `json:"labels"`
	Category   struct {
		Name string `json:"name"`
	} `json:"category"`
	Comments struct {
		TotalCount int `json:"totalCount"`
	} `json:"comments"`
	Talk struct {
		PageInfo pageInfo     `json:"pageInfo"`
		Nodes    []gqlComment `json:"nodes"`
	} `json:"talk"`
}

type gqlAnswer struct {
	Data struct {
		Repository *struct {
			Discussions *struct {
				PageInfo pageInfo        `json:"pageInfo"`
				Nodes    []gqlDiscussion `json:"nodes"`
			} `json:"discussions"`
			Discussion *gqlDiscussion `json:"discussion"`
		} `json:"repository"`
	} `json:"data"`
	Errors []struct {
		Type string `json:"type"`
	} `json:"errors"`
}

// query asks GraphQL, which says 200 to everything: errors stand in the body.
func (ss *session) query(ctx context.Context, text string, variables map[string]any) (gqlAnswer, error) {
	var a gqlAnswer
	if !ss.auth.some() {
		return a, fmt.Errorf("github: discussions need a credential: %w", domain.ErrUnauthorized)
	}
	owner, repo := ss.name()
	variables["owner"], variables["name"] = owner, repo
	ctx = rest.With(ctx, rest.Ask{Route: "discussions", Priority: ss.priority, Bucket: "graphql", Repeatable: true})
	_, err := rest.JSON(ctx, ss.http, http.MethodPost, ss.graphql.String(), map[string]any{"query": text, "variables": variables}, &a)
	if err != nil {
		return a, err
	}
	if len(a.Errors) > 0 {
		return a, ss.queryError(a.Errors[0].Type)
	}
	if a.Data.Repository == nil {
		return a, fmt.Errorf("github: discussions: answer without a repository: %w", domain.ErrTransient)
	}
	return a, nil
}

// queryError turns the type of GraphQL's first error into one of ours.
func (ss *session) queryError(kind string) error {
	switch kind {
	case "RATE_LIMITED":
		return &domain.RateLimitedError{Until: ss.clock.Now().Add(time.Hour / 4)}
	case "NOT_FOUND":
		return fmt.Errorf("github: discussions: %w", domain.ErrGone)
	case "FORBIDDEN":
		return fmt.Errorf("github: discussions: %w", domain.ErrForbidden)
	}
	return fmt.Errorf("github: discussions: GraphQL answers with an error: %w", domain.ErrTransient)
}

// list reads a page that is not empty unless it is the last one (I8).
func (k discussions) list(ctx context.Context, field, direction, after string) ([]gqlDiscussion, pageInfo, error) {
	v := map[string]any{"first": k.ss.page, "order": map[string]string{"field": field, "direction": direction}}
	if after != "" {
		v["after"] = after
	}
	var info pageInfo
	found, _, err := forge.Filled(func() ([]gqlDiscussion, bool, error) {
		a, err := k.ss.query(ctx, discussionsQuery, v)
		if err != nil {
			return nil, false, err
		}
		list := a.Data.Repository.Discussions
		if list == nil || list.PageInfo.HasNextPage && (list.PageInfo.EndCursor == "" || list.PageInfo.EndCursor == after) {
			return nil, false, fmt.Errorf("github: discussions: a page without an end: %w", domain.ErrPartial)
		}
		info = list.PageInfo
		return list.Nodes, info.HasNextPage, nil
	})
	return found, info, err
}

func discussionItems(found []gqlDiscussion) []domain.Item {
	var items []domain.Item
	for _, d := range found {
		items = append(items, discussionItem(d))
	}
	return items
}

func (k discussions) All(ctx context.Context, after string, take func([]domain.Item, string) error) error {
	var last time.Time
	for {
		found, info, err := k.list(ctx, "CREATED_AT", "ASC", after)
		if err != nil {
			return err
		}
		for _, d := range found {
			if d.CreatedAt.Before(last) {
				return forge.ErrOrder
			}
			last = d.CreatedAt
		}
		after = info.EndCursor
		if !info.HasNextPage {
			after = ""
		}
		if err := take(discussionItems(found), after); err != nil || after == "" {
			return err
		}
	}
}

func (k discussions) Mark(ctx context.Context) (forge.Mark, error) {
	found, _, err := k.list(ctx, "UPDATED_AT", "DESC", "")
	items := discussionItems(found)
	return forge.Mark{Since: forge.Latest(items), Seen: forge.SeenOf(items)}, err
}

func (k discussions) Since(ctx context.Context, m forge.Mark, take func([]domain.Item) error) error {
	after := ""
	for {
		found, info, err := k.list(ctx, "UPDATED_AT", "DESC", after)
		if err != nil {
			return err
		}
		if err := take(discussionItems(found)); err != nil {
			return err
		}
		if !info.HasNextPage || found[len(found)-1].UpdatedAt.Before(m.From()) {
			return nil
		}
		after = info.EndCursor
	}
}

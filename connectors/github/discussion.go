package github

import (
	"context"
	"fmt"
	"strconv"

	"github.com/confuse/data-connector/connectors/gitrepo/forge"
	"github.com/confuse/data-connector/domain"
)

func discussionVersion(d gqlDiscussion) string {
	return forge.VersionOf(d.Number, d.UpdatedAt, d.Comments.TotalCount, d.Title, d.Closed, d.IsAnswered)
}

func discussionItem(d gqlDiscussion) domain.Item {
	item := domain.Item{
		Path: forge.Numbered(folderDiscussions, d.Number), Kind: domain.KindCommentThread, Version: discussionVersion(d), Size: -1, MediaType: forge.Markdown,
		WebURL: d.URL, Modified: d.UpdatedAt,
		Attributes: forge.Attributes(
			"type", "discussion", "number", strconv.FormatInt(d.Number, 10), "title", d.Title, "category", d.Category.Name, "labels", d.Labels.join(),
			"closed", forge.Yes(d.Closed), "answered", forge.Yes(d.IsAnswered), "comments", strconv.Itoa(d.Comments.TotalCount), "created_at", forge.Stamp(d.CreatedAt),
		),
	}
	if d.Author != nil && d.Author.DatabaseID != 0 {
		item.People = []domain.Participant{{Role: "author", Person: domain.Person{ID: strconv.FormatInt(d.Author.DatabaseID, 10), Name: d.Author.Login}}}
	}
	return item
}

func (k discussions) Read(ctx context.Context, name string) (text, version string, err error) {
	id, err := forge.Number(name)
	if err != nil {
		return "", "", err
	}
	var whole *gqlDiscussion
	after := any(nil)
	for range maxPages {
		a, err := k.ss.query(ctx, discussionQuery, map[string]any{"number": id, "after": after})
		if err != nil {
			return "", "", err
		}
		d := a.Data.Repository.Discussion
		if d == nil {
			return "", "", fmt.Errorf("github: discussion: %w", domain.ErrGone)
		}
		if whole == nil {
			whole = d
		} else {
			whole.Talk.Nodes = append(whole.Talk.Nodes, d.Talk.Nodes...)
		}
		if !d.Talk.PageInfo.HasNextPage {
			return renderDiscussion(*whole), discussionVersion(*whole), nil
		}
		after = d.Talk.PageInfo.EndCursor
	}
	return "", "", fmt.Errorf("github: discussion: %w", domain.ErrTooLarge)
}

func renderDiscussion(d gqlDiscussion) string {
	p := &forge.Page{}
	p.Line("# %s (#%d)\n", d.Title, d.Number)
	p.Fact("Category", d.Category.Name)
	if d.IsAnswered {
		p.Fact("State", "answered")
	}
	p.Fact("Author", d.Author.login())
	p.Fact("Created", forge.Stamp(d.CreatedAt))
	p.Fact("Labels", d.Labels.join())
	p.Text(d.Body)
	if len(d.Talk.Nodes) > 0 {
		p.Line("\n## Comments")
	}
	for _, c := range d.Talk.Nodes {
		what := ""
		if c.IsAnswer {
			what = "answer"
		}
		p.Said("###", c.Author.login(), c.CreatedAt, what, c.Body)
		for _, r := range c.Replies.Nodes {
			p.Said("####", r.Author.login(), r.CreatedAt, "", r.Body)
		}
	}
	return p.String()
}

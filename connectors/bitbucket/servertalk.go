package bitbucket

import (
	"cmp"
	"context"
	"net/url"
	"strconv"

	"github.com/confuse/data-connector/connectors/gitrepo/forge"
	"github.com/confuse/data-connector/domain"
)

type serverComment struct {
	ID       int64           `json:"id"`
	Text     string          `json:"text"`
	Author   serverUser      `json:"author"`
	Created  millis          `json:"createdDate"`
	Comments []serverComment `json:"comments"` // the answers
}

type anchor struct {
	Path string `json:"path"`
	Line int    `json:"line"`
}

type activity struct {
	Action  string         `json:"action"`
	Done    string         `json:"commentAction"`
	Comment *serverComment `json:"comment"`
	Anchor  anchor         `json:"commentAnchor"`
}

// Read implements forge.Kind.
func (k serverPulls) Read(ctx context.Context, name string) (text, version string, err error) {
	number, err := forge.Number(name)
	if err != nil {
		return "", "", err
	}
	path := serverPath(k.session, "pull-requests/"+strconv.FormatInt(number, 10))
	var found serverPull
	if err := k.get(k.call(ctx, "pull"), path, nil, &found); err != nil {
		return "", "", err
	}
	p := found.pull()
	if p.id != number {
		return "", "", domain.ErrGone
	}
	var said []remark
	seen := map[int64]bool{}
	err = serverEach(k.call(ctx, "activities"), k.session, path+"/activities", url.Values{"limit": {"100"}}, func(a activity) {
		if a.Action == "COMMENTED" && a.Comment != nil && a.Done != "DELETED" {
			said = a.Comment.collect(said, seen, 0, a.Anchor)
		}
	})
	return p.render(said), p.version(), err
}

// collect adds a comment and the answers to it, each once.
func (c *serverComment) collect(to []remark, seen map[int64]bool, parent int64, at anchor) []remark {
	if seen[c.ID] {
		return to
	}
	seen[c.ID] = true
	to = append(to, remark{id: c.ID, parent: parent, author: c.Author.user(), at: c.Created.time(), body: c.Text, path: at.Path, line: at.Line})
	for i := range c.Comments {
		to = c.Comments[i].collect(to, seen, cmp.Or(parent, c.ID), at)
	}
	return to
}

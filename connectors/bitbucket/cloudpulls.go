package bitbucket

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/confuse/data-connector/connectors/gitrepo/forge"
	"github.com/confuse/data-connector/domain"
)

// cloudPulls are the pull requests of Cloud, of which none is ever deleted. No
// page is asked for by a link: each one begins behind the last that was seen, by
// number in a listing and by time in the feed, so nothing slips between two.
type cloudPulls struct{ *session }

// Name implements forge.Kind.
func (cloudPulls) Name() string { return stagePulls }

// Folder implements forge.Kind.
func (cloudPulls) Folder() string { return folderPulls }

type cloudUser struct {
	UUID     string `json:"uuid"`
	Name     string `json:"display_name"`
	Nickname string `json:"nickname"`
}

func (u cloudUser) user() user { return user{id: u.UUID, name: u.Name, login: u.Nickname} }

type cloudRef struct {
	Branch struct {
		Name string `json:"name"`
	} `json:"branch"`
	Commit struct {
		Hash string `json:"hash"`
	} `json:"commit"`
}

type cloudPull struct {
	ID           int64     `json:"id"`
	Title        string    `json:"title"`
	Description  string    `json:"description"`
	State        string    `json:"state"`
	Draft        bool      `json:"draft"`
	Author       cloudUser `json:"author"`
	Source       cloudRef  `json:"source"`
	Destination  cloudRef  `json:"destination"`
	Participants []struct {
		User     cloudUser `json:"user"`
		Role     string    `json:"role"`
		Approved bool      `json:"approved"`
		State    string    `json:"state"`
	} `json:"participants"`
	Comments int       `json:"comment_count"`
	Tasks    int       `json:"task_count"`
	Created  time.Time `json:"created_on"`
	Updated  time.Time `json:"updated_on"`
	Closed   time.Time `json:"closed_on"`
	Links    links     `json:"links"`
}

func (p cloudPull) pull() pull {
	out := pull{
		id: p.ID, title: p.Title, body: p.Description, state: strings.ToLower(p.State), draft: p.Draft, author: p.Author.user(),
		from: p.Source.Branch.Name, to: p.Destination.Branch.Name, commit: p.Source.Commit.Hash,
		created: p.Created, updated: p.Updated, comments: p.Comments, tasks: p.Tasks, url: p.Links.HTML.Href,
	}
	for _, w := range p.Participants {
		verdict := strings.ReplaceAll(w.State, "_", " ")
		if verdict == "" && w.Approved {
			verdict = "approved"
		}
		if w.Role == "REVIEWER" || verdict != "" {
			out.reviewers = append(out.reviewers, reviewer{w.User.user(), verdict})
		}
	}
	return out
}

// list asks for the first page of what q, a filter, leaves, in an order.
func (k cloudPulls) list(ctx context.Context, q, sort string) (cloudPage[cloudPull], error) {
	query := url.Values{
		"state": {"OPEN", "MERGED", "DECLINED", "SUPERSEDED"}, "sort": {sort}, "pagelen": {strconv.Itoa(k.page)},
		"fields": {"+values.participants"}, // which lists leave out else
	}
	if q != "" {
		query.Set("q", q)
	}
	var p cloudPage[cloudPull]
	return p, k.get(ctx, cloudPath(k.session, "pullrequests"), query, &p)
}

// whole is list for a page that proves something. One that has fewer than it
// should, by its length or by the size that it tells, is read until two readings
// agree, and never taken for the end (I8).
func (k cloudPulls) whole(ctx context.Context, q, sort string) ([]pull, bool, error) {
	before := ""
	for range forge.MaxReadings {
		p, err := k.list(k.call(ctx, "pulls"), q, sort)
		if err != nil {
			return nil, false, err
		}
		found := make([]pull, 0, len(p.Values))
		for _, v := range p.Values {
			found = append(found, v.pull())
		}
		last := p.Next == ""
		if last && (p.Size == nil || *p.Size <= len(found)) || !last && len(found) >= k.page {
			return found, last, nil
		}
		now := forge.SeenOf(items(found))
		if !last && len(found) > 0 && now == before {
			return found, false, nil
		}
		before = now
	}
	return nil, false, fmt.Errorf("bitbucket: a page of pull requests lacks some: %w", domain.ErrPartial)
}

// All implements forge.Kind.
func (k cloudPulls) All(ctx context.Context, after string, take func([]domain.Item, string) error) error {
	last, err := strconv.ParseInt(cmp.Or(after, "0"), 10, 64)
	if err != nil {
		return domain.ErrCursorReset
	}
	for {
		found, end, err := k.whole(ctx, fmt.Sprintf("id > %d", last), "id")
		if err != nil {
			return err
		}
		for _, p := range found {
			if p.id <= last {
				return forge.ErrOrder
			}
			last = p.id
		}
		next := ""
		if !end {
			next = strconv.FormatInt(last, 10)
		}
		if err := take(items(found), next); err != nil || end {
			return err
		}
	}
}

// Mark implements forge.Kind.
func (k cloudPulls) Mark(ctx context.Context) (forge.Mark, error) {
	p, err := k.list(k.poll(ctx, "pulls"), "", "-updated_on")
	if err != nil {
		return forge.Mark{}, err
	}
	var all []domain.Item
	for _, v := range p.Values {
		all = append(all, v.pull().item())
	}
	return forge.Mark{Since: forge.Latest(all), Seen: forge.SeenOf(all)}, nil
}

// Since implements forge.Kind.
func (k cloudPulls) Since(ctx context.Context, m forge.Mark, take func([]domain.Item) error) error {
	since := m.From()
	for {
		q := ""
		if !since.IsZero() {
			q = "updated_on >= " + since.UTC().Format("2006-01-02T15:04:05.999999Z07:00")
		}
		found, end, err := k.whole(ctx, q, "updated_on")
		if err != nil {
			return err
		}
		last := since
		for _, p := range found {
			if p.updated.Before(last) {
				return forge.ErrOrder
			}
			last = p.updated
		}
		if err := take(items(found)); err != nil || end {
			return err
		}
		if !last.After(since) { // a whole page of one microsecond
			return fmt.Errorf("bitbucket: pull requests cannot be told apart by time: %w", domain.ErrCursorReset)
		}
		since = last
	}
}

type cloudComment struct {
	ID      int64     `json:"id"`
	Deleted bool      `json:"deleted"`
	Pending bool      `json:"pending"`
	Created time.Time `json:"created_on"`
	User    cloudUser `json:"user"`
	Parent  struct {
		ID int64 `json:"id"`
	} `json:"parent"`
	Content struct {
		Raw string `json:"raw"`
	} `json:"content"`
	Inline struct {
		Path string `json:"path"`
		To   int    `json:"to"`
		From int    `json:"from"`
	} `json:"inline"`
}

// Read implements forge.Kind.
func (k cloudPulls) Read(ctx context.Context, name string) (text, version string, err error) {
	number, err := forge.Number(name)
	if err != nil {
		return "", "", err
	}
	path := cloudPath(k.session, "pullrequests/"+strconv.FormatInt(number, 10))
	var found cloudPull
	if err := k.get(k.call(ctx, "pull"), path, nil, &found); err != nil {
		return "", "", err
	}
	p := found.pull()
	if p.id != number {
		return "", "", domain.ErrGone
	}
	var said []remark
	if p.comments > 0 {
		err = cloudEach(k.call(ctx, "comments"), k.session, path+"/comments", url.Values{"pagelen": {"100"}}, func(c cloudComment) {
			if !c.Deleted && !c.Pending {
				said = append(said, remark{
					id: c.ID, parent: c.Parent.ID, author: c.User.user(), at: c.Created, body: c.Content.Raw,
					path: c.Inline.Path, line: cmp.Or(c.Inline.To, c.Inline.From),
				})
			}
		})
	}
	return p.render(said), p.version(), err
}

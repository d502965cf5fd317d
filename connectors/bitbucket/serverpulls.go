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

// serverPulls are the pull requests of Data Center. Its lists are paged by place
// alone, and pull requests may be deleted: so each page begins with the last one
// of the page before, and a listing whose pages do not join starts over. A comment
// does not move the time of the last change, so the feed looks at all that are
// open, and at the newest of all.
type serverPulls struct{ *session }

// Name implements forge.Kind.
func (serverPulls) Name() string { return stagePulls }

// Folder implements forge.Kind.
func (serverPulls) Folder() string { return folderPulls }

type serverUser struct {
	ID      int64  `json:"id"`
	Name    string `json:"name"`
	Display string `json:"displayName"`
	Address string `json:"emailAddress"`
}

func (u serverUser) user() user {
	if u.ID == 0 {
		return user{}
	}
	return user{id: strconv.FormatInt(u.ID, 10), name: u.Display, login: u.Name, address: u.Address}
}

type serverRef struct {
	Name   string `json:"displayId"`
	Commit string `json:"latestCommit"`
}

type serverPull struct {
	ID          int64     `json:"id"`
	Version     int       `json:"version"`
	Title       string    `json:"title"`
	Description string    `json:"description"`
	State       string    `json:"state"`
	Draft       bool      `json:"draft"`
	Created     millis    `json:"createdDate"`
	Updated     millis    `json:"updatedDate"`
	Closed      millis    `json:"closedDate"`
	From        serverRef `json:"fromRef"`
	To          serverRef `json:"toRef"`
	Author      struct {
		User serverUser `json:"user"`
	} `json:"author"`
	Reviewers []struct {
		User   serverUser `json:"user"`
		Status string     `json:"status"`
	} `json:"reviewers"`
	Properties struct {
		Comments int `json:"commentCount"`
		Open     int `json:"openTaskCount"`
		Resolved int `json:"resolvedTaskCount"`
	} `json:"properties"`
	Links serverLinks `json:"links"`
}

// millis are milliseconds since 1970; 0: never.
type millis int64

func (m millis) time() time.Time {
	if m == 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(m)).UTC()
}

func (p serverPull) pull() pull {
	out := pull{
		id: p.ID, title: p.Title, body: p.Description, state: strings.ToLower(p.State), draft: p.Draft, author: p.Author.User.user(),
		from: p.From.Name, to: p.To.Name, commit: p.From.Commit, revision: p.Version,
		created: p.Created.time(), updated: p.Updated.time(), closed: p.Closed.time(),
		comments: p.Properties.Comments, tasks: p.Properties.Open, resolved: p.Properties.Resolved, url: p.Links.self(),
	}
	for _, r := range p.Reviewers {
		out.reviewers = append(out.reviewers, reviewer{r.User.user(), map[string]string{"APPROVED": "approved", "NEEDS_WORK": "changes requested"}[r.Status]})
	}
	return out
}

// A part of the list, read at a place.
type serverPart struct {
	pulls []pull
	next  int // where the page behind it begins
	last  bool
}

// list asks for a page.
func (k serverPulls) list(ctx context.Context, state, order string, start int) (serverPart, error) {
	var p serverPage[serverPull]
	err := k.get(ctx, serverPath(k.session, "pull-requests"), url.Values{
		"state": {state}, "order": {order}, "start": {strconv.Itoa(start)}, "limit": {strconv.Itoa(k.page)},
	}, &p)
	if err == nil && (len(p.Values) != p.Size || !p.Last && p.Next <= start) {
		err = fmt.Errorf("bitbucket: a page of pull requests lacks some: %w", domain.ErrPartial)
	}
	part := serverPart{next: p.Next, last: p.Last}
	for _, v := range p.Values {
		part.pulls = append(part.pulls, v.pull())
	}
	return part, err
}

// whole is list for a page that must not be empty unless it is the last one: what
// it should have held cannot be seen (I8).
func (k serverPulls) whole(ctx context.Context, state, order string, start int) (serverPart, error) {
	for range maxReadings {
		p, err := k.list(k.call(ctx, "pulls"), state, order, start)
		if err != nil || len(p.pulls) > 0 || p.last {
			return p, err
		}
	}
	return serverPart{}, fmt.Errorf("bitbucket: a page of pull requests stays empty: %w", domain.ErrPartial)
}

// A place in the list: where the last one that was seen lay, and its number; 0:
// none was seen.
type spot struct {
	at int
	id int64
}

func (s spot) String() string { return fmt.Sprintf("%d:%d", s.at, s.id) }

func parseSpot(text string) (spot, error) {
	var s spot
	if text == "" {
		return s, nil
	}
	if _, err := fmt.Sscanf(text, "%d:%d", &s.at, &s.id); err != nil || s.at < 0 {
		return s, domain.ErrCursorReset
	}
	return s, nil
}

// All implements forge.Kind.
func (k serverPulls) All(ctx context.Context, after string, take func([]domain.Item, string) error) error {
	from, err := parseSpot(after)
	if err != nil {
		return err
	}
	for restarts := 0; ; {
		p, err := k.whole(ctx, "ALL", "OLDEST", from.at)
		if err != nil {
			return err
		}
		if from.id != 0 { // it begins with the one that was seen last, or something moved
			if len(p.pulls) == 0 || p.pulls[0].id != from.id {
				if restarts++; restarts >= maxReadings {
					return fmt.Errorf("bitbucket: pull requests change while they are listed: %w", domain.ErrTransient)
				}
				from = spot{}
				continue
			}
			p.pulls = p.pulls[1:]
		}
		next := ""
		if !p.last {
			if len(p.pulls) == 0 {
				return fmt.Errorf("bitbucket: pages of one pull request: %w", domain.ErrPartial)
			}
			from = spot{p.next - 1, p.pulls[len(p.pulls)-1].id}
			next = from.String()
		}
		if err := take(items(p.pulls), next); err != nil || p.last {
			return err
		}
	}
}

// open are all that are open. One that is missed because another was closed
// meanwhile comes with the next mark, which differs then.
func (k serverPulls) open(ctx context.Context) ([]domain.Item, error) {
	var all []domain.Item
	start := 0
	for range maxPages {
		p, err := k.list(ctx, "OPEN", "NEWEST", start)
		if err != nil {
			return nil, err
		}
		all = append(all, items(p.pulls)...)
		if p.last {
			return all, nil
		}
		start = p.next
	}
	return nil, fmt.Errorf("bitbucket: too many open pull requests: %w", domain.ErrTooLarge)
}

// Mark implements forge.Kind.
func (k serverPulls) Mark(ctx context.Context) (forge.Mark, error) {
	all, err := k.open(k.poll(ctx, "pulls"))
	if err != nil {
		return forge.Mark{}, err
	}
	p, err := k.list(k.poll(ctx, "pulls"), "ALL", "NEWEST", 0)
	newest := items(p.pulls)
	return forge.Mark{Since: forge.Latest(newest), Seen: forge.SeenOf(append(all, newest...))}, err
}

// Since implements forge.Kind. It stops at what is old only as long as the list
// is in the order of changes: the API does not say which order NEWEST is.
func (k serverPulls) Since(ctx context.Context, m forge.Mark, take func([]domain.Item) error) error {
	all, err := k.open(k.call(ctx, "pulls"))
	if err != nil {
		return err
	}
	if err := take(all); err != nil {
		return err
	}
	var last time.Time
	ordered := true
	for start := 0; ; {
		p, err := k.whole(ctx, "ALL", "NEWEST", start)
		if err != nil {
			return err
		}
		for _, v := range p.pulls {
			ordered = ordered && (last.IsZero() || !v.updated.After(last))
			last = v.updated
		}
		if err := take(items(p.pulls)); err != nil {
			return err
		}
		if p.last || ordered && !last.IsZero() && last.Before(m.From()) {
			return nil
		}
		start = p.next
	}
}

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

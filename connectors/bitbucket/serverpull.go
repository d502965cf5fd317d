package bitbucket

import (
	"strconv"
	"strings"
	"time"
)

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

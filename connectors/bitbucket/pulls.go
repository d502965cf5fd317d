package bitbucket

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/confuse/data-connector/connectors/gitrepo/forge"
	"github.com/confuse/data-connector/domain"
)

const (
	stagePulls  = "pulls"
	folderPulls = "@pulls/"
)

// A pull is a pull request of either edition.
type pull struct {
	id                        int64
	title, body, state        string
	draft                     bool
	author                    user
	reviewers                 []reviewer
	from, to, commit          string // branches, and the newest commit of from
	created, updated, closed  time.Time
	comments, tasks, resolved int
	revision                  int // of the fields, on Data Center
	url                       string
}

// A user is somebody at Bitbucket.
type user struct{ id, name, login, address string }

// called is how a user is named in Markdown.
func (u user) called() string {
	if n := cmp.Or(u.login, u.name); n != "" {
		return "@" + n
	}
	return "@former-user"
}

type reviewer struct {
	user
	verdict string // "approved", "changes requested"; empty: none yet
}

// A remark is something that was said of a pull request.
type remark struct {
	id, parent int64 // parent 0: it begins a thread
	author     user
	at         time.Time
	body       string
	path       string // empty: it is of no file
	line       int    // 0: of no line
}

// version covers everything that lists tell of a change.
func (p pull) version() string {
	parts := []any{p.id, p.revision, p.updated, p.state, p.draft, p.title, p.commit, p.to, p.comments, p.tasks, p.resolved}
	for _, r := range p.sorted() {
		parts = append(parts, r.id, r.verdict)
	}
	return forge.VersionOf(parts...)
}

// sorted are the reviewers in an order of their own.
func (p pull) sorted() []reviewer {
	return slices.SortedFunc(slices.Values(p.reviewers), func(a, b reviewer) int { return cmp.Compare(a.id, b.id) })
}

func (p pull) item() domain.Item {
	who := person("author", p.author)
	for _, r := range p.sorted() {
		who = append(who, person("reviewer", r.user)...)
	}
	return domain.Item{
		Path: forge.Numbered(folderPulls, p.id), Kind: domain.KindPullRequest, Version: p.version(), Size: -1, MediaType: forge.Markdown,
		WebURL: p.url, Modified: p.updated,
		Attributes: forge.Attributes(
			"number", strconv.FormatInt(p.id, 10), "title", p.title, "state", p.state, "draft", forge.Yes(p.draft), "base", p.to, "head", p.from,
			"head_sha", wholeID(p.commit), "comments", strconv.Itoa(p.comments), "created_at", forge.Stamp(p.created), "closed_at", forge.Stamp(p.closed),
		),
		People: who,
	}
}

// wholeID is the id of a commit; empty when it is cut, as Cloud's are after 12 digits.
func wholeID(commit string) string {
	if len(commit) != 40 && len(commit) != 64 { // SHA-1, SHA-256
		return ""
	}
	return commit
}

func person(role string, u user) []domain.Participant {
	if u.id == "" {
		return nil
	}
	return []domain.Participant{{Role: role, Person: domain.Person{ID: u.id, Name: cmp.Or(u.name, u.login), Address: u.address}}}
}

func items(found []pull) []domain.Item {
	all := make([]domain.Item, 0, len(found))
	for _, p := range found {
		all = append(all, p.item())
	}
	return all
}

// render is a pull request as Markdown, with its threads in the order of their
// beginnings.
func (p pull) render(said []remark) string {
	out := &forge.Page{}
	out.Line("# %s (#%d)\n", p.title, p.id)
	state := p.state
	if p.draft {
		state += " draft"
	}
	out.Fact("State", state)
	out.Fact("Author", p.author.called())
	out.Fact("Branches", p.from+" into "+p.to)
	out.Fact("Created", forge.Stamp(p.created))
	out.Fact("Closed", forge.Stamp(p.closed))
	out.Fact("Reviewers", p.verdicts())
	out.Text(p.body)
	whole, onLines := threads(said)
	if len(onLines) > 0 {
		out.Line("\n## Review comments")
	}
	for _, t := range onLines {
		place := "`" + t[0].path + "`"
		if t[0].line > 0 {
			place += ", line " + strconv.Itoa(t[0].line)
		}
		out.Line("\n### %s", place)
		for _, r := range t {
			out.Said("####", r.author.called(), r.at, "", r.body)
		}
	}
	if len(whole) > 0 {
		out.Line("\n## Comments")
	}
	for _, t := range whole {
		for i, r := range t {
			out.Said(strings.Repeat("#", 3+min(i, 1)), r.author.called(), r.at, "", r.body)
		}
	}
	return out.String()
}

func (p pull) verdicts() string {
	var all []string
	for _, r := range p.reviewers {
		text := r.called()
		if r.verdict != "" {
			text += " (" + r.verdict + ")"
		}
		all = append(all, text)
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

// threads are remarks with the answers to them, those of the whole pull request
// and those on files. An answer whose beginning is deleted begins a thread.
func threads(said []remark) (whole, onFiles [][]remark) {
	slices.SortStableFunc(said, func(a, b remark) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.id, b.id)) })
	root := map[int64]int{} // of a remark, the place of its thread
	var all [][]remark
	for _, r := range said {
		at, ok := root[r.parent]
		if r.parent == 0 || !ok {
			at = len(all)
			all = append(all, nil)
		}
		root[r.id] = at
		all[at] = append(all[at], r)
	}
	for _, t := range all {
		if t[0].path != "" {
			onFiles = append(onFiles, t)
		} else {
			whole = append(whole, t)
		}
	}
	return whole, onFiles
}

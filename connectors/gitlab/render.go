package gitlab

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	sdk "gitlab.com/gitlab-org/api/client-go/v2"

	"github.com/confuse/data-connector/connectors/gitrepo/forge"
	"github.com/confuse/data-connector/domain"
)

// A user is what is said of one, whichever of GitLab's objects it stands in.
type user struct {
	ID             int64
	Username, Name string
}

func userOf(u *sdk.BasicUser) user {
	if u == nil {
		return user{}
	}
	return user{ID: u.ID, Username: u.Username, Name: u.Name}
}

// handle is how a user is named in Markdown; "@ghost" is GitLab's own name for
// those who have left.
func (u user) handle() string { return "@" + cmp.Or(u.Username, "ghost") }

func handles(users []*sdk.BasicUser) string {
	var all []string
	for _, u := range users {
		all = append(all, userOf(u).handle())
	}
	return names(all)
}

func person(role string, u user) []domain.Participant {
	if u.ID == 0 {
		return nil
	}
	return []domain.Participant{{Role: role, Person: domain.Person{ID: strconv.FormatInt(u.ID, 10), Name: cmp.Or(u.Name, u.Username)}}}
}

// names are several in an order of their own.
func names(list []string) string {
	return strings.Join(slices.Sorted(slices.Values(list)), ", ")
}

func milestone(m *sdk.Milestone) string {
	if m == nil {
		return ""
	}
	return m.Title
}

func when(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

func stamp(t *time.Time) string { return forge.Stamp(when(t)) }

func renderIssue(i *sdk.Issue, talk []*sdk.Discussion) string {
	p := &forge.Page{}
	p.Line("# %s (#%d)\n", i.Title, i.IID)
	p.Fact("State", i.State)
	p.Fact("Type", issueType(i))
	p.Fact("Author", authorOf(i.Author).handle())
	p.Fact("Created", stamp(i.CreatedAt))
	p.Fact("Closed", stamp(i.ClosedAt))
	var assigned []string
	for _, a := range i.Assignees {
		assigned = append(assigned, "@"+a.Username)
	}
	p.Fact("Assignees", names(assigned))
	p.Fact("Labels", names(i.Labels))
	p.Fact("Milestone", milestone(i.Milestone))
	p.Text(i.Description)
	writeTalk(p, talk)
	return p.String()
}

func renderMergeRequest(m *sdk.BasicMergeRequest, talk []*sdk.Discussion) string {
	p := &forge.Page{}
	p.Line("# %s (!%d)\n", m.Title, m.IID)
	state := m.State
	if m.Draft {
		state += " draft"
	}
	p.Fact("State", state)
	p.Fact("Author", userOf(m.Author).handle())
	p.Fact("Branches", m.SourceBranch+" into "+m.TargetBranch)
	p.Fact("Created", stamp(m.CreatedAt))
	p.Fact("Closed", stamp(m.ClosedAt))
	p.Fact("Merged", stamp(m.MergedAt))
	p.Fact("Assignees", handles(m.Assignees))
	p.Fact("Reviewers", handles(m.Reviewers))
	p.Fact("Labels", names(m.Labels))
	p.Fact("Milestone", milestone(m.Milestone))
	p.Text(m.Description)
	writeTalk(p, talk)
	return p.String()
}

// writeTalk gives what was said: comments, and threads with their answers. A
// thread on a line of code is under the name of its file.
func writeTalk(p *forge.Page, talk []*sdk.Discussion) {
	if len(talk) > 0 {
		p.Line("\n## Discussion")
	}
	for _, d := range talk {
		level := "###"
		if at := spotOf(d.Notes[0]); at != "" {
			p.Line("\n### %s", at)
			level = "####"
		}
		for _, n := range d.Notes {
			what := ""
			if n.Resolved {
				what = "resolved"
			}
			p.Said(level, user{Username: n.Author.Username}.handle(), when(n.CreatedAt), what, n.Body)
			level = "####"
		}
	}
}

// spotOf is the file and line that a note is on; empty: it is on none.
func spotOf(n *sdk.Note) string {
	if n.Position == nil {
		return ""
	}
	at := "`" + cmp.Or(n.Position.NewPath, n.Position.OldPath) + "`"
	if line := cmp.Or(n.Position.NewLine, n.Position.OldLine); line > 0 {
		at += ", line " + strconv.FormatInt(line, 10)
	}
	return at
}

func renderRelease(r *sdk.Release) string {
	p := &forge.Page{}
	p.Line("# %s\n", releaseTitle(r))
	p.Fact("Tag", r.TagName)
	if r.UpcomingRelease {
		p.Fact("State", "upcoming")
	}
	p.Fact("Author", userOf(&r.Author).handle())
	p.Fact("Published", stamp(r.ReleasedAt))
	p.Text(r.Description)
	if len(r.Assets.Links) > 0 {
		p.Line("\n## Assets\n")
		for _, a := range r.Assets.Links {
			p.Line("- %s", a.Name)
		}
	}
	return p.String()
}

// head begins a snippet.
func head(s *sdk.Snippet) *forge.Page {
	p := &forge.Page{}
	p.Line("# %s ($%d)\n", s.Title, s.ID)
	p.Fact("Author", user{Username: s.Author.Username}.handle())
	p.Fact("Visibility", s.Visibility)
	p.Fact("Created", stamp(s.CreatedAt))
	p.Text(s.Description)
	return p
}

// code is a file as a block of code, in a fence that is longer than any in it.
func code(p *forge.Page, name string, content []byte) {
	text := strings.TrimSuffix(strings.ToValidUTF8(string(content), "\uFFFD"), "\n")
	fence := "```"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	p.Line("\n## %s\n\n%s\n%s\n%s", name, fence, text, fence)
}

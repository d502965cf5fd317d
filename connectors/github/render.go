package github

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	sdk "github.com/google/go-github/v89/github"

	"github.com/confuse/data-connector/domain"
)

// markdown is the media type of all items of the API.
const markdown = "text/markdown"

// A discussion is what was said of a pull request.
type discussion struct {
	comments []*sdk.IssueComment
	reviews  []*sdk.PullRequestReview
	onLines  []*sdk.PullRequestComment
}

// A page is a Markdown document in the making.
type page struct{ strings.Builder }

func (p *page) line(format string, args ...any) { _, _ = fmt.Fprintf(p, format+"\n", args...) } // a Builder never fails

// fact is a line of the head; nothing when there is nothing to tell.
func (p *page) fact(name, value string) {
	if value != "" {
		p.line("- %s: %s", name, value)
	}
}

// text is what somebody wrote, with one empty line before it.
func (p *page) text(body string) {
	if body = strings.TrimSpace(strings.ReplaceAll(body, "\r\n", "\n")); body != "" {
		p.line("\n%s", body)
	}
}

// said is one contribution under a heading.
func (p *page) said(level, who string, at time.Time, what, body string) {
	p.line("\n%s %s", level, strings.Join(slices.DeleteFunc([]string{who, what, stamp(at)}, func(s string) bool { return s == "" }), ", "))
	p.text(body)
}

func login(u *sdk.User) string {
	if u.GetLogin() == "" {
		return "@ghost" // GitHub's own name for those who have left
	}
	return "@" + u.GetLogin()
}

func logins(users []*sdk.User) string {
	names := make([]string, 0, len(users))
	for _, u := range users {
		names = append(names, login(u))
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

func labels(list []*sdk.Label) string {
	names := make([]string, 0, len(list))
	for _, l := range list {
		names = append(names, l.GetName())
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

func yes(b bool) string {
	if b {
		return "true"
	}
	return ""
}

func person(role string, u *sdk.User) []domain.Participant {
	if u.GetID() == 0 {
		return nil
	}
	return []domain.Participant{{Role: role, Person: domain.Person{ID: strconv.FormatInt(u.GetID(), 10), Name: cmp.Or(u.GetName(), u.GetLogin()), Address: u.GetEmail()}}}
}

// people are several in one role, in an order of their own.
func people(role string, users []*sdk.User) []domain.Participant {
	var all []domain.Participant
	for _, u := range users {
		all = append(all, person(role, u)...)
	}
	slices.SortFunc(all, func(a, b domain.Participant) int { return cmp.Compare(a.ID, b.ID) })
	return all
}

func renderIssue(i *sdk.Issue, comments []*sdk.IssueComment) string {
	p := &page{}
	p.line("# %s (#%d)\n", i.GetTitle(), i.GetNumber())
	p.fact("State", strings.TrimSpace(i.GetState()+" "+i.GetStateReason()))
	p.fact("Author", login(i.User))
	p.fact("Created", stamp(i.GetCreatedAt().Time))
	p.fact("Closed", stamp(i.GetClosedAt().Time))
	p.fact("Assignees", logins(i.Assignees))
	p.fact("Labels", labels(i.Labels))
	p.fact("Milestone", i.GetMilestone().GetTitle())
	p.text(i.GetBody())
	p.comments(comments)
	return p.String()
}

func (p *page) comments(all []*sdk.IssueComment) {
	if len(all) == 0 {
		return
	}
	p.line("\n## Comments")
	for _, c := range all {
		p.said("###", login(c.User), c.GetCreatedAt().Time, "", c.GetBody())
	}
}

func renderPull(pr *sdk.PullRequest, talk discussion) string {
	p := &page{}
	p.line("# %s (#%d)\n", pr.GetTitle(), pr.GetNumber())
	state := pullState(pr)
	if pr.GetDraft() {
		state += " draft"
	}
	p.fact("State", state)
	p.fact("Author", login(pr.User))
	p.fact("Branches", pr.GetHead().GetRef()+" into "+pr.GetBase().GetRef())
	p.fact("Created", stamp(pr.GetCreatedAt().Time))
	p.fact("Closed", stamp(pr.GetClosedAt().Time))
	p.fact("Merged", stamp(pr.GetMergedAt().Time))
	p.fact("Assignees", logins(pr.Assignees))
	p.fact("Reviewers", logins(pr.RequestedReviewers))
	p.fact("Labels", labels(pr.Labels))
	p.fact("Milestone", pr.GetMilestone().GetTitle())
	p.text(pr.GetBody())
	p.reviews(talk.reviews)
	p.onLines(talk.onLines)
	p.comments(talk.comments)
	return p.String()
}

func (p *page) reviews(all []*sdk.PullRequestReview) {
	if len(all) == 0 {
		return
	}
	p.line("\n## Reviews")
	for _, r := range all {
		p.said("###", login(r.User), r.GetSubmittedAt().Time, strings.ToLower(strings.ReplaceAll(r.GetState(), "_", " ")), r.GetBody())
	}
}

// onLines gives the threads on lines of code, in the order of their beginnings.
func (p *page) onLines(all []*sdk.PullRequestComment) {
	if len(all) == 0 {
		return
	}
	threads := map[int64][]*sdk.PullRequestComment{}
	var order []int64
	for _, c := range all {
		root := cmp.Or(c.GetInReplyTo(), c.GetID())
		if threads[root] == nil {
			order = append(order, root)
		}
		threads[root] = append(threads[root], c)
	}
	p.line("\n## Review comments")
	for _, root := range order {
		first := threads[root][0]
		place := "`" + first.GetPath() + "`"
		if line := cmp.Or(first.GetLine(), first.GetOriginalLine()); line > 0 {
			place += ", line " + strconv.Itoa(line)
		}
		p.line("\n### %s", place)
		for _, c := range threads[root] {
			p.said("####", login(c.User), c.GetCreatedAt().Time, "", c.GetBody())
		}
	}
}

func releaseTitle(r *sdk.RepositoryRelease) string { return cmp.Or(r.GetName(), r.GetTagName()) }

func renderRelease(r *sdk.RepositoryRelease) string {
	p := &page{}
	p.line("# %s\n", releaseTitle(r))
	p.fact("Tag", r.GetTagName())
	if r.GetPrerelease() {
		p.fact("State", "prerelease")
	}
	p.fact("Author", login(r.Author))
	p.fact("Published", stamp(r.GetPublishedAt().Time))
	p.text(r.GetBody())
	if len(r.Assets) > 0 {
		p.line("\n## Assets\n")
		for _, a := range r.Assets {
			p.line("- %s (%d bytes)", a.GetName(), a.GetSize())
		}
	}
	return p.String()
}

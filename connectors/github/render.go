package github

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	sdk "github.com/google/go-github/v89/github"

	"github.com/confuse/data-connector/connectors/gitrepo/forge"
	"github.com/confuse/data-connector/domain"
)

// A discussion is what was said of a pull request.
type discussion struct {
	comments []*sdk.IssueComment
	reviews  []*sdk.PullRequestReview
	onLines  []*sdk.PullRequestComment
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
	p := &forge.Page{}
	p.Line("# %s (#%d)\n", i.GetTitle(), i.GetNumber())
	p.Fact("State", strings.TrimSpace(i.GetState()+" "+i.GetStateReason()))
	p.Fact("Author", login(i.User))
	p.Fact("Created", forge.Stamp(i.GetCreatedAt().Time))
	p.Fact("Closed", forge.Stamp(i.GetClosedAt().Time))
	p.Fact("Assignees", logins(i.Assignees))
	p.Fact("Labels", labels(i.Labels))
	p.Fact("Milestone", i.GetMilestone().GetTitle())
	p.Text(i.GetBody())
	writeComments(p, comments)
	return p.String()
}

func writeComments(p *forge.Page, all []*sdk.IssueComment) {
	if len(all) == 0 {
		return
	}
	p.Line("\n## Comments")
	for _, c := range all {
		p.Said("###", login(c.User), c.GetCreatedAt().Time, "", c.GetBody())
	}
}

func renderPull(pr *sdk.PullRequest, talk discussion) string {
	p := &forge.Page{}
	p.Line("# %s (#%d)\n", pr.GetTitle(), pr.GetNumber())
	state := pullState(pr)
	if pr.GetDraft() {
		state += " draft"
	}
	p.Fact("State", state)
	p.Fact("Author", login(pr.User))
	p.Fact("Branches", pr.GetHead().GetRef()+" into "+pr.GetBase().GetRef())
	p.Fact("Created", forge.Stamp(pr.GetCreatedAt().Time))
	p.Fact("Closed", forge.Stamp(pr.GetClosedAt().Time))
	p.Fact("Merged", forge.Stamp(pr.GetMergedAt().Time))
	p.Fact("Assignees", logins(pr.Assignees))
	p.Fact("Reviewers", logins(pr.RequestedReviewers))
	p.Fact("Labels", labels(pr.Labels))
	p.Fact("Milestone", pr.GetMilestone().GetTitle())
	p.Text(pr.GetBody())
	writeReviews(p, talk.reviews)
	writeOnLines(p, talk.onLines)
	writeComments(p, talk.comments)
	return p.String()
}

func writeReviews(p *forge.Page, all []*sdk.PullRequestReview) {
	if len(all) == 0 {
		return
	}
	p.Line("\n## Reviews")
	for _, r := range all {
		p.Said("###", login(r.User), r.GetSubmittedAt().Time, strings.ToLower(strings.ReplaceAll(r.GetState(), "_", " ")), r.GetBody())
	}
}

// onLines gives the threads on lines of code, in the order of their beginnings.
func writeOnLines(p *forge.Page, all []*sdk.PullRequestComment) {
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
	p.Line("\n## Review comments")
	for _, root := range order {
		first := threads[root][0]
		place := "`" + first.GetPath() + "`"
		if line := cmp.Or(first.GetLine(), first.GetOriginalLine()); line > 0 {
			place += ", line " + strconv.Itoa(line)
		}
		p.Line("\n### %s", place)
		for _, c := range threads[root] {
			p.Said("####", login(c.User), c.GetCreatedAt().Time, "", c.GetBody())
		}
	}
}

func releaseTitle(r *sdk.RepositoryRelease) string { return cmp.Or(r.GetName(), r.GetTagName()) }

func renderRelease(r *sdk.RepositoryRelease) string {
	p := &forge.Page{}
	p.Line("# %s\n", releaseTitle(r))
	p.Fact("Tag", r.GetTagName())
	if r.GetPrerelease() {
		p.Fact("State", "prerelease")
	}
	p.Fact("Author", login(r.Author))
	p.Fact("Published", forge.Stamp(r.GetPublishedAt().Time))
	p.Text(r.GetBody())
	if len(r.Assets) > 0 {
		p.Line("\n## Assets\n")
		for _, a := range r.Assets {
			p.Line("- %s (%d bytes)", a.GetName(), a.GetSize())
		}
	}
	return p.String()
}

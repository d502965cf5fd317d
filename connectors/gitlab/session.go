package gitlab

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"

	sdk "gitlab.com/gitlab-org/api/client-go/v2"

	"github.com/confuse/data-connector/connectors/gitrepo"
	"github.com/confuse/data-connector/connectors/gitrepo/forge"
	"github.com/confuse/data-connector/connectors/rest"
	"github.com/confuse/data-connector/domain"
)

// A session is one source, opened with its credential.
type session struct {
	*Connector
	place
	scope    domain.Scope
	o        options
	priority rest.Priority
	auth     auth
	api      *sdk.Client
	repo     known
}

// A known is what is known of a project.
type known struct {
	forge.Facts
	id int64
}

// open reads the config and asks for the project.
func (c *Connector) open(ctx context.Context, s domain.Scope, p rest.Priority) (*session, error) {
	return c.openAt(ctx, s, p, 0)
}

// openAt is open for a project whose id a cursor has kept; 0: it has not.
func (c *Connector) openAt(ctx context.Context, s domain.Scope, p rest.Priority, id int64) (*session, error) {
	ss, err := c.prepare(ctx, s, p)
	if err != nil {
		return nil, err
	}
	if id == 0 {
		id = ss.connectedTo()
	}
	return ss, ss.resolve(ctx, id)
}

// again is open without asking when the cache says which project it is.
func (c *Connector) again(ctx context.Context, s domain.Scope) (*session, error) {
	ss, err := c.prepare(ctx, s, rest.Incremental)
	if err != nil {
		return nil, err
	}
	if ss.repo = ss.remembered(); ss.repo.id != 0 {
		return ss, nil
	}
	return ss, ss.resolve(ctx, ss.connectedTo())
}

// connectedTo is the id of the project of the source; 0: it is not known.
func (ss *session) connectedTo() int64 {
	id, err := strconv.ParseInt(forge.ConnectedTo(ss.scope, ss.web.Host, ss.remembered().Facts), 10, 64)
	if err != nil {
		return 0
	}
	return id
}

func (c *Connector) prepare(ctx context.Context, s domain.Scope, p rest.Priority) (*session, error) {
	o, err := parseOptions(s)
	if err != nil {
		return nil, err
	}
	ss := &session{Connector: c, scope: s, o: o, priority: p}
	if ss.place, err = c.place(o); err != nil {
		return nil, err
	}
	if ss.auth, err = authOf(ctx, s); err != nil {
		return nil, err
	}
	account := rest.Account{Base: ss.place.api, Key: ss.auth.of, Authorize: ss.auth.authorize}
	if s.Cache != "" {
		account.Cache = filepath.Join(s.Cache, "api")
	}
	ss.api, err = newSDK(c.pace.Client(account), ss.place.api.String())
	return ss, err
}

// newSDK makes a client that leaves credentials, limits and repetitions to its
// transport.
func newSDK(client *http.Client, base string) (*sdk.Client, error) {
	return sdk.NewAuthSourceClient(sdk.Unauthenticated{}, sdk.WithHTTPClient(client), sdk.WithBaseURL(base), sdk.WithoutRetries(),
		sdk.WithCustomLimiter(unlimited{}), sdk.WithUserAgent("data-connector"), sdk.WithURLWarningLogger(slog.New(slog.DiscardHandler)))
}

type unlimited struct{}

// Wait implements the limiter of the SDK.
func (unlimited) Wait(ctx context.Context) error { return ctx.Err() }

// call marks one kind of call.
func (ss *session) call(ctx context.Context, route string) sdk.RequestOptionFunc {
	return sdk.WithContext(rest.With(ctx, rest.Ask{Route: route, Priority: ss.priority}))
}

// poll is call for an answer that is mostly the one before.
func (ss *session) poll(ctx context.Context, route string) sdk.RequestOptionFunc {
	return sdk.WithContext(rest.With(ctx, rest.Ask{Route: route, Priority: ss.priority, Conditional: true}))
}

// resolve finds the project: by id when it was seen before, for its path may be
// another one's by now; else as the config names it.
func (ss *session) resolve(ctx context.Context, id int64) error {
	name, _ := ss.o.name()
	pid := any(name)
	if id != 0 {
		pid = id
	}
	p, _, err := ss.api.Projects.GetProject(pid, nil, ss.poll(ctx, "project"))
	if err = classify("project", err); err != nil {
		return ss.confirmGone(ctx, err)
	}
	switch {
	case p.ID == 0 || !strings.Contains(p.PathWithNamespace, "/"):
		return fmt.Errorf("gitlab: project: answer without an id: %w", domain.ErrTransient)
	case p.MarkedForDeletionOn != nil:
		return fmt.Errorf("gitlab: project: marked for deletion: %w", domain.ErrGone)
	}
	ss.repo = known{id: p.ID, Facts: forge.Facts{
		Asked: ss.asked(), ID: strconv.FormatInt(p.ID, 10), FullName: p.PathWithNamespace, WebURL: p.WebURL, DefaultBranch: p.DefaultBranch,
		HasWiki: p.WikiAccessLevel != sdk.DisabledAccessControl, Off: switchedOff(p),
		Visibility: string(p.Visibility), Archived: p.Archived,
	}}
	ss.repo.Keep(ss.scope)
	return nil
}

// switchedOff names the kinds of items that a project does not have: GitLab
// refuses their lists.
func switchedOff(p *sdk.Project) string {
	var off []string
	for _, part := range []struct {
		name  string
		level sdk.AccessControlValue
	}{
		{nameIssues, p.IssuesAccessLevel}, {nameMergeRequests, p.MergeRequestsAccessLevel},
		{nameReleases, p.ReleasesAccessLevel}, {nameSnippets, p.SnippetsAccessLevel},
	} {
		if part.level == sdk.DisabledAccessControl {
			off = append(off, part.name)
		}
	}
	return strings.Join(off, " ")
}

// confirmGone lets ErrGone pass only when the credential works for something
// else: GitLab answers 404 to whoever may not see a project. A token that may not
// ask who it is of works, too.
func (ss *session) confirmGone(ctx context.Context, gone error) error {
	if !errors.Is(gone, domain.ErrGone) || !ss.auth.some() {
		return gone
	}
	_, _, err := ss.api.Users.CurrentUser(ss.call(ctx, "user"))
	if err = classify("user", err); err == nil || errors.Is(err, domain.ErrForbidden) || errors.Is(err, domain.ErrGone) {
		return gone
	}
	return err
}

// asked names what the config asks for.
func (ss *session) asked() string {
	name, _ := ss.o.name()
	return forge.Asked(ss.web.Host, ss.web.Path, name)
}

// remembered is what the cache knows of the project; zero: nothing.
func (ss *session) remembered() known {
	f := forge.Recall(ss.scope, ss.asked())
	id, err := strconv.ParseInt(f.ID, 10, 64)
	if err != nil {
		return known{}
	}
	return known{Facts: f, id: id}
}

// files is the git repository.
func (ss *session) files() gitrepo.Source {
	return gitrepo.Source{
		Client: ss.git, Folder: "files", Decorate: forge.DecorateFiles(strings.TrimSuffix(ss.repo.WebURL, "/") + "/-/blob/"),
		Remote: gitrepo.Remote{URL: ss.web.JoinPath(ss.repo.FullName + ".git").String(), Ref: ss.o.Branch, Auth: ss.auth.git(), LFS: ss.o.LFS},
	}
}

// wiki is the git repository of the wiki. Where it has never had a page, GitLab
// has none, and asks whoever shows no credential for one.
func (ss *session) wiki() *forge.Wiki {
	return &forge.Wiki{
		Source: gitrepo.Source{
			Client: ss.git, Folder: "wiki", Decorate: forge.DecoratePages(strings.TrimSuffix(ss.repo.WebURL, "/") + "/-/wikis/"),
			Remote: gitrepo.Remote{URL: ss.web.JoinPath(ss.repo.FullName + ".wiki.git").String(), Auth: ss.auth.git()},
		},
		Off:  !ss.repo.HasWiki,
		None: func(err error) bool { return !ss.auth.some() && errors.Is(err, domain.ErrUnauthorized) },
	}
}

package github

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"

	sdk "github.com/google/go-github/v89/github"

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
	http     *http.Client
	api      *sdk.Client
	repo     known
}

// A known is what is known of a repository.
type known struct {
	forge.Facts
	ID int64
}

// open reads the config and asks for the repository.
func (c *Connector) open(ctx context.Context, s domain.Scope, p rest.Priority) (*session, error) {
	return c.openAt(ctx, s, p, 0)
}

// openAt is open for a repository whose id a cursor has kept; 0: it has not.
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

// again is open without asking when the cache says which repository it is.
func (c *Connector) again(ctx context.Context, s domain.Scope) (*session, error) {
	ss, err := c.prepare(ctx, s, rest.Incremental)
	if err != nil {
		return nil, err
	}
	return ss, ss.recall(ctx)
}

// recall takes the repository from the cache, and asks for it where that has none.
func (ss *session) recall(ctx context.Context) error {
	if ss.repo = ss.remembered(); ss.repo.ID != 0 {
		return nil
	}
	return ss.resolve(ctx, ss.connectedTo())
}

// connectedTo is the id of the repository of the source; 0: it is not known.
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
	if ss.auth, err = c.authOf(ctx, s, ss.place, o); err != nil {
		return nil, err
	}
	account := rest.Account{Base: ss.place.api, Key: ss.auth.key(), Authorize: ss.auth.authorize, Renew: ss.auth.renew}
	if s.Cache != "" {
		account.Cache = filepath.Join(s.Cache, "api")
	}
	ss.http = c.pace.Client(account)
	ss.api, err = newSDK(ss.http, ss.place.api.String())
	return ss, err
}

func newSDK(client *http.Client, base string) (*sdk.Client, error) {
	return sdk.NewClient(sdk.WithHTTPClient(client), sdk.WithURLs(&base, nil), sdk.WithDisableRateLimitCheck(), sdk.WithUserAgent("data-connector"))
}

// call is ctx for one kind of call.
func (ss *session) call(ctx context.Context, route string) context.Context {
	return rest.With(ctx, rest.Ask{Route: route, Priority: ss.priority})
}

// poll is call for an answer that is mostly the one before.
func (ss *session) poll(ctx context.Context, route string) context.Context {
	return rest.With(ctx, rest.Ask{Route: route, Priority: ss.priority, Conditional: true})
}

// resolve finds the repository: by id when it was seen before, for its name may
// be another one's by now; else by name. GitHub redirects a name that was
// changed.
func (ss *session) resolve(ctx context.Context, id int64) error {
	began := ss.clock.Now()
	r, err := ss.ask(ctx, id)
	if errors.Is(err, domain.ErrForbidden) && ss.auth.renew != nil && ss.auth.renew(began) {
		r, err = ss.ask(ctx, id) // of a suspended installation another token is not to be had, which says it
	}
	if err != nil {
		return ss.confirmGone(ctx, err)
	}
	if r.GetID() == 0 || !strings.Contains(r.GetFullName(), "/") {
		return fmt.Errorf("github: repository: answer without an id: %w", domain.ErrTransient)
	}
	ss.repo = known{ID: r.GetID(), Facts: forge.Facts{
		Asked: ss.asked(), ID: strconv.FormatInt(r.GetID(), 10), FullName: r.GetFullName(), WebURL: r.GetHTMLURL(),
		DefaultBranch: r.GetDefaultBranch(), HasWiki: r.GetHasWiki(),
		Visibility: cmp.Or(r.GetVisibility(), forge.Visible(r.GetPrivate())), Archived: r.GetArchived(), // Enterprise Server may say private alone
	}}
	ss.repo.Keep(ss.scope)
	return nil
}

func (ss *session) ask(ctx context.Context, id int64) (r *sdk.Repository, err error) {
	if id != 0 {
		r, _, err = ss.api.Repositories.GetByID(ss.poll(ctx, "repository"), id)
	} else {
		r, _, err = ss.api.Repositories.Get(ss.poll(ctx, "repository"), ss.o.Owner, ss.o.Repo)
	}
	return r, classify("repository", err)
}

// confirmGone lets ErrGone pass only when the credential works for something
// else: GitHub answers 404 to whoever may not see a repository.
func (ss *session) confirmGone(ctx context.Context, gone error) error {
	if !errors.Is(gone, domain.ErrGone) || !ss.auth.some() {
		return gone
	}
	_, resp, err := ss.api.RateLimit.Get(ss.call(ctx, "rate_limit"))
	if err = classify("rate limit", err); err == nil || resp != nil && resp.StatusCode == http.StatusNotFound { // Enterprise Server without limits
		return gone
	}
	return err
}

// asked names what the config asks for.
func (ss *session) asked() string { return forge.Asked(ss.web.Host, ss.o.Owner, ss.o.Repo) }

// remembered is what the cache knows of the repository; zero: nothing.
func (ss *session) remembered() known {
	f := forge.Recall(ss.scope, ss.asked())
	id, err := strconv.ParseInt(f.ID, 10, 64)
	if err != nil {
		return known{}
	}
	return known{Facts: f, ID: id}
}

// name is the owner and the name that the repository has now.
func (ss *session) name() (owner, repo string) {
	owner, repo, _ = strings.Cut(ss.repo.FullName, "/")
	return owner, repo
}

// files is the git repository.
func (ss *session) files() gitrepo.Source {
	owner, repo := ss.name()
	return gitrepo.Source{
		Client: ss.git, Folder: "files", Decorate: forge.DecorateFiles(strings.TrimSuffix(ss.repo.WebURL, "/") + "/blob/"),
		Remote: gitrepo.Remote{URL: ss.web.JoinPath(owner, repo+".git").String(), Ref: ss.o.Branch, Auth: ss.auth.git(), LFS: ss.o.LFS},
	}
}

// wiki is the git repository of the wiki. Where it has never had a page, GitHub
// asks whoever shows no credential for one.
func (ss *session) wiki() *forge.Wiki {
	owner, repo := ss.name()
	return &forge.Wiki{
		Source: gitrepo.Source{
			Client: ss.git, Folder: "wiki", Decorate: forge.DecoratePages(strings.TrimSuffix(ss.repo.WebURL, "/") + "/wiki/"),
			Remote: gitrepo.Remote{URL: ss.web.JoinPath(owner, repo+".wiki.git").String(), Auth: ss.auth.git()},
		},
		Off:  !ss.repo.HasWiki,
		None: func(err error) bool { return !ss.auth.some() && errors.Is(err, domain.ErrUnauthorized) },
	}
}

package bitbucket

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"

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
	repo     forge.Facts
}

// open reads the config and asks for the repository.
func (c *Connector) open(ctx context.Context, s domain.Scope, p rest.Priority) (*session, error) {
	return c.openAt(ctx, s, p, "")
}

// openAt is open for the repository with an id; empty: that of the source.
func (c *Connector) openAt(ctx context.Context, s domain.Scope, p rest.Priority, id string) (*session, error) {
	ss, err := c.prepare(ctx, s, p)
	if err != nil {
		return nil, err
	}
	if id == "" {
		id = forge.ConnectedTo(s, ss.key(), ss.repo)
	}
	return ss, ss.resolve(ctx, id)
}

func (c *Connector) at(ctx context.Context, s domain.Scope, p rest.Priority, id string) (*forge.Repository, error) {
	ss, err := c.openAt(ctx, s, p, id)
	if err != nil {
		return nil, err
	}
	return ss.source(), nil
}

func (c *Connector) known(ctx context.Context, s domain.Scope) (*forge.Repository, error) {
	ss, err := c.again(ctx, s)
	if err != nil {
		return nil, err
	}
	return ss.source(), nil
}

// again opens without asking when the cache says which repository it is.
func (c *Connector) again(ctx context.Context, s domain.Scope) (*session, error) {
	ss, err := c.prepare(ctx, s, rest.Incremental)
	if err != nil {
		return nil, err
	}
	if ss.repo.ID == "" {
		err = ss.resolve(ctx, forge.ConnectedTo(s, ss.key(), ss.repo))
	}
	return ss, err
}

// prepare opens a source with what the cache knows of its repository.
func (c *Connector) prepare(ctx context.Context, s domain.Scope, p rest.Priority) (*session, error) {
	o, err := parseOptions(s)
	if err != nil {
		return nil, err
	}
	ss := &session{Connector: c, scope: s, o: o, priority: p}
	if ss.place, err = c.place(o); err != nil {
		return nil, err
	}
	if ss.auth, err = authOf(ctx, s, ss.place); err != nil {
		return nil, err
	}
	account := rest.Account{Base: ss.api, Key: ss.auth.of, Authorize: ss.auth.authorize}
	if s.Cache != "" {
		account.Cache = filepath.Join(s.Cache, "api")
	}
	ss.http = ss.pace.Client(account)
	ss.repo = forge.Recall(s, ss.asked())
	return ss, nil
}

func (ss *session) asked() string {
	return forge.Asked(ss.web.Host, ss.web.Path, ss.o.Owner, ss.o.Repo)
}

// resolve finds the repository: by id when it was seen before, for its name may
// be another one's by now; else by name.
func (ss *session) resolve(ctx context.Context, id string) error {
	found, err := ss.edition.repository(ctx, ss, id)
	if err != nil {
		return ss.confirm(ctx, err)
	}
	found.Asked = ss.asked()
	found.Keep(ss.scope)
	ss.repo = found
	return nil
}

// confirm finds out with another call what a refusal means. ErrGone passes only
// when the credential is alive. Data Center answers 401 to a good credential that
// may not see something.
func (ss *session) confirm(ctx context.Context, err error) error {
	if !ss.auth.some() {
		return err
	}
	denied := errors.Is(err, domain.ErrUnauthorized)
	if _, own := ss.edition.(server); denied && !own || !denied && !errors.Is(err, domain.ErrGone) {
		return err
	}
	switch other := ss.edition.works(ctx, ss); {
	case other != nil:
		return other
	case denied:
		return fmt.Errorf("bitbucket: the credential may not do this: %w", domain.ErrForbidden)
	}
	return err
}

// source is the repository with all that is read of it.
func (ss *session) source() *forge.Repository {
	pulls := ss.edition.pulls(ss)
	r := &forge.Repository{ID: ss.repo.ID, Scope: ss.scope, Files: ss.files()}
	if ss.o.IndexPRs {
		r.Kinds = append(r.Kinds, pulls)
	} else {
		r.Others = append(r.Others, pulls)
	}
	return r
}

// files is the git repository.
func (ss *session) files() gitrepo.Source {
	clone, file := ss.edition.addresses(ss)
	return gitrepo.Source{
		Client: ss.git, Folder: "files",
		Remote: gitrepo.Remote{URL: clone, Ref: ss.o.Branch, Auth: ss.auth.git(), LFS: ss.o.LFS},
		Decorate: func(item *domain.Item, at gitrepo.Head) {
			ref := at.Branch()
			if ref == "" {
				ref = at.Commit
			}
			item.WebURL = file(ref, string(item.Path))
		},
	}
}

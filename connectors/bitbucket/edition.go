package bitbucket

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/confuse/data-connector/connectors/gitrepo/forge"
	"github.com/confuse/data-connector/connectors/rest"
	"github.com/confuse/data-connector/domain"
)

// An edition is Cloud or Data Center, whose APIs have little in common.
type edition interface {
	// repository finds the repository with the id, else, with an empty one, the
	// repository of the config. ErrGone: there is none.
	repository(ctx context.Context, ss *session, id string) (forge.Facts, error)
	// works makes a call that a living credential may make.
	works(ctx context.Context, ss *session) error
	// addresses are those of the git repository and of its files for people; the
	// latter take the name of a ref.
	addresses(ss *session) (clone string, file func(ref, path string) string)
	// pulls are its pull requests.
	pulls(ss *session) forge.Kind
	// listHooks gives the ids of its webhooks by their URLs.
	listHooks(ctx context.Context, ss *session) (map[string]string, error)
	// hook is the address of the webhooks and the body of one.
	hook(ss *session, want domain.Hook) (path string, body any)
}

// do makes a call below the API. path is escaped already.
func (ss *session) do(ctx context.Context, method, path string, in, out any) error {
	return ss.at(ctx, method, strings.TrimSuffix(ss.api.String(), "/")+"/"+path, in, out)
}

// at makes a call.
func (ss *session) at(ctx context.Context, method, address string, in, out any) error {
	_, err := rest.JSON(ctx, ss.http, method, address, in, out)
	var refused *rest.StatusError
	status := 0
	if errors.As(err, &refused) {
		status = refused.Status
	}
	return forge.Classify(Provider, rest.Asked(ctx).Route, status, err)
}

// get asks for one thing.
func (ss *session) get(ctx context.Context, path string, query url.Values, out any) error {
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return ss.do(ctx, http.MethodGet, path, nil, out)
}

// call is ctx for one kind of call.
func (ss *session) call(ctx context.Context, route string) context.Context {
	return rest.With(ctx, rest.Ask{Route: route, Priority: ss.priority})
}

// poll is call for an answer that is mostly the one before.
func (ss *session) poll(ctx context.Context, route string) context.Context {
	return rest.With(ctx, rest.Ask{Route: route, Priority: ss.priority, Conditional: true})
}

// name is the workspace or project, and the name, that the repository has now.
func (ss *session) name() (owner, repo string) {
	owner, repo, _ = strings.Cut(ss.repo.FullName, "/")
	return owner, repo
}

// maxPages is the most pages of what belongs to one thing.
const maxPages = 200

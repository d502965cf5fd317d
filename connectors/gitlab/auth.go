package gitlab

import (
	"cmp"
	"context"
	"fmt"
	"net/http"

	"github.com/confuse/data-connector/connectors/gitrepo"
	"github.com/confuse/data-connector/domain"
)

// gitUser is the user name under which git shows a token of any kind.
const gitUser = "oauth2"

// An auth gives the token of a source as it is now. The zero value has none.
type auth struct {
	get func(ctx context.Context) (domain.Credential, error)
	of  string // names the credential among all; a secret
}

func (a auth) some() bool { return a.get != nil }

// authorize sends the token as a bearer: GitLab takes personal, project and group
// access tokens that way as well as those of OAuth
// (https://docs.gitlab.com/api/rest/authentication/).
func (a auth) authorize(r *http.Request) error {
	if a.get == nil {
		return nil
	}
	c, err := a.get(r.Context())
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+string(c.Secret))
	return nil
}

func (a auth) git() func(ctx context.Context) (gitrepo.Auth, error) {
	if a.get == nil {
		return nil
	}
	return func(ctx context.Context) (gitrepo.Auth, error) {
		c, err := a.get(ctx)
		return gitrepo.Auth{Username: cmp.Or(c.Username, gitUser), Password: c.Secret}, err
	}
}

// authOf is the auth of a source: its credential, else none.
func authOf(ctx context.Context, s domain.Scope) (auth, error) {
	if s.Credential == nil {
		return auth{}, nil
	}
	c, err := s.Credential(ctx)
	switch {
	case err != nil:
		return auth{}, err
	case c.Kind == domain.CredentialApp:
		return auth{}, fmt.Errorf("gitlab: has no apps with private keys: %w", domain.ErrUnauthorized)
	}
	return auth{of: string(c.Secret), get: s.Credential}, nil
}

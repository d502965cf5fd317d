package bitbucket

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/confuse/data-connector/connectors/gitrepo"
	"github.com/confuse/data-connector/domain"
)

// The user names under which git shows tokens
// (support.atlassian.com/bitbucket-cloud/docs/using-api-tokens).
const (
	gitAccessToken = "x-token-auth"
	gitAPIToken    = "x-bitbucket-api-token-auth"
)

// appPassword is how an app password begins. None works since July 2026.
const appPassword = "ATBB"

// An auth gives the credential of a source as it is now. The zero value has none.
type auth struct {
	now func(ctx context.Context) (domain.Credential, error)
	of  string // names the credential among all; a secret
	api string // the git user of an account's token; empty: the account itself
}

func (a auth) some() bool { return a.now != nil }

// authOf is the auth of a source. A credential with a user name is shown as user
// and password, which API tokens of Cloud and tokens and passwords of Data Center
// are; one without is an access token.
func authOf(ctx context.Context, s domain.Scope, p place) (auth, error) {
	if s.Credential == nil {
		return auth{}, nil
	}
	first, err := s.Credential(ctx)
	if err != nil {
		return auth{}, err
	}
	a := auth{now: s.Credential, of: first.Username + "\n" + string(first.Secret)}
	if _, ok := p.edition.(cloud); ok {
		a.api = gitAPIToken
		if strings.HasPrefix(string(first.Secret), appPassword) {
			return auth{}, fmt.Errorf("bitbucket: app passwords do not work any more, use an API token: %w", domain.ErrUnauthorized)
		}
	}
	if first.Kind == domain.CredentialApp {
		return auth{}, fmt.Errorf("bitbucket: there are no apps, use a token: %w", domain.ErrUnauthorized)
	}
	return a, nil
}

func (a auth) authorize(r *http.Request) error {
	if a.now == nil {
		return nil
	}
	c, err := a.now(r.Context())
	switch {
	case err != nil:
		return err
	case c.Username != "":
		r.SetBasicAuth(c.Username, string(c.Secret))
	default:
		r.Header.Set("Authorization", "Bearer "+string(c.Secret))
	}
	return nil
}

func (a auth) git() func(ctx context.Context) (gitrepo.Auth, error) {
	if a.now == nil {
		return nil
	}
	return func(ctx context.Context) (gitrepo.Auth, error) {
		c, err := a.now(ctx)
		user := gitAccessToken
		if c.Username != "" {
			if user = c.Username; a.api != "" {
				user = a.api
			}
		}
		return gitrepo.Auth{Username: user, Password: c.Secret}, err
	}
}

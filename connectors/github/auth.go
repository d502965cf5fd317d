package github

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
	sdk "github.com/google/go-github/v89/github"

	"github.com/confuse/data-connector/connectors/gitrepo"
	"github.com/confuse/data-connector/connectors/rest"
	"github.com/confuse/data-connector/domain"
)

const (
	jwtLife = 9 * time.Minute  // GitHub takes at most ten
	jwtSkew = 60 * time.Second // our clock may be ahead of GitHub's
	margin  = 5 * time.Minute  // an installation token is renewed so long before its end
)

// gitUser is the user name under which git shows a token.
const gitUser = "x-access-token"

// An app is a GitHub App that can make tokens.
type app struct {
	id  string
	key domain.Secret // PEM
}

// An auth gives the token of a source as it is now. The zero value has none.
type auth struct {
	token        func(ctx context.Context) (domain.Secret, error)
	renew        func(began time.Time) bool // as rest.Account has it; nil: the token stays the same
	of           string                     // names the credential among all; a secret
	app          app                        // whose installation it is; zero: nobody's
	installation int64                      // its id; 0: none
}

func (a auth) some() bool { return a.token != nil }

// key names the credential for the budget of calls.
func (a auth) key() string { return a.of }

func (a auth) authorize(r *http.Request) error {
	if a.token == nil {
		return nil
	}
	t, err := a.token(r.Context())
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+string(t))
	return nil
}

func (a auth) git() func(ctx context.Context) (gitrepo.Auth, error) {
	if a.token == nil {
		return nil
	}
	return func(ctx context.Context) (gitrepo.Auth, error) {
		t, err := a.token(ctx)
		return gitrepo.Auth{Username: gitUser, Password: t}, err
	}
}

// authOf is the auth of a source: its own credential, else an installation of the
// operator's app, else none.
func (c *Connector) authOf(ctx context.Context, s domain.Scope, p place, o options) (auth, error) {
	if s.Credential == nil {
		if o.InstallationID == "" {
			return auth{}, nil
		}
		if err := c.lends(p); err != nil {
			return auth{}, err
		}
		return c.installed(c.app, o.InstallationID, p), nil
	}
	cred, err := s.Credential(ctx)
	if err != nil {
		return auth{}, err
	}
	if cred.Kind == domain.CredentialApp {
		installation := cred.Settings["installation_id"]
		if !decimal.MatchString(installation) || cred.Settings["app_id"] == "" {
			return auth{}, fmt.Errorf("github: the credential has no app_id or installation_id: %w", domain.ErrUnauthorized)
		}
		return c.installed(app{id: cred.Settings["app_id"], key: cred.Secret}, installation, p), nil
	}
	return auth{of: string(cred.Secret), token: func(ctx context.Context) (domain.Secret, error) {
		now, err := s.Credential(ctx)
		return now.Secret, err
	}}, nil
}

// lends refuses the operator's app where there is none, and at any server but its
// own: whoever connects a source names the server, which would be shown what opens
// every installation.
func (c *Connector) lends(p place) error {
	refuse := func(problem string) error {
		return &domain.InvalidError{Field: "config.installationId", Problem: problem, Allowed: "a credential of the source"}
	}
	if c.app.id == "" || c.app.key == "" {
		return refuse("needs a GitHub App, and the operator has set none")
	}
	home, err := c.place(options{BaseURL: c.appURL})
	if err != nil || home.api.String() != p.api.String() {
		return refuse("needs a GitHub App of this server, and the operator's is of another one")
	}
	return nil
}

// installed is the auth of an installation. All sources of it share one budget.
func (c *Connector) installed(a app, installation string, p place) auth {
	sum := sha256.Sum256([]byte(p.api.String() + "\n" + a.id + "\n" + installation + "\n" + string(a.key)))
	of := hex.EncodeToString(sum[:])
	renew := func(began time.Time) bool { return c.tokens.drop(of, began) }
	id, _ := strconv.ParseInt(installation, 10, 64) // 0: mint says what is wrong with it
	return auth{of: of, app: a, installation: id, renew: renew, token: func(ctx context.Context) (domain.Secret, error) {
		return c.tokens.get(ctx, of, c.clock.Now(), func(ctx context.Context) (installationToken, error) {
			return c.mint(ctx, a, installation, p)
		})
	}}
}

// An installationToken lives for an hour.
type installationToken struct {
	Token     domain.Secret
	ExpiresAt time.Time
}

// asApp speaks for an app itself, for as long as jwtLife.
func (c *Connector) asApp(a app, p place) (*sdk.Client, error) {
	key, err := jwt.ParseRSAPrivateKeyFromPEM([]byte(a.key))
	if err != nil {
		return nil, fmt.Errorf("github: the private key of the app is no PEM of an RSA key: %w", domain.ErrUnauthorized)
	}
	now := c.clock.Now()
	signed, err := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.MapClaims{
		"iat": now.Add(-jwtSkew).Unix(), "exp": now.Add(jwtLife).Unix(), "iss": a.id,
	}).SignedString(key)
	if err != nil {
		return nil, fmt.Errorf("github: sign for the app: %w", err)
	}
	client := c.pace.Client(rest.Account{Base: p.api, Key: "app " + a.id + "\n" + string(a.key), Authorize: func(r *http.Request) error {
		r.Header.Set("Authorization", "Bearer "+signed)
		return nil
	}})
	return newSDK(client, p.api.String())
}

// mint asks for a token of an installation.
func (c *Connector) mint(ctx context.Context, a app, installation string, p place) (installationToken, error) {
	api, err := c.asApp(a, p)
	if err != nil {
		return installationToken{}, err
	}
	id, err := strconv.ParseInt(installation, 10, 64)
	if err != nil {
		return installationToken{}, fmt.Errorf("github: installation id: %w", domain.ErrUnauthorized)
	}
	t, _, err := api.Apps.CreateInstallationToken(rest.With(ctx, rest.Ask{Route: "installation_token", Repeatable: true}), id, &sdk.InstallationTokenOptions{}) // not nil, which is sent as null
	switch err = classify("installation token", err); {
	case errors.Is(err, domain.ErrGone):
		return installationToken{}, fmt.Errorf("github: the installation of the app is not there any more: %w: %s", domain.ErrUnauthorized, err.Error()) // not that the repository is gone
	case errors.Is(err, domain.ErrForbidden):
		return installationToken{}, fmt.Errorf("github: the installation of the app is suspended: %w: %s", domain.ErrUnauthorized, err.Error())
	case err != nil:
		return installationToken{}, err
	}
	return installationToken{Token: domain.Secret(t.GetToken()), ExpiresAt: t.GetExpiresAt().Time}, nil
}

// installations keeps the tokens of installations until shortly before their end.
// They are in memory alone: another replica makes its own.
type installations struct {
	mu  sync.Mutex
	all map[string]*installation
}

type installation struct {
	mu   sync.Mutex // held while a token is made, so that one is
	made time.Time
	installationToken
}

func newInstallations() *installations { return &installations{all: map[string]*installation{}} }

func (i *installations) get(ctx context.Context, key string, now time.Time, mint func(context.Context) (installationToken, error)) (domain.Secret, error) {
	i.mu.Lock()
	for k, v := range i.all { // those that have ended are of no use to anybody
		if k != key && v.mu.TryLock() {
			if v.ExpiresAt.Before(now) {
				delete(i.all, k)
			}
			v.mu.Unlock()
		}
	}
	in := i.all[key]
	if in == nil {
		in = &installation{}
		i.all[key] = in
	}
	i.mu.Unlock()
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.Token != "" && now.Before(in.ExpiresAt.Add(-margin)) {
		return in.Token, nil
	}
	t, err := mint(ctx)
	if err != nil {
		in.installationToken = installationToken{} // who was refused another one is likely refused with it
		return "", err
	}
	in.installationToken, in.made = t, now
	return t.Token, nil
}

// drop forgets the token of key, which GitHub has refused to a call that began at a
// time: it does when the installation is suspended, and why only the making of another
// one tells. A younger token stays. false: there was none.
func (i *installations) drop(key string, began time.Time) bool {
	i.mu.Lock()
	in := i.all[key]
	i.mu.Unlock()
	if in == nil {
		return false
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	had := in.Token != ""
	if !in.made.After(began) {
		in.installationToken = installationToken{}
	}
	return had
}

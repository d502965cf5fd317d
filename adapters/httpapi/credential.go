package httpapi

import (
	"cmp"
	"context"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/ingest"
)

// A CredentialBody is a credential as callers give it; no answer shows it. It is
// exported because huma documents only exported structs where another one embeds
// them.
type CredentialBody struct {
	AccessToken      string `json:"accessToken,omitempty" maxLength:"16384" doc:"A token for the provider, or a password with username. It is kept sealed and never shown again."`
	AccessTokenSnake string `json:"access_token,omitempty" maxLength:"16384" doc:"The same as accessToken."`
	Username         string `json:"username,omitempty" maxLength:"320" doc:"Who the token is of, where the provider asks for it: the mail address of a Bitbucket API token."`
	PrivateKey       string `json:"privateKey,omitempty" maxLength:"16384" doc:"Instead of a token: the private key of an app, as PEM. With appId and installationId."`
	AppID            string `json:"appId,omitempty" maxLength:"64" doc:"The app that privateKey is of."`
	InstallationID   string `json:"installationId,omitempty" maxLength:"64" doc:"Where that app is installed."`
}

// read gives the credential, nil when there is none.
func (b CredentialBody) read() (*domain.Credential, error) {
	token := cmp.Or(b.AccessToken, b.AccessTokenSnake)
	if token != "" && b.AccessTokenSnake != "" && b.AccessTokenSnake != token {
		return nil, &domain.InvalidError{Field: "access_token", Problem: "differs from accessToken", Allowed: "one of the two, or the same"}
	}
	switch {
	case b.PrivateKey != "" && token != "":
		return nil, &domain.InvalidError{Field: "privateKey", Problem: "stands beside a token", Allowed: "one of the two"}
	case b.PrivateKey != "":
		return b.app()
	case b.AppID != "" || b.InstallationID != "":
		return nil, &domain.InvalidError{Field: "privateKey", Problem: "is missing", Allowed: "the private key of the app, as PEM"}
	case token == "" && b.Username != "":
		return nil, &domain.InvalidError{Field: "accessToken", Problem: "is missing", Allowed: "the token or password of username"}
	case token == "":
		return nil, nil
	case strings.ContainsFunc(token+b.Username, func(r rune) bool { return r < ' ' || r == 0x7f }): // it goes into a header
		return nil, &domain.InvalidError{Field: "accessToken", Problem: "has control characters", Allowed: "the token as the provider shows it"}
	case b.Username != "":
		return &domain.Credential{Kind: domain.CredentialBasic, Username: b.Username, Secret: domain.Secret(token)}, nil
	}
	return &domain.Credential{Kind: domain.CredentialToken, Secret: domain.Secret(token)}, nil
}

func (b CredentialBody) app() (*domain.Credential, error) {
	for name, value := range map[string]string{"appId": b.AppID, "installationId": b.InstallationID} {
		if value == "" {
			return nil, &domain.InvalidError{Field: name, Problem: "is missing", Allowed: "the number that the provider shows"}
		}
	}
	return &domain.Credential{
		Kind: domain.CredentialApp, Secret: domain.Secret(b.PrivateKey),
		Settings: map[string]string{"app_id": b.AppID, "installation_id": b.InstallationID},
	}, nil
}

func (s *Server) credentialRoutes() {
	register(s, huma.Operation{
		OperationID: "attach-credential", Method: http.MethodPost, Path: "/sources/{id}/credential", Tags: []string{"sources"},
		Summary: "Give a source another credential", Description: "Looks whether it opens the source, keeps it sealed and forgets the one before. " +
			"A source whose credential has expired goes on; any other is synced, for the credential may show other things.",
		Errors: []int{http.StatusNotFound, http.StatusConflict, http.StatusBadGateway},
	}, s.attachCredential)
}

type attachInput struct {
	ID   string `path:"id" doc:"Id of the source."`
	Key  string `header:"Idempotency-Key" maxLength:"200" pattern:"^[ -~]*$" patternDescription:"printable ASCII" doc:"Sent again with the same key, the same request is carried out once."`
	Body CredentialBody
}

// attachCredential handles POST /sources/{id}/credential.
func (s *Server) attachCredential(ctx context.Context, in *attachInput) (*changeOutput, error) {
	source, err := s.source(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	given, err := in.Body.read()
	if err != nil {
		return nil, err
	}
	if given == nil {
		return nil, &domain.InvalidError{Field: "accessToken", Problem: "is missing", Allowed: "a credential that may read the source"}
	}
	a, err := s.Changes.AttachCredential(ctx, ingest.CredentialRequest{Owner: owner(ctx), Source: source.ID, Credential: *given, Key: in.Key})
	return s.changed(ctx, a, because(err, tooFast))
}

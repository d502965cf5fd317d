package bitbucket

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/confuse/data-connector/connectors/rest"
	"github.com/confuse/data-connector/domain"
)

// EnsureHook implements domain.WebhookAdmin. Bitbucket never shows a secret, so it
// is written each time: after a crash between making a hook and keeping its
// secret, the next call mends it. ErrForbidden: the credential may not change
// webhooks.
func (c *Connector) EnsureHook(ctx context.Context, s domain.Scope, want domain.Hook) (domain.Hook, error) {
	ss, err := c.open(ctx, s, rest.Incremental)
	if err != nil {
		return domain.Hook{}, err
	}
	if want.Secret == "" {
		return domain.Hook{}, &domain.InvalidError{Field: "secret", Problem: "is empty"}
	}
	all, err := ss.edition.listHooks(ctx, ss)
	if err != nil {
		return domain.Hook{}, ss.hookError(ctx, err)
	}
	id := all[want.URL]
	for _, there := range all {
		if there == want.ID && want.ID != "" {
			id = there
		}
	}
	if want.ID, err = ss.putHook(ctx, id, want); err != nil {
		return domain.Hook{}, ss.hookError(ctx, err)
	}
	return want, nil
}

// putHook changes the hook with an id, or makes one, and gives its id.
func (ss *session) putHook(ctx context.Context, id string, want domain.Hook) (string, error) {
	path, body := ss.edition.hook(ss, want)
	method := http.MethodPost
	if id != "" {
		method, path = http.MethodPut, path+"/"+url.PathEscape(id)
	}
	var made struct {
		UUID string          `json:"uuid"` // on Cloud
		ID   json.RawMessage `json:"id"`   // on Data Center, a number
	}
	if err := ss.do(ss.call(ctx, "hooks"), method, path, body, &made); err != nil {
		return "", err
	}
	if made.UUID != "" {
		return made.UUID, nil
	}
	if id = strings.Trim(string(made.ID), `"`); id == "" {
		return "", fmt.Errorf("bitbucket: hooks: answer without an id: %w", domain.ErrTransient)
	}
	return id, nil
}

// RemoveHook implements domain.WebhookAdmin.
func (c *Connector) RemoveHook(ctx context.Context, s domain.Scope, id string) error {
	ss, err := c.open(ctx, s, rest.Incremental)
	if errors.Is(err, domain.ErrGone) || err == nil && id == "" {
		return nil // with the repository, or never made
	}
	if err != nil {
		return err
	}
	path, _ := ss.edition.hook(ss, domain.Hook{})
	err = ss.do(ss.call(ctx, "hooks"), http.MethodDelete, path+"/"+url.PathEscape(id), nil, nil)
	if errors.Is(err, domain.ErrGone) {
		return nil
	}
	if err != nil {
		return ss.hookError(ctx, err)
	}
	return nil
}

// hookError says of 404, and of the 401 of a Data Center, what they mean here: the
// repository is there, but whoever may not administer it is not shown its hooks.
func (ss *session) hookError(ctx context.Context, err error) error {
	if err = ss.confirm(ctx, err); errors.Is(err, domain.ErrGone) {
		return fmt.Errorf("bitbucket: hooks: the credential may not administer the repository: %w", domain.ErrForbidden)
	}
	return err
}

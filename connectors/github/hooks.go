package github

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	sdk "github.com/google/go-github/v89/github"

	"github.com/confuse/data-connector/connectors/rest"
	"github.com/confuse/data-connector/domain"
)

// hookEvents are what a hook is told of, as far as the source reads it.
func (ss *session) hookEvents() []string {
	events := []string{"create", "delete", "public", "push", "repository"}
	if ss.o.IndexIssues {
		events = append(events, "issue_comment", "issues")
	}
	if ss.o.IndexPRs {
		events = append(events, "issue_comment", "pull_request", "pull_request_review", "pull_request_review_comment", "pull_request_review_thread")
	}
	if ss.o.IndexReleases {
		events = append(events, "release")
	}
	if ss.o.IndexDiscussions {
		events = append(events, "discussion", "discussion_comment")
	}
	if ss.o.IndexWiki {
		events = append(events, "gollum")
	}
	slices.Sort(events)
	return slices.Compact(events)
}

// EnsureHook implements domain.WebhookAdmin. GitHub never shows a secret, so it is
// written each time: after a crash between making a hook and keeping its secret,
// the next call mends it. ErrForbidden: the credential may not change webhooks.
func (c *Connector) EnsureHook(ctx context.Context, s domain.Scope, want domain.Hook) (domain.Hook, error) {
	ss, err := c.open(ctx, s, rest.Incremental)
	if err != nil {
		return domain.Hook{}, err
	}
	if want.Secret == "" {
		return domain.Hook{}, &domain.InvalidError{Field: "secret", Problem: "is empty"}
	}
	there, err := ss.findHook(ctx, want)
	if err != nil {
		return domain.Hook{}, err
	}
	owner, repo := ss.name()
	body := &sdk.Hook{
		Name: sdk.Ptr("web"), Active: sdk.Ptr(true), Events: ss.hookEvents(),
		Config: &sdk.HookConfig{URL: sdk.Ptr(want.URL), ContentType: sdk.Ptr("json"), InsecureSSL: sdk.Ptr("0"), Secret: sdk.Ptr(string(want.Secret))},
	}
	var made *sdk.Hook
	if there == 0 {
		made, _, err = ss.api.Repositories.CreateHook(ss.call(ctx, "hooks"), owner, repo, body)
	} else {
		body.Name = nil
		made, _, err = ss.api.Repositories.EditHook(ss.call(ctx, "hooks"), owner, repo, there, body)
	}
	if err = ss.hookError(err); err != nil {
		return domain.Hook{}, err
	}
	want.ID = strconv.FormatInt(made.GetID(), 10)
	return want, nil
}

// findHook is the hook that want names, else one with its URL; 0: there is none.
func (ss *session) findHook(ctx context.Context, want domain.Hook) (int64, error) {
	owner, repo := ss.name()
	all, err := pages(func(o sdk.ListOptions) ([]*sdk.Hook, *sdk.Response, error) {
		h, resp, err := ss.api.Repositories.ListHooks(ss.call(ctx, "hooks"), owner, repo, &o)
		return h, resp, ss.hookError(err)
	})
	if err != nil {
		return 0, err
	}
	for _, by := range []func(*sdk.Hook) bool{
		func(h *sdk.Hook) bool { return want.ID != "" && strconv.FormatInt(h.GetID(), 10) == want.ID },
		func(h *sdk.Hook) bool { return h.GetConfig().GetURL() == want.URL },
	} {
		if i := slices.IndexFunc(all, by); i >= 0 {
			return all[i].GetID(), nil
		}
	}
	return 0, nil
}

// RemoveHook implements domain.WebhookAdmin.
func (c *Connector) RemoveHook(ctx context.Context, s domain.Scope, id string) error {
	ss, err := c.open(ctx, s, rest.Incremental)
	if errors.Is(err, domain.ErrGone) {
		return nil // with the repository
	}
	if err != nil {
		return err
	}
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return nil //nolint:nilerr // no hook of GitHub has such an id
	}
	owner, repo := ss.name()
	_, err = ss.api.Repositories.DeleteHook(ss.call(ctx, "hooks"), owner, repo, n)
	if err = classify("webhooks", err); errors.Is(err, domain.ErrGone) {
		return nil
	}
	return err
}

// hookError says of 404 what it means here: the repository is there, but whoever
// may not administer it is not shown its hooks.
func (ss *session) hookError(err error) error {
	if err = classify("webhooks", err); errors.Is(err, domain.ErrGone) {
		return fmt.Errorf("github: webhooks: the credential may not administer the repository: %w", domain.ErrForbidden)
	}
	return err
}

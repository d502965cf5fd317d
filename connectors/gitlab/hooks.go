package gitlab

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	sdk "gitlab.com/gitlab-org/api/client-go/v2"

	"github.com/confuse/data-connector/connectors/rest"
	"github.com/confuse/data-connector/domain"
)

// EnsureHook implements domain.WebhookAdmin. GitLab never shows a secret, so it is
// written each time: after a crash between making a hook and keeping its secret,
// the next call mends it. Deliveries are signed where GitLab can (19.0); older
// servers ignore that silently, and get the secret as a plain token instead.
//
// ErrForbidden: the credential may not change webhooks; it needs the scope api and
// the role Maintainer.
func (c *Connector) EnsureHook(ctx context.Context, s domain.Scope, want domain.Hook) (domain.Hook, error) {
	ss, err := c.open(ctx, s, rest.Incremental)
	if err != nil {
		return domain.Hook{}, err
	}
	if want.Secret == "" {
		return domain.Hook{}, &domain.InvalidError{Field: "secret", Problem: "is empty"}
	}
	there, err := ss.findHooks(ctx, want)
	if err != nil {
		return domain.Hook{}, err
	}
	made, err := ss.writeHook(ctx, there, want, "")
	if err == nil && !made.SigningTokenPresent {
		made, err = ss.writeHook(ctx, []*sdk.ProjectHook{made}, want, string(want.Secret))
	}
	if err != nil {
		return domain.Hook{}, err
	}
	for _, other := range there[min(1, len(there)):] { // GitLab allows several with one URL, and each is delivered to
		if other.URL == want.URL {
			if err := ss.removeHook(ctx, other.ID); err != nil {
				return domain.Hook{}, err
			}
		}
	}
	if made.AlertStatus != "" && made.AlertStatus != "executable" { // switched off after failures: a test that is answered ends that
		_, _ = ss.api.Projects.TriggerTestProjectHook(ss.repo.id, made.ID, sdk.ProjectHookEventPush, ss.call(ctx, "hooks")) // else it stays as it is, and polling goes on
	}
	want.ID = strconv.FormatInt(made.ID, 10)
	return want, nil
}

// writeHook makes the hook, or changes the first of those that are there.
func (ss *session) writeHook(ctx context.Context, there []*sdk.ProjectHook, want domain.Hook, token string) (*sdk.ProjectHook, error) {
	signing := "whsec_" + encodeKey(signingKey(want.Secret))
	o, yes := ss.o, sdk.Ptr(true)
	body := sdk.AddProjectHookOptions{
		URL: &want.URL, SigningToken: &signing, Token: &token, EnableSSLVerification: yes, PushEvents: yes, TagPushEvents: yes,
		PushEventsBranchFilter: sdk.Ptr(""), BranchFilterStrategy: sdk.Ptr("all_branches"), CustomWebhookTemplate: sdk.Ptr(""),
		IssuesEvents: &o.IndexIssues, ConfidentialIssuesEvents: sdk.Ptr(o.IndexIssues && o.IndexConfidential),
		MergeRequestsEvents: &o.IndexMRs, NoteEvents: sdk.Ptr(o.IndexIssues || o.IndexMRs), ConfidentialNoteEvents: sdk.Ptr((o.IndexIssues || o.IndexMRs) && o.IndexConfidential),
		WikiPageEvents: &o.IndexWiki, ReleasesEvents: &o.IndexReleases,
		JobEvents: sdk.Ptr(false), PipelineEvents: sdk.Ptr(false), DeploymentEvents: sdk.Ptr(false),
	}
	var made *sdk.ProjectHook
	var err error
	if len(there) == 0 {
		made, _, err = ss.api.Projects.AddProjectHook(ss.repo.id, &body, ss.call(ctx, "hooks"))
	} else {
		edit := sdk.EditProjectHookOptions(body)
		made, _, err = ss.api.Projects.EditProjectHook(ss.repo.id, there[0].ID, &edit, ss.call(ctx, "hooks"))
	}
	return made, hookError(err)
}

// findHooks are the hooks that are meant: the one that want names first, then
// those with its URL.
func (ss *session) findHooks(ctx context.Context, want domain.Hook) ([]*sdk.ProjectHook, error) {
	all, _, err := pages(maxPage, func(o sdk.ListOptions) ([]*sdk.ProjectHook, *sdk.Response, error) {
		h, resp, err := ss.api.Projects.ListProjectHooks(ss.repo.id, &sdk.ListProjectHooksOptions{ListOptions: o}, ss.call(ctx, "hooks"))
		return h, resp, hookError(err)
	})
	var named, same []*sdk.ProjectHook
	for _, h := range all {
		switch {
		case want.ID != "" && strconv.FormatInt(h.ID, 10) == want.ID:
			named = append(named, h)
		case h.URL == want.URL:
			same = append(same, h)
		}
	}
	return append(named, same...), err
}

// RemoveHook implements domain.WebhookAdmin.
func (c *Connector) RemoveHook(ctx context.Context, s domain.Scope, id string) error {
	ss, err := c.open(ctx, s, rest.Incremental)
	if errors.Is(err, domain.ErrGone) {
		return nil // with the project
	}
	if err != nil {
		return err
	}
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return nil //nolint:nilerr // no hook of GitLab has such an id
	}
	return ss.removeHook(ctx, n)
}

func (ss *session) removeHook(ctx context.Context, id int64) error {
	_, err := ss.api.Projects.DeleteProjectHook(ss.repo.id, id, ss.call(ctx, "hooks"))
	if err = classify("webhooks", err); errors.Is(err, domain.ErrGone) {
		return nil
	}
	return err
}

// hookError says of 404 what it means here: the project is there, but whoever may
// not administer it is not shown its hooks.
func hookError(err error) error {
	if err = classify("webhooks", err); errors.Is(err, domain.ErrGone) {
		return fmt.Errorf("gitlab: webhooks: the credential may not administer the project: %w", domain.ErrForbidden)
	}
	return err
}

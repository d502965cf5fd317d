package github

import (
	"context"
	"strconv"

	sdk "github.com/google/go-github/v89/github"

	"github.com/confuse/data-connector/connectors/gitrepo/forge"
	"github.com/confuse/data-connector/domain"
)

// releases are few and listed whole. A release that is deleted meanwhile may shift
// another one out of sight, so a list of several pages is read until it stays the
// same.
type releases struct{ ss *session }

func (releases) Name() string   { return "releases" }
func (releases) Folder() string { return folderReleases }

func (k releases) All(ctx context.Context, _ string, take func([]domain.Item, string) error) error {
	return k.few().All(ctx, take)
}

func (k releases) Mark(ctx context.Context) (forge.Mark, error) { return k.few().Mark(ctx) }

func (k releases) Since(ctx context.Context, m forge.Mark, take func([]domain.Item) error) error {
	return k.few().Since(ctx, m, take)
}

func (k releases) few() forge.Few { return forge.Few{Name: "releases", Reading: k.reading} }

// reading is all of them, and how many pages they took.
func (k releases) reading(ctx context.Context) ([]domain.Item, int, error) {
	owner, repo := k.ss.name()
	n := 0
	found, err := pages(func(o sdk.ListOptions) ([]*sdk.RepositoryRelease, *sdk.Response, error) {
		n++
		o.PerPage = k.ss.page
		r, resp, err := k.ss.api.Repositories.ListReleases(k.ss.poll(ctx, "releases"), owner, repo, &o)
		return r, resp, classify("releases", err)
	})
	if err != nil {
		return nil, 0, err
	}
	var items []domain.Item
	for _, r := range found {
		if !r.GetDraft() { // only those who may write see drafts
			items = append(items, releaseItem(r))
		}
	}
	return items, n, nil
}

func releaseItem(r *sdk.RepositoryRelease) domain.Item {
	return domain.Item{
		Path: forge.Numbered(folderReleases, r.GetID()), Kind: domain.KindDocument, Version: releaseVersion(r), Size: -1, MediaType: forge.Markdown,
		WebURL: r.GetHTMLURL(), Modified: r.GetPublishedAt().Time,
		Attributes: forge.Attributes(
			"type", "release", "title", releaseTitle(r), "tag", r.GetTagName(), "prerelease", forge.Yes(r.GetPrerelease()),
			"assets", strconv.Itoa(len(r.Assets)), "created_at", forge.Stamp(r.GetCreatedAt().Time), "published_at", forge.Stamp(r.GetPublishedAt().Time),
		),
		People: person("author", r.Author),
	}
}

// releaseVersion covers everything that is shown: a release has no time of change.
func releaseVersion(r *sdk.RepositoryRelease) string { return forge.VersionOf(renderRelease(r)) }

func (k releases) Read(ctx context.Context, name string) (text, version string, err error) {
	id, err := forge.Number(name)
	if err != nil {
		return "", "", err
	}
	owner, repo := k.ss.name()
	r, _, err := k.ss.api.Repositories.GetRelease(k.ss.call(ctx, "release"), owner, repo, id)
	if err = classify("release", err); err != nil {
		return "", "", err
	}
	return renderRelease(r), releaseVersion(r), nil
}

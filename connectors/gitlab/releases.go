package gitlab

import (
	"cmp"
	"context"
	"strconv"

	sdk "gitlab.com/gitlab-org/api/client-go/v2"

	"github.com/confuse/data-connector/connectors/gitrepo/forge"
	"github.com/confuse/data-connector/domain"
)

const (
	nameReleases   = "releases"
	folderReleases = "@releases/"
)

// releases have no number: each is that of a tag.
type releases struct{ ss *session }

func (releases) Name() string   { return nameReleases }
func (releases) Folder() string { return folderReleases }

func (k releases) All(ctx context.Context, _ string, take func([]domain.Item, string) error) error {
	return k.few().All(ctx, take)
}

func (k releases) Mark(ctx context.Context) (forge.Mark, error) { return k.few().Mark(ctx) }

func (k releases) Since(ctx context.Context, m forge.Mark, take func([]domain.Item) error) error {
	return k.few().Since(ctx, m, take)
}

func (k releases) few() forge.Few {
	return k.ss.few(nameReleases, func(call sdk.RequestOptionFunc, o sdk.ListOptions) ([]domain.Item, *sdk.Response, error) {
		found, resp, err := k.ss.api.Releases.ListReleases(k.ss.repo.id, &sdk.ListReleasesOptions{ListOptions: o}, call)
		items := make([]domain.Item, 0, len(found))
		for _, r := range found {
			items = append(items, releaseItem(r))
		}
		return items, resp, classify("releases", err)
	})
}

func releaseTitle(r *sdk.Release) string { return cmp.Or(r.Name, r.TagName) }

func releaseItem(r *sdk.Release) domain.Item {
	return domain.Item{
		Path: forge.PathOf(folderReleases, r.TagName), Kind: domain.KindDocument, Version: releaseVersion(r), Size: -1, MediaType: forge.Markdown,
		WebURL: r.Links.Self, Modified: when(r.ReleasedAt),
		Attributes: forge.Attributes(
			"type", "release", "title", releaseTitle(r), "tag", r.TagName, "upcoming", forge.Yes(r.UpcomingRelease),
			"assets", strconv.Itoa(len(r.Assets.Links)), "created_at", stamp(r.CreatedAt), "published_at", stamp(r.ReleasedAt),
		),
		People: person("author", userOf(&r.Author)),
	}
}

// releaseVersion covers everything that is shown: a release has no time of change.
func releaseVersion(r *sdk.Release) string { return forge.VersionOf(renderRelease(r)) }

// Read implements forge.Kind.
func (k releases) Read(ctx context.Context, name string) (text, version string, err error) {
	r, _, err := k.ss.api.Releases.GetRelease(k.ss.repo.id, name, k.ss.call(ctx, "release"))
	if err = classify("release", err); err != nil {
		return "", "", err
	}
	return renderRelease(r), releaseVersion(r), nil
}

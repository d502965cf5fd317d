package gitlab

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	sdk "gitlab.com/gitlab-org/api/client-go/v2"

	"github.com/confuse/data-connector/connectors/gitrepo/forge"
	"github.com/confuse/data-connector/domain"
)

const (
	nameSnippets   = "snippets"
	folderSnippets = "@snippets/"
)

// snippets are small files with a title, one or more in each.
type snippets struct{ ss *session }

func (snippets) Name() string   { return nameSnippets }
func (snippets) Folder() string { return folderSnippets }

func (k snippets) All(ctx context.Context, _ string, take func([]domain.Item, string) error) error {
	return k.few().All(ctx, take)
}

func (k snippets) Mark(ctx context.Context) (forge.Mark, error) { return k.few().Mark(ctx) }

func (k snippets) Since(ctx context.Context, m forge.Mark, take func([]domain.Item) error) error {
	return k.few().Since(ctx, m, take)
}

func (k snippets) few() forge.Few {
	return k.ss.few(nameSnippets, func(call sdk.RequestOptionFunc, o sdk.ListOptions) ([]domain.Item, *sdk.Response, error) {
		found, resp, err := k.ss.api.ProjectSnippets.ListSnippets(k.ss.repo.id, &sdk.ListProjectSnippetsOptions{ListOptions: o}, call)
		items := make([]domain.Item, 0, len(found))
		for _, s := range found {
			items = append(items, snippetItem(s))
		}
		return items, resp, classify("snippets", err)
	})
}

func snippetItem(s *sdk.Snippet) domain.Item {
	return domain.Item{
		Path: forge.Numbered(folderSnippets, s.ID), Kind: domain.KindDocument, Version: snippetVersion(s), Size: -1, MediaType: forge.Markdown,
		WebURL: s.WebURL, Modified: when(s.UpdatedAt),
		Attributes: forge.Attributes(
			"type", "snippet", "number", strconv.FormatInt(s.ID, 10), "title", s.Title, "visibility", s.Visibility,
			"files", strconv.Itoa(max(1, len(s.Files))), "created_at", stamp(s.CreatedAt),
		),
		People: person("author", user{ID: s.Author.ID, Username: s.Author.Username, Name: s.Author.Name}),
	}
}

func snippetVersion(s *sdk.Snippet) string {
	parts := []any{s.ID, when(s.UpdatedAt), s.Title, s.Visibility}
	for _, f := range s.Files {
		parts = append(parts, f.Path)
	}
	return forge.VersionOf(parts...)
}

// maxFiles is the most files of one snippet that are read; GitLab allows ten.
const maxFiles = 10

// Read implements forge.Kind.
func (k snippets) Read(ctx context.Context, name string) (text, version string, err error) {
	id, err := forge.Number(name)
	if err != nil {
		return "", "", err
	}
	s, _, err := k.ss.api.ProjectSnippets.GetSnippet(k.ss.repo.id, id, k.ss.call(ctx, "snippet"))
	if err = classify("snippet", err); err != nil {
		return "", "", err
	}
	files := s.Files
	if len(files) == 0 { // before GitLab 13.0 a snippet is one file
		files = []sdk.SnippetFile{{Path: s.FileName}}
	}
	p := head(s)
	for _, f := range files[:min(len(files), maxFiles)] {
		content, err := k.file(ctx, id, f)
		if err != nil {
			return "", "", err
		}
		code(p, f.Path, content)
	}
	return p.String(), snippetVersion(s), nil
}

// file reads one file of a snippet. Its ref stands in its address alone.
func (k snippets) file(ctx context.Context, id int64, f sdk.SnippetFile) ([]byte, error) {
	at := fmt.Sprintf("projects/%d/snippets/%d/raw", k.ss.repo.id, id)
	if _, tail, ok := strings.Cut(f.RawURL, "/raw/"); ok {
		if ref, _, ok := strings.Cut(tail, "/"); ok {
			at = fmt.Sprintf("projects/%d/snippets/%d/files/%s/%s/raw", k.ss.repo.id, id, sdk.PathEscape(ref), sdk.PathEscape(f.Path))
		}
	}
	req, err := k.ss.api.NewRequest(http.MethodGet, at, nil, []sdk.RequestOptionFunc{k.ss.call(ctx, "snippet_file")})
	if err != nil {
		return nil, classify("snippet", err)
	}
	var b bytes.Buffer
	_, err = k.ss.api.Do(req, &b)
	return b.Bytes(), classify("snippet", err)
}

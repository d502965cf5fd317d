package forge

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"github.com/confuse/data-connector/connectors/gitrepo"
	"github.com/confuse/data-connector/domain"
)

// A Repository is one source, opened with its credential. Its methods are those
// of the ports of package domain. It may be used concurrently.
type Repository struct {
	ID     string // the provider's, which a rename does not change
	Scope  domain.Scope
	Files  gitrepo.Source
	Wiki   *Wiki  // nil: not asked for
	Kinds  []Kind // that are asked for, in the order of a listing
	Others []Kind // that are not: their folders are kept free all the same
}

// A Wiki is a second git repository, whose files lie below WikiFolder.
type Wiki struct {
	gitrepo.Source
	Off bool // there is none: git need not be asked
	// None reports whether git's error says that the wiki has never had a page.
	// ErrGone does in any case. It may be nil.
	None func(err error) bool
}

// WikiFolder is where the pages of a wiki lie.
const WikiFolder = "@wiki/"

// reserved reports whether a path of the repository would lie among the items.
func (r *Repository) reserved(path []byte) bool {
	if strings.HasPrefix(string(path), WikiFolder) {
		return true
	}
	for _, list := range [][]Kind{r.Kinds, r.Others} {
		for _, k := range list {
			if strings.HasPrefix(string(path), k.Folder()) {
				return true
			}
		}
	}
	return false
}

func (w *Wiki) none(err error) bool {
	return errors.Is(err, domain.ErrGone) || err != nil && w.None != nil && w.None(err)
}

// start is the position of the wiki, zero where there is none.
func (w *Wiki) start(ctx context.Context, s domain.Scope) (domain.Cursor, error) {
	if w.Off {
		return domain.Cursor{}, nil
	}
	at, err := w.StartCursor(ctx, s)
	if w.none(err) {
		return domain.Cursor{}, nil
	}
	return at, err
}

// wikiScope is the scope of the wiki, whose paths lie below a folder.
func (r *Repository) wikiScope() domain.Scope {
	s := r.Scope
	if skip := s.Skip; skip != nil {
		s.Skip = func(raw []byte, dir bool) bool { return skip(append([]byte(WikiFolder), raw...), dir) }
	}
	return s
}

// DecorateFiles gives files their address: that of the branch, or of the commit
// where there is none, under blob, which ends with a slash.
func DecorateFiles(blob string) func(*domain.Item, gitrepo.Head) {
	return func(item *domain.Item, at gitrepo.Head) {
		ref := at.Branch()
		if ref == "" {
			ref = at.Commit
		}
		item.WebURL = blob + Escape(ref) + "/" + Escape(string(item.Path))
	}
}

// DecoratePages makes files wiki pages, with their address under pages, which ends
// with a slash: without the ending of the name.
func DecoratePages(pages string) func(*domain.Item, gitrepo.Head) {
	return func(item *domain.Item, _ gitrepo.Head) {
		if item.Kind == "" {
			item.Kind = domain.KindWikiPage
		}
		name := string(item.Path)
		if i := strings.LastIndexByte(name, '.'); i > 0 {
			name = name[:i]
		}
		item.WebURL = pages + Escape(name)
	}
}

// Escape is a path in a URL.
func Escape(path string) string {
	parts := strings.Split(strings.ToValidUTF8(path, "\uFFFD"), "/")
	for i, p := range parts {
		parts[i] = url.PathEscape(p)
	}
	return strings.Join(parts, "/")
}

package ingest

import (
	"path"

	"github.com/confuse/data-connector/domain"
)

// sameContent reports whether item has the content of prior: it was told so without
// reading, or by the digest.
func sameContent(item domain.Item, got fetched, prior domain.File) bool {
	if got.staged == nil {
		return !item.Bodiless
	}
	return prior.Content != nil && prior.Content.SHA256 == got.staged.Digest()
}

// stateOf is what item is now, apart from its content.
func stateOf(item domain.Item, got fetched, prior domain.File, sameContent bool) domain.FileState {
	clean := domain.Clean(string(item.Path))
	state := domain.FileState{
		ItemID: item.ID, Path: clean, Kind: item.Kind, Revision: item.Version, MediaType: item.MediaType,
		WebURL: item.WebURL, ProviderTime: item.Modified.UTC(), Attributes: map[string]string{},
	}
	if clean != string(item.Path) {
		state.PathRaw = item.Path
	}
	if state.Kind == "" {
		state.Kind = domain.KindFile
	}
	if got.version != "" {
		state.Revision = got.version
	}
	for k, v := range item.Attributes {
		state.Attributes[domain.Clean(k)] = domain.Clean(v)
	}
	if item.Bodiless {
		return state
	}
	t := traitsAt(clean, got, prior, sameContent)
	t.attributes(state.Attributes)
	state.Language = t.language
	if state.MediaType == "" {
		state.MediaType = t.mediaType
	}
	return state
}

// traitsAt tells the traits of a file at a path. Where content that is known was
// not read again, what only the content tells stays as it was.
func traitsAt(p string, got fetched, prior domain.File, sameContent bool) traits {
	switch {
	case got.staged != nil:
		return got.traits
	case !sameContent:
		return traitsOf(p, nil)
	case p == prior.Path:
		return traitsIn(prior)
	}
	t, before := traitsOf(p, nil), traitsIn(prior)
	t.binary = before.binary
	if t.language == "" && path.Ext(p) == path.Ext(prior.Path) {
		t.language = before.language
	}
	if t.mediaType == "" || t.binary {
		t.mediaType = before.mediaType
	}
	return t
}

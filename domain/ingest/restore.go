package ingest

import (
	"context"
	"errors"
	"io"
	"maps"

	"github.com/confuse/data-connector/domain"
)

// restore fetches content again that somebody found missing or damaged, and what
// else is in its packs. It comes behind the sync: a file that has changed at the
// provider has new content by then. What cannot be fetched stays as it is, and is
// found again by the next one who reads it.
func (r *run) restore(ctx context.Context) error {
	if len(r.src.Lost) == 0 {
		return nil
	}
	if err := r.flush(ctx, nil); err != nil {
		return err
	}
	if err := r.settle(ctx); err != nil {
		return err
	}
	if err := r.known.level(ctx); err != nil { // the rows alone say where content lies
		return err
	}
	packs, err := r.suspects(ctx)
	if err != nil || len(packs) == 0 {
		return err
	}
	v := r.known.view(0)
	for f, err := range r.Index.Live(ctx, r.src.ID, domain.ByPath) {
		if err != nil {
			return err
		}
		if f.Content == nil || !packs[f.Content.Ref.Pack] {
			continue
		}
		if err := r.restoreFile(ctx, v, f); err != nil {
			return err
		}
	}
	return r.flush(ctx, nil)
}

// suspects are the packs in which the lost files lie now.
func (r *run) suspects(ctx context.Context) (map[string]bool, error) {
	ids := make([]domain.FileID, len(r.src.Lost))
	for i, l := range r.src.Lost {
		ids[i] = l.File
	}
	files, err := r.Index.FilesByID(ctx, r.src.ID, ids)
	packs := map[string]bool{}
	for _, f := range files {
		if !f.Removed && f.Content != nil {
			packs[f.Content.Ref.Pack] = true
		}
	}
	return packs, err
}

// restoreFile fetches f again unless its content can be read.
func (r *run) restoreFile(ctx context.Context, v *view, f domain.File) error {
	lost, err := r.isLost(ctx, *f.Content)
	if err != nil || !lost {
		return err
	}
	p, err := r.opened(ctx)
	if err != nil {
		return err
	}
	item := domain.Item{ID: f.ItemID, Path: f.RawPath(), Version: f.Revision, Size: f.Content.Size}
	if f.Revision == f.Content.SHA256.String() { // the provider has no name for it
		item.Version = ""
	}
	got := r.fetch(ctx, p.pack, item)
	defer got.drop()
	switch {
	case got.err != nil:
		return got.err
	case got.failure != nil:
		r.fail(*got.failure)
		return nil
	}
	c, err := p.pack.Keep(got.staged)
	if err != nil {
		return inStore(err)
	}
	p.bytes += c.Size
	r.counts.Bytes += c.Size
	change, state := restored(f, c, got)
	r.emit(v, change, f.ID, f, state)
	if len(p.events) < maxPage && p.bytes < maxPageBytes {
		return nil
	}
	v.byID, v.byPath = map[domain.FileID]domain.File{}, map[string]domain.FileID{} // not needed again
	return r.flush(ctx, nil)
}

// isLost reads c to its end.
func (r *run) isLost(ctx context.Context, c domain.ClaimCheck) (bool, error) {
	body, err := r.Packs.Open(ctx, c)
	if err == nil {
		_, err = io.Copy(io.Discard, body)
		_ = body.Close() // only read
	}
	if errors.Is(err, domain.ErrContentLost) {
		return true, nil
	}
	return false, err
}

// restored is f with its content at c: the same bytes lie elsewhere, or, should the
// provider not have them any more, other ones are there.
func restored(f domain.File, c domain.ClaimCheck, got fetched) (domain.FileChange, domain.FileState) {
	state := f.FileState
	state.Content = &c
	if c.SHA256 == f.Content.SHA256 {
		return domain.FileMetadata, state
	}
	switch {
	case got.version != "":
		state.Revision = got.version
	case f.Revision == f.Content.SHA256.String():
		state.Revision = c.SHA256.String()
	}
	state.Attributes = maps.Clone(f.Attributes)
	for _, name := range []string{attrVendored, attrGenerated, attrBinary} {
		delete(state.Attributes, name)
	}
	got.traits.attributes(state.Attributes)
	state.Language, state.MediaType = got.traits.language, got.traits.mediaType
	return domain.FileModified, state
}

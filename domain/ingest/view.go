package ingest

import (
	"context"

	"github.com/confuse/data-connector/domain"
)

// A view is what is known of the files that one page concerns, kept up to date
// while the page is resolved.
type view struct {
	known  *known
	byID   map[domain.FileID]domain.File // tombstones too
	byPath map[string]domain.FileID      // live ones
}

// view knows of no file yet; it is going to know about size ones.
func (k *known) view(size int) *view {
	return &view{known: k, byID: make(map[domain.FileID]domain.File, size), byPath: make(map[string]domain.FileID, size)}
}

// load reads all that a page needs in two queries: the live files at its paths,
// and the files with its ids.
func (k *known) load(ctx context.Context, rawPaths [][]byte, ids []domain.FileID) (*view, error) {
	v := k.view(len(ids))
	if len(rawPaths) > 0 {
		files, err := k.at(ctx, rawPaths)
		if err != nil {
			return nil, err
		}
		v.add(files)
	}
	return v, v.loadIDs(ctx, ids)
}

func (v *view) loadIDs(ctx context.Context, ids []domain.FileID) error {
	missing := ids[:0:0]
	for _, id := range ids {
		if _, ok := v.byID[id]; !ok {
			missing = append(missing, id)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	files, err := v.known.ids(ctx, missing)
	v.add(files)
	return err
}

func (v *view) add(files []domain.File) {
	for _, f := range files {
		v.byID[f.ID] = f
		if !f.Removed {
			v.byPath[string(f.RawPath())] = f.ID
		}
	}
}

// at is the live file at a raw path that was loaded.
func (v *view) at(rawPath []byte) (domain.File, bool) {
	id, ok := v.byPath[string(rawPath)]
	return v.byID[id], ok
}

// live is the file with this id, if it is live.
func (v *view) live(id domain.FileID) (domain.File, bool) {
	f, ok := v.byID[id]
	return f, ok && !f.Removed
}

// put notes a state that is about to be emitted, here and in the overlay.
func (v *view) put(f domain.File) {
	if old, ok := v.byID[f.ID]; ok && v.byPath[string(old.RawPath())] == f.ID {
		delete(v.byPath, string(old.RawPath()))
	}
	v.add([]domain.File{f})
	v.known.put(f)
}

// freeID is the id of a new file at rawPath: the one with the smallest number
// that no live file holds. The file that held it before, if any, is a tombstone.
// The one with number 0 is id, which was loaded.
func (v *view) freeID(ctx context.Context, rawPath []byte, id domain.FileID) (domain.FileID, error) {
	for n := 1; ; n++ {
		if _, live := v.live(id); !live {
			return id, nil
		}
		id = domain.NewPathFileID(v.known.source, rawPath, n)
		if err := v.loadIDs(ctx, []domain.FileID{id}); err != nil {
			return id, err
		}
	}
}

package ingest

import (
	"bytes"
	"context"
	"sync"

	"github.com/confuse/data-connector/domain"
)

// overlayFiles is how many files of a run may wait for their fold, some 3 MiB. A run
// that is further ahead waits for the projector, so that the events of other sources
// in its partition have never many more than these before them. More would make
// nothing faster: whichever of the two is slower, the other one waits for it.
const overlayFiles = 4 * maxPage

// known is what the source holds: the rows as they were when the claim was
// folded, plus the run's own events that are not folded yet. Without the latter
// a page sent twice, or A to B and then B to C, would meet stale rows.
type known struct {
	index  domain.Index
	folds  domain.Folds
	source domain.SourceID
	first  bool   // no run came before: there are no rows but those of this one
	top    []byte // the greatest raw path that was put

	mu     sync.Mutex                    // connectors look up while the run goes on
	byID   map[domain.FileID]domain.File // not folded yet
	byPath map[string]domain.FileID      // of those that are live
	open   []domain.FileID               // put since the last page was cut off; only for the run itself
	pages  []overlayPage                 // acknowledged, oldest first
	acks   int                           // files of pages
}

type overlayPage struct {
	at    domain.Position // of its last event
	files []domain.FileID
	last  domain.Revised
}

func newKnown(e *Engine, src domain.Source) *known {
	return &known{
		index: e.Index, folds: e.Folds, source: src.ID, first: src.Run == 1,
		byID: map[domain.FileID]domain.File{}, byPath: map[string]domain.FileID{},
	}
}

// put notes the state of a file that is about to be emitted.
func (k *known) put(f domain.File) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if old, ok := k.byID[f.ID]; ok && k.byPath[string(old.RawPath())] == f.ID {
		delete(k.byPath, string(old.RawPath()))
	}
	k.byID[f.ID] = f
	if !f.Removed {
		k.byPath[string(f.RawPath())] = f.ID
	}
	k.open = append(k.open, f.ID)
	if path := f.RawPath(); bytes.Compare(path, k.top) > 0 {
		k.top = path
	}
}

// new reports whether nothing was ever known at any of these raw paths: in the
// first run of a source those behind all that it has put. It says so of the files
// whose ids come from these paths, too. A listing in order is spared asking.
func (k *known) new(rawPaths [][]byte) bool {
	if !k.first {
		return false
	}
	for _, p := range rawPaths {
		if bytes.Compare(p, k.top) <= 0 {
			return false
		}
	}
	return true
}

// cut is what was put since the last call: the files of a page.
func (k *known) cut() []domain.FileID {
	files := k.open
	k.open = nil
	return files
}

// acked says that a page is on the log. It waits for the fold of old pages when
// there are too many.
func (k *known) acked(ctx context.Context, p overlayPage) error {
	k.pages, k.acks = append(k.pages, p), k.acks+len(p.files)
	for k.acks > overlayFiles {
		if err := k.oldest(ctx); err != nil {
			return err
		}
	}
	return nil
}

// oldest waits until the oldest page is folded, and forgets it.
func (k *known) oldest(ctx context.Context) error {
	p := k.pages[0]
	if err := k.folds.Wait(ctx, p.at); err != nil {
		return err
	}
	k.drop(p)
	k.pages, k.acks = k.pages[1:], k.acks-len(p.files)
	return nil
}

// level waits until everything that the run has put on the log is folded: from
// then on the rows alone tell what is known. No page is on its way.
func (k *known) level(ctx context.Context) error {
	for len(k.pages) > 0 {
		if err := k.oldest(ctx); err != nil {
			return err
		}
	}
	return nil
}

// drop forgets what is folded, unless a later page has changed it again.
func (k *known) drop(p overlayPage) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, id := range p.files {
		f, ok := k.byID[id]
		if !ok || p.last.Before(f.At) {
			continue
		}
		delete(k.byID, id)
		if path := string(f.RawPath()); k.byPath[path] == id {
			delete(k.byPath, path)
		}
	}
}

// at finds the live files at these raw paths. Rows read here may be older than
// the overlay, never newer than what was dropped from it.
func (k *known) at(ctx context.Context, rawPaths [][]byte) ([]domain.File, error) {
	rows, err := k.index.FilesAt(ctx, k.source, rawPaths)
	if err != nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	files := rows[:0]
	for _, f := range rows {
		if _, newer := k.byID[f.ID]; !newer {
			files = append(files, f)
		}
	}
	for _, p := range rawPaths {
		if id, ok := k.byPath[string(p)]; ok {
			files = append(files, k.byID[id])
		}
	}
	return files, nil
}

// ids finds these files, tombstones too.
func (k *known) ids(ctx context.Context, ids []domain.FileID) ([]domain.File, error) {
	files, err := k.index.FilesByID(ctx, k.source, ids)
	if err != nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	seen := map[domain.FileID]bool{}
	for i, f := range files {
		seen[f.ID] = true
		if newer, ok := k.byID[f.ID]; ok {
			files[i] = newer
		}
	}
	for _, id := range ids {
		if f, ok := k.byID[id]; ok && !seen[id] {
			seen[id] = true
			files = append(files, f)
		}
	}
	return files, nil
}

// At implements domain.Known.
func (k *known) At(ctx context.Context, rawPath []byte) (domain.File, bool, error) {
	files, err := k.at(ctx, [][]byte{rawPath})
	if err != nil || len(files) == 0 {
		return domain.File{}, false, err
	}
	return files[0], true, nil
}

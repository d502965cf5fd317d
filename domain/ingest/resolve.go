package ingest

import (
	"context"

	"github.com/confuse/data-connector/domain"
)

// resolve brings the source to the states that changes name: each change becomes a
// target state, and what differs from the known one is emitted, page by page. With
// a cursor it ends with a flush, which lets it count; with nil the last page stays
// open for more. gone are the vanished files of a re-listing, which new ones may
// turn out to be; nil in a first listing or feed.
func (r *run) resolve(ctx context.Context, changes []domain.Change, failures []domain.ItemFailure, gone *vanished, cursor *domain.Envelope) error {
	for len(changes) > 0 || len(failures) > 0 {
		p, err := r.opened(ctx)
		if err != nil {
			return err
		}
		for _, f := range failures {
			r.fail(f)
		}
		n := p.room(changes)
		if err := r.resolvePage(ctx, changes[:n], gone); err != nil {
			return err
		}
		if changes, failures = changes[n:], nil; len(changes) > 0 {
			if err := r.flush(ctx, nil); err != nil {
				return err
			}
		}
	}
	if cursor == nil {
		return nil
	}
	return r.flush(ctx, cursor)
}

// room is how many of changes the page takes, by their listed sizes: at least one
// when it is empty.
func (p *page) room(changes []domain.Change) int {
	bytes := p.bytes
	for i, c := range changes {
		size := c.Item.Size
		if size < 0 {
			size = DefaultMaxFileSize
		}
		bytes += size
		if used := len(p.events) + i; used > 0 && (used >= maxPage || bytes > maxPageBytes) {
			return i
		}
	}
	return len(changes)
}

// A resolution is one page on its way from changes to events.
type resolution struct {
	*run
	*view
	gone    *vanished
	deletes map[string]bool // raw paths that the page names as gone
	content contents
}

// resolvePage resolves what fits into the page under way. Of several changes of one
// item the last is right; deletes come last, so that a rename may claim the file.
func (r *run) resolvePage(ctx context.Context, changes []domain.Change, gone *vanished) error {
	changes, ids := r.lastWord(changes)
	if err := r.people.meet(ctx, changes); err != nil {
		return err
	}
	v, err := r.viewOf(ctx, changes, ids)
	if err != nil {
		return err
	}
	s := &resolution{run: r, view: v, gone: gone, deletes: map[string]bool{}}
	wanted := make([]domain.Item, 0, len(changes))
	needs := make([]bool, len(changes))
	for i, c := range changes {
		if c.Deleted {
			s.deletes[string(c.Item.Path)] = true
			continue
		}
		if needs[i] = s.needsContent(c.Item); needs[i] {
			wanted = append(wanted, c.Item)
		}
	}
	s.content = r.contentsOf(ctx, wanted)
	defer s.content.close()
	for i, c := range changes {
		var got fetched
		if needs[i] {
			got = s.content.next(ctx)
		}
		if c.Deleted {
			s.delete(c.Item)
		} else if err := s.upsert(ctx, c.Item, ids[i], got); err != nil {
			return err
		}
	}
	return nil
}

// lastWord is the last change of each item, deletes behind all others, and the
// first ids of these items.
func (r *run) lastWord(changes []domain.Change) ([]domain.Change, []domain.FileID) {
	given, last := make([]domain.FileID, len(changes)), make(map[domain.FileID]int, len(changes))
	for i, c := range changes {
		given[i] = r.firstID(c.Item)
		last[given[i]] = i
	}
	words, ids := make([]domain.Change, 0, len(last)), make([]domain.FileID, 0, len(last))
	for _, deleted := range []bool{false, true} {
		for i, c := range changes {
			if last[given[i]] == i && c.Deleted == deleted {
				words, ids = append(words, c), append(ids, given[i])
			}
		}
	}
	return words, ids
}

// viewOf loads what is known of the files that changes may concern. ids are the
// first ids of their items.
func (r *run) viewOf(ctx context.Context, changes []domain.Change, ids []domain.FileID) (*view, error) {
	paths := make([][]byte, 0, len(changes))
	for _, c := range changes {
		if r.caps.Identity == domain.ByPath {
			paths = append(paths, c.Item.Path)
			if c.Item.MovedFrom != nil {
				paths = append(paths, c.Item.MovedFrom)
			}
		}
	}
	if r.caps.Identity == domain.ByPath && r.known.new(paths) {
		return r.known.view(len(ids)), nil
	}
	return r.known.load(ctx, paths, ids)
}

// firstID is the id that an item has, or would get first.
func (r *run) firstID(item domain.Item) domain.FileID {
	if r.caps.Identity == domain.ByItem {
		return domain.NewItemFileID(r.src.ID, item.ID)
	}
	return domain.NewPathFileID(r.src.ID, item.Path, 0)
}

// present is the live file that item is now.
func (s *resolution) present(item domain.Item) (domain.File, bool) {
	if s.caps.Identity == domain.ByItem {
		return s.live(s.firstID(item))
	}
	return s.at(item.Path)
}

// needsContent reports whether only the content tells what item is now.
func (s *resolution) needsContent(item domain.Item) bool {
	if item.Bodiless {
		return false
	}
	if f, ok := s.present(item); ok && unchanged(f, item) {
		return false
	}
	return s.gone == nil || !s.gone.has(item)
}

// unchanged reports whether item has the content of f, as far as that can be told
// without reading it.
func unchanged(f domain.File, item domain.Item) bool {
	switch {
	case item.Bodiless || f.Content == nil:
		return item.Bodiless && f.Content == nil && item.Version == f.Revision
	case item.Version != "" && item.Version == f.Revision:
		return true
	default:
		return !item.Digest.IsZero() && item.Digest == f.Content.SHA256
	}
}

// delete emits the removal of a file that the provider says is gone.
func (s *resolution) delete(item domain.Item) {
	if f, ok := s.present(item); ok {
		s.emit(s.view, domain.FileRemoved, f.ID, f, tombstone(f))
	}
}

// tombstone is the state of a file that is gone.
func tombstone(f domain.File) domain.FileState {
	return domain.FileState{
		ItemID: f.ItemID, Path: f.Path, PathRaw: f.PathRaw, Kind: f.Kind, Revision: f.Revision,
		Attributes: map[string]string{},
	}
}

// upsert emits what makes the known file, if there is one, what item says. id is
// the first id of item.
func (s *resolution) upsert(ctx context.Context, item domain.Item, id domain.FileID, got fetched) error {
	prior, live := s.present(item)
	if !live && s.caps.Identity == domain.ByPath {
		var err error
		if prior, live, err = s.moved(item, got); err != nil {
			return err
		}
	}
	if got.staged == nil && !item.Bodiless && (!live || !unchanged(prior, item)) && got.failure == nil && got.err == nil {
		got = s.fetch(ctx, s.page.pack, item)
	}
	switch {
	case got.err != nil:
		return got.err
	case got.failure != nil && got.failure.Code == codeVanished:
		return nil // between listing and reading: the next sync tells
	case got.failure != nil:
		s.fail(*got.failure) // the known file stays as it is
		return nil
	}
	defer got.drop()
	return s.become(ctx, item, id, got, prior, live)
}

// become emits the step from prior, which may not be live, to item.
func (s *resolution) become(ctx context.Context, item domain.Item, id domain.FileID, got fetched, prior domain.File, live bool) error {
	same := live && sameContent(item, got, prior)
	state := stateOf(item, got, prior, same)
	s.people.name(item, &state)
	if s.filter.SkipsLanguage(state.Language) || got.staged != nil && s.filter.TooLarge(got.staged.Size()) {
		s.counts.Excluded++
		if live {
			s.emit(s.view, domain.FileRemoved, prior.ID, prior, tombstone(prior))
		}
		return nil
	}
	if same {
		state.Content = prior.Content
	} else if got.staged != nil {
		c, err := s.page.pack.Keep(got.staged)
		if err != nil {
			return inStore(err)
		}
		state.Content = &c
		s.page.bytes += c.Size
		s.counts.Bytes += c.Size
	}
	if state.Revision == "" && state.Content != nil {
		state.Revision = state.Content.SHA256.String()
	}
	if live {
		if !prior.Same(state) {
			s.emit(s.view, prior.ChangeTo(state), prior.ID, prior, state)
		}
		return nil
	}
	if s.caps.Identity == domain.ByPath {
		var err error
		if id, err = s.freeID(ctx, item.Path, id); err != nil {
			return err
		}
	}
	s.emit(s.view, domain.FileAdded, id, s.byID[id], state) // a tombstone under this id is its former state
	return nil
}

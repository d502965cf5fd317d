package projections

import (
	"fmt"
	"maps"
	"slices"

	"github.com/confuse/data-connector/domain"
)

// rowOverhead is what a row takes in memory besides its bytes.
const rowOverhead = 160

// shelves are the rows of one partition, folded in memory: what the writers of
// the tables would have left in them. They follow the same rules: the columns are
// made by the same functions, and what the clauses ON CONFLICT decide is decided
// here by put.
type shelves struct {
	place   place
	sheets  map[string]sheet
	encoder *encoder
	bytes   int64 // about what they take, files aside; what was removed counts until the end

	jobs   *shelf[domain.JobID]
	runs   *shelf[runKey]
	files  *fileShelf
	hints  *shelf[[16]byte]
	stages *shelf[stageKey]
	poison *shelf[int64]
}

func newShelves(at place, sheets map[string]sheet) *shelves {
	return &shelves{
		place: at, sheets: sheets, encoder: newEncoder(),
		jobs: newShelf[domain.JobID](), runs: newShelf[runKey](), files: newFileShelf(),
		hints: newShelf[[16]byte](), stages: newShelf[stageKey](), poison: newShelf[int64](),
	}
}

// take adds what b means, in the order in which it would be written.
func (s *shelves) take(b *batch) error {
	if len(b.removed) > 0 {
		gone := map[domain.SourceID]bool{}
		for _, id := range b.removed {
			gone[id] = true
		}
		s.jobs.remove(gone)
		s.runs.remove(gone)
		s.files.remove(gone)
		s.hints.remove(gone)
	}
	for _, add := range []func(*batch) error{s.takeJobs, s.takeRuns, s.takeFiles, s.takeHints, s.takeStages, s.takePoison} {
		if err := add(b); err != nil {
			return err
		}
	}
	return nil
}

// tuple is the one row of columns as COPY takes it.
func (s *shelves) tuple(table string, columns []any) (tuple, error) {
	t, err := s.encoder.tuple(s.sheets[table], columns, 0)
	s.bytes += int64(len(t)) + rowOverhead
	return t, err
}

// freed is told of a row that another one has replaced.
func (s *shelves) freed(old shelved) {
	if old.tuple != nil {
		s.bytes -= int64(len(old.tuple)) + rowOverhead
	}
}

// size is about what all takes, in bytes, with rows that are on their way.
func (s *shelves) size() int64 { return s.bytes + 2*s.files.here() + s.files.left() }

func (s *shelves) takeJobs(b *batch) error {
	for id, j := range b.jobs {
		if old, ok := s.jobs.find(id); ok && old.source != j.source {
			continue
		}
		var c jobColumns
		if err := c.add(j.Job, b.sourceNow(j.source)); err != nil {
			return fmt.Errorf("sync_jobs: %w", err)
		}
		t, err := s.tuple("sync_jobs", c.values())
		if err != nil {
			return err
		}
		s.freed(s.jobs.put(id, shelved{tuple: t, source: j.source, stays: j.Mode == domain.SyncRemove}))
	}
	return nil
}

func (s *shelves) takeRuns(b *batch) error {
	for k, r := range b.runs {
		var c runColumns
		c.add(k, r)
		t, err := s.tuple("runs", c.values(s.place.number))
		if err != nil {
			return err
		}
		s.freed(s.runs.put(k, shelved{tuple: t, source: k.source}))
	}
	return nil
}

// takeFiles takes the files in the order of the log.
func (s *shelves) takeFiles(b *batch) error {
	for _, f := range b.filesInOrder() {
		if err := s.files.put(f, &b.records[f.record], b.sourceNow(f.source).Owner); err != nil {
			return fmt.Errorf("files: %w", err)
		}
	}
	return nil
}

// takeHints keeps the first one of an id, as insertHints does.
func (s *shelves) takeHints(b *batch) error {
	for _, h := range b.hints {
		id := eventID(h.rec)
		if _, ok := s.hints.find(id); ok {
			continue
		}
		var c hintColumns
		if err := c.add(h, b); err != nil {
			return fmt.Errorf("webhook_events: %w", err)
		}
		t, err := s.tuple("webhook_events", c.values(s.place.number))
		if err != nil {
			return err
		}
		s.freed(s.hints.put(id, shelved{tuple: t, source: h.source}))
	}
	return nil
}

// takeStages keeps the highest (run, seq, offset), as upsertStages does. Those of
// removed sources go when both topics are loaded.
func (s *shelves) takeStages(b *batch) error {
	for _, k := range slices.SortedFunc(maps.Keys(b.stages), compareStages) {
		e := b.stages[k]
		at := domain.Revised{Run: e.Run, Seq: e.Seq}
		old, ok := s.stages.find(k)
		if ok && (old.source != e.SourceID || at.Before(old.at) || at == old.at && e.offset <= old.offset) {
			continue
		}
		var c stageColumns
		c.add(e)
		t, err := s.tuple("file_stages", c.values())
		if err != nil {
			return err
		}
		s.freed(s.stages.put(k, shelved{tuple: t, source: e.SourceID, at: at, offset: e.offset}))
	}
	return nil
}

func (s *shelves) takePoison(b *batch) error {
	for _, bad := range b.poison {
		values, err := poisonValues(s.place, bad)
		if err != nil {
			return fmt.Errorf("poison: %w", err)
		}
		t, err := s.tuple("poison", values)
		if err != nil {
			return err
		}
		s.freed(s.poison.put(bad.rec.Position.Offset, shelved{tuple: t}))
	}
	return nil
}

// sources are the folds as they are at the end.
func (s *shelves) sources(k known) (func() (tuple, bool), error) {
	rows := newShelf[domain.SourceID]()
	for id, source := range k.sources {
		var c sourceColumns
		if err := c.add(source); err != nil {
			return nil, fmt.Errorf("sources: %w", err)
		}
		t, err := s.tuple("sources", c.values(s.place.number))
		if err != nil {
			return nil, err
		}
		rows.put(id, shelved{tuple: t})
	}
	return rows.tuples(), nil
}

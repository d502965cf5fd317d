package projections

import (
	"strings"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/wire"
)

// known is what the rows say of a partition before a batch.
type known struct {
	pipeline bool // of the pipeline topic, which is about files only
	sources  map[domain.SourceID]domain.Source
	parked   map[domain.SourceID]bool
	skipped  map[int64]string // offset to ce_id of records that somebody left out
}

func newKnown(pipeline bool) known {
	return known{
		pipeline: pipeline, sources: map[domain.SourceID]domain.Source{}, parked: map[domain.SourceID]bool{}, skipped: map[int64]string{},
	}
}

// skips tells whether somebody left rec out. Another event at its place, on
// a topic that was made anew, is not meant.
func (k known) skips(rec *domain.Record) bool {
	if len(k.skipped) == 0 {
		return false
	}
	id, ok := k.skipped[rec.Position.Offset]
	return ok && id == idOf(rec)
}

// fold says what records, which are not empty, mean after k: a function of its
// arguments alone, so any way of cutting the log into batches gives the same
// rows. k stays as it is.
func fold(k known, records []domain.Record) *batch {
	b := newBatch(k, records)
	for i := range records {
		rec := &records[i]
		switch {
		case k.skips(rec):
		case rec.Event == nil && rec.Err == nil: // I6: not for this version
		case rec.Err != nil || b.isParked(rec):
			b.setAside(rec)
		case k.pipeline:
			b.report(rec)
		default:
			b.event(i)
		}
	}
	return b
}

func (b *batch) event(i int) {
	rec := &b.records[i]
	switch e := rec.Event.(type) {
	case domain.SourceChanged:
		b.source(e, rec)
	case domain.FileChanged:
		if b.sourceNow(e.SourceID).Counts(e.RunID) { // I3
			b.file(&e, int32(i))
		}
	}
}

// source folds a SourceChanged. One that stands in another partition than its
// source's is not looked for by anybody and does not count.
func (b *batch) source(e domain.SourceChanged, rec *domain.Record) {
	old := b.sourceNow(e.SourceID)
	s, effect := old.Apply(e, rec.Position.Offset)
	if !s.Registered || s.Partition != rec.Position.Partition {
		return
	}
	traceJobs(&old, &s, rec)
	b.sources[s.ID] = s
	for _, j := range effect.Jobs {
		b.jobs[j.ID] = jobOf{Job: j, source: s.ID}
	}
	for _, r := range effect.Runs {
		b.runs[runKey{s.ID, r.Number}] = r
	}
	if e.Change == domain.SourceHintReceived && e.Hint != nil && !old.Removed {
		b.hints = append(b.hints, hintOf{rec: rec, hint: *e.Hint, at: e.At, source: s.ID, counted: effect.Counted})
	}
	if s.Removed && !old.Removed {
		b.remove(s.ID)
	}
	b.news = b.news || effect.Counted && isNews(e.Change)
}

// isNews tells whether the scheduler or the queue may have something to do. They
// do not look at the pages of a run.
func isNews(c domain.SourceChange) bool {
	return c != domain.SourceSyncStarted && c != domain.SourceSyncProgressed && c != domain.SourceDeletesHeld
}

// file keeps the highest (run, seq) of each file. Its run is the current one.
func (b *batch) file(e *domain.FileChanged, i int32) {
	if !e.Change.Known() {
		return
	}
	old, seen := b.files[e.FileID]
	if seen && (old.source != e.SourceID || !old.at.Before(e.Revised())) {
		return
	}
	b.files[e.FileID] = fileOf{at: e.Revised(), source: e.SourceID, record: i}
}

// report keeps the highest (run, seq) of each file and stage; of equal ones the
// last, because a replay hands the same state out again.
func (b *batch) report(rec *domain.Record) {
	e, ok := rec.Event.(domain.StageReported)
	if !ok {
		return
	}
	key := stageKey{e.FileID, e.Stage}
	at := domain.Revised{Run: e.Run, Seq: e.Seq}
	old, seen := b.stages[key]
	if seen && at.Before(domain.Revised{Run: old.Run, Seq: old.Seq}) {
		return
	}
	b.stages[key] = stageOf{e, rec.Position.Offset}
}

// setAside puts a record into poison. A bad SourceChanged parks its source: what
// follows it may mean something else without it. A bad FileChanged does not: the
// next event of the file carries its full state.
func (b *batch) setAside(rec *domain.Record) {
	source, ok := sourceOf(rec)
	parks := ok && rec.Err != nil && !b.known.pipeline && wire.IsSourceChanged(rec.Headers) && !b.isParked(rec)
	if parks {
		b.parked[source] = true
	}
	b.poison = append(b.poison, poisonOf{rec: rec, source: source, parks: parks})
}

func (b *batch) isParked(rec *domain.Record) bool {
	if len(b.parked) == 0 && len(b.known.parked) == 0 {
		return false
	}
	source, ok := sourceOf(rec)
	return ok && (b.parked[source] || b.known.parked[source])
}

// sourceOf is the source that a record is about, also when it is not an event.
func sourceOf(rec *domain.Record) (domain.SourceID, bool) {
	switch e := rec.Event.(type) {
	case domain.SourceChanged:
		return e.SourceID, true
	case domain.FileChanged:
		return e.SourceID, true
	case domain.StageReported:
		return e.SourceID, true
	}
	return wire.SourceOf(rec.Headers)
}

// text is s as Postgres takes it: UTF-8 without NUL.
func text(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\ufffd"), "\x00", "\ufffd")
}

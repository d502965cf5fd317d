package projections

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/confuse/data-connector/domain"
)

// A batch is what a row of records means, in memory. It refers to the records.
type batch struct {
	known   known
	records []domain.Record

	sources map[domain.SourceID]domain.Source // changed ones, as they are now
	removed []domain.SourceID                 // those whose rows go
	parked  map[domain.SourceID]bool          // newly
	jobs    map[domain.JobID]jobOf
	runs    map[runKey]domain.Run
	files   map[domain.FileID]fileOf
	stages  map[stageKey]stageOf
	hints   []hintOf
	poison  []poisonOf
	news    bool // the scheduler or the queue may have something to do
}

type jobOf struct {
	domain.Job
	source domain.SourceID
}

type runKey struct {
	source domain.SourceID
	number int64
}

type fileOf struct {
	at     domain.Revised
	source domain.SourceID
	record int32 // index into records
}

type stageKey struct {
	file  domain.FileID
	stage string
}

type stageOf struct {
	domain.StageReported
	offset int64
}

type hintOf struct {
	rec     *domain.Record
	hint    domain.Hint
	at      time.Time
	source  domain.SourceID
	counted bool
}

type poisonOf struct {
	rec    *domain.Record
	source domain.SourceID // zero when it is not known
	parks  bool
}

func newBatch(k known, records []domain.Record) *batch {
	files := len(records)
	if k.pipeline {
		files = 0
	}
	return &batch{
		known: k, records: records,
		sources: map[domain.SourceID]domain.Source{},
		parked:  map[domain.SourceID]bool{},
		jobs:    map[domain.JobID]jobOf{},
		runs:    map[runKey]domain.Run{},
		files:   make(map[domain.FileID]fileOf, files),
		stages:  map[stageKey]stageOf{},
	}
}

// next is the offset behind the batch.
func (b *batch) next() int64 { return b.records[len(b.records)-1].Position.Offset + 1 }

// filesInOrder are the files in the order of the log.
func (b *batch) filesInOrder() []fileOf {
	return slices.SortedFunc(maps.Values(b.files), func(x, y fileOf) int { return cmp.Compare(x.record, y.record) })
}

// sourceNow is a source as it is behind the records folded so far. The zero
// Source is one that was never registered.
func (b *batch) sourceNow(id domain.SourceID) domain.Source {
	if s, ok := b.sources[id]; ok {
		return s
	}
	return b.known.sources[id]
}

// remove leaves of a source its stub and the job that removed it.
func (b *batch) remove(id domain.SourceID) {
	b.removed = append(b.removed, id)
	maps.DeleteFunc(b.files, func(_ domain.FileID, f fileOf) bool { return f.source == id })
	maps.DeleteFunc(b.runs, func(k runKey, _ domain.Run) bool { return k.source == id })
	maps.DeleteFunc(b.jobs, func(_ domain.JobID, j jobOf) bool { return j.source == id && j.Mode != domain.SyncRemove })
	kept := b.hints[:0]
	for _, h := range b.hints {
		if h.source != id {
			kept = append(kept, h)
		}
	}
	b.hints = kept
}

package connectortest

import (
	"maps"
	"math"

	"github.com/confuse/data-connector/domain"
)

// fold brings the rows level with the log, unless it is paused.
func (r *Rows) fold() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.paused {
		return
	}
	for p := range r.at {
		r.foldPartition(int32(p), math.MaxInt64)
	}
}

// foldPartition folds the records below the offset end. The caller holds mu.
func (r *Rows) foldPartition(p int32, end int64) {
	for _, rec := range r.log.from(p, r.at[p]) {
		if rec.Position.Offset >= end {
			break
		}
		switch e := rec.Event.(type) {
		case domain.SourceChanged:
			r.foldSource(e, rec.Position.Offset)
		case domain.FileChanged:
			r.foldFile(e)
		} // I6: other types are skipped
		r.at[p]++
	}
	close(r.moved)
	r.moved = make(chan struct{})
}

func (r *Rows) foldSource(e domain.SourceChanged, offset int64) {
	s, effect := r.sources[e.SourceID].Apply(e, offset)
	if s.Registered {
		r.sources[e.SourceID] = s
	}
	for _, run := range effect.Runs {
		r.foldRun(e.SourceID, run)
	}
	for _, j := range effect.Jobs {
		r.jobs[j.ID] = jobOf{Job: j, source: e.SourceID}
	}
	if s.Removed {
		delete(r.files, e.SourceID)
		maps.DeleteFunc(r.jobs, func(_ domain.JobID, j jobOf) bool {
			return j.source == e.SourceID && j.Mode != domain.SyncRemove
		})
	}
}

func (r *Rows) foldRun(source domain.SourceID, run domain.Run) {
	for i, known := range r.runs[source] {
		if known.ID == run.ID {
			r.runs[source][i] = run
			return
		}
	}
	r.runs[source] = append(r.runs[source], run)
}

// foldFile lets an event count when its run is the current one (I3) and no newer
// state of the file is known. A removed file stays as a tombstone.
func (r *Rows) foldFile(e domain.FileChanged) {
	if !r.sources[e.SourceID].Counts(e.RunID) || !e.Change.Known() {
		return
	}
	files := r.files[e.SourceID]
	if files == nil {
		files = map[domain.FileID]domain.File{}
		r.files[e.SourceID] = files
	}
	if old, seen := files[e.FileID]; seen && !old.At.Before(e.Revised()) {
		return
	}
	files[e.FileID] = domain.File{
		ID: e.FileID, SourceID: e.SourceID, OwnerID: e.OwnerID, At: e.Revised(),
		Removed: e.Change == domain.FileRemoved, FileState: e.FileState,
	}
}

package connectortest

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"sync"

	"github.com/confuse/data-connector/domain"
)

var (
	_ domain.Index = (*Rows)(nil)
	_ domain.Folds = (*Rows)(nil)
)

// Rows are the sources and files that the fold of a log has come to, under the
// rules that the read tables follow. They are always a prefix of each partition.
type Rows struct {
	log *Log

	mu      sync.Mutex
	at      []int64 // offset behind what is folded, one a partition
	paused  bool
	moved   chan struct{} // closed when the fold moves on
	sources map[domain.SourceID]domain.Source
	files   map[domain.SourceID]map[domain.FileID]domain.File
	runs    map[domain.SourceID][]domain.Run
	jobs    map[domain.JobID]jobOf
}

// A jobOf is a job with the source that it is of.
type jobOf struct {
	domain.Job
	source domain.SourceID
}

func newRows(l *Log) *Rows {
	return &Rows{
		log: l, at: make([]int64, len(l.records)), moved: make(chan struct{}),
		sources: map[domain.SourceID]domain.Source{}, files: map[domain.SourceID]map[domain.FileID]domain.File{},
		runs: map[domain.SourceID][]domain.Run{}, jobs: map[domain.JobID]jobOf{},
	}
}

// Pause stops the fold: the rows stay as they are and waiters wait.
func (r *Rows) Pause() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.paused = true
}

// Resume folds what was appended since Pause, and goes on.
func (r *Rows) Resume() {
	r.mu.Lock()
	r.paused = false
	r.mu.Unlock()
	r.fold()
}

// FoldTo folds a paused partition up to and including p.
func (r *Rows) FoldTo(p domain.Position) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.foldPartition(p.Partition, p.Offset+1)
}

// Wait implements domain.Folds.
func (r *Rows) Wait(ctx context.Context, p domain.Position) error {
	for {
		r.mu.Lock()
		done, moved := r.at[p.Partition] > p.Offset, r.moved
		r.mu.Unlock()
		if done {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w", p, ctx.Err())
		}
	}
}

// Position implements domain.Folds.
func (r *Rows) Position(_ context.Context, partition int32) (int64, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.at[partition], nil
}

// Source implements domain.Index.
func (r *Rows) Source(_ context.Context, id domain.SourceID) (domain.Source, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s, ok := r.sources[id]
	if !ok {
		return domain.Source{}, fmt.Errorf("source %s: %w", id, domain.ErrSourceNotFound)
	}
	return s, nil
}

// Job implements domain.Index.
func (r *Rows) Job(_ context.Context, id domain.JobID) (domain.SourceID, domain.Job, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	j, ok := r.jobs[id]
	if !ok {
		return domain.SourceID{}, domain.Job{}, fmt.Errorf("job %s: %w", id, domain.ErrJobNotFound)
	}
	return j.source, j.Job, nil
}

// FilesAt implements domain.Index.
func (r *Rows) FilesAt(_ context.Context, source domain.SourceID, rawPaths [][]byte) ([]domain.File, error) {
	wanted := map[string]bool{}
	for _, p := range rawPaths {
		wanted[string(p)] = true
	}
	return r.filter(source, func(f domain.File) bool { return !f.Removed && wanted[string(f.RawPath())] }), nil
}

// FilesByID implements domain.Index.
func (r *Rows) FilesByID(_ context.Context, source domain.SourceID, ids []domain.FileID) ([]domain.File, error) {
	return r.filter(source, func(f domain.File) bool { return slices.Contains(ids, f.ID) }), nil
}

// Live implements domain.Index. It streams the rows as they were when the
// reading began.
func (r *Rows) Live(ctx context.Context, source domain.SourceID, order domain.Identified) iter.Seq2[domain.File, error] {
	return func(yield func(domain.File, error) bool) {
		files := r.filter(source, func(f domain.File) bool { return !f.Removed })
		if order == domain.ByPath {
			slices.SortFunc(files, func(a, b domain.File) int { return bytes.Compare(a.RawPath(), b.RawPath()) })
		}
		for _, f := range files {
			if err := ctx.Err(); err != nil {
				yield(domain.File{}, err)
				return
			}
			if !yield(f, nil) {
				return
			}
		}
	}
}

// Totals implements domain.Index.
func (r *Rows) Totals(_ context.Context, source domain.SourceID) (domain.Totals, error) {
	var t domain.Totals
	for _, f := range r.filter(source, func(f domain.File) bool { return !f.Removed }) {
		t.Files++
		if f.Content != nil {
			t.Bytes += f.Content.Size
		}
	}
	return t, nil
}

// Candidates implements domain.Index.
func (r *Rows) Candidates(context.Context) iter.Seq2[domain.Source, error] {
	r.mu.Lock()
	sources := slices.Collect(maps.Values(r.sources))
	r.mu.Unlock()
	return func(yield func(domain.Source, error) bool) {
		for _, s := range sources {
			if (!s.Removed || len(s.Jobs) > 0) && !yield(s, nil) {
				return
			}
		}
	}
}

// Runs are the claims of a source that counted, as the table runs holds them.
func (r *Rows) Runs(source domain.SourceID) []domain.Run {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.runs[source])
}

// filter gives the files that keep takes, tombstones too, in the order of ids.
func (r *Rows) filter(source domain.SourceID, keep func(domain.File) bool) []domain.File {
	r.mu.Lock()
	defer r.mu.Unlock()
	var found []domain.File
	for _, f := range r.files[source] {
		if keep(f) {
			found = append(found, f)
		}
	}
	slices.SortFunc(found, func(a, b domain.File) int { return a.ID.Compare(b.ID) })
	return found
}

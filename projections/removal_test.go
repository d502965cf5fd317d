package projections_test

import (
	"errors"
	"testing"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/projections"
)

func TestRemoval(t *testing.T) {
	t.Parallel()

	w, l, p := newWorld(t), newLog(eventsTopic, 0), newLog(pipelineTopic, 0)
	s, other := newStory(t, l, "ann"), newStory(t, l, "ann")
	for _, s := range []*story{s, other} {
		s.hint("1")
		s.start()
		f := s.file(domain.FileAdded, "a.go", "one")
		s.complete()
		p.add(t, s.report(f, "chunk", domain.StageDone))
	}
	w.project(t, l)
	w.project(t, p)
	tables := []string{"files", "file_stages", "webhook_events", "runs"}
	for _, table := range tables {
		if w.count(t, table, s.src.ID) == 0 {
			t.Fatalf("got no rows in %s before the removal", table)
		}
	}

	s.requestRemoval()
	w.project(t, l)
	if _, err := w.GetSource(t.Context(), "ann", s.src.ID); !errors.Is(err, domain.ErrSourceNotFound) {
		t.Errorf("got %v once the removal is requested, want ErrSourceNotFound", err)
	}
	s.claim()
	gone := s.file(domain.FileRemoved, "a.go", "")
	s.tell(s.event(domain.SourceRemoved))
	s.hint("2") // it comes too late
	w.project(t, l)
	p.add(t, s.report(gone, "graph", domain.StageDone)) // this, too
	w.project(t, p)

	for _, table := range tables {
		if n := w.count(t, table, s.src.ID); n != 0 {
			t.Errorf("got %d rows left in %s, want 0", n, table)
		}
		if w.count(t, table, other.src.ID) == 0 {
			t.Errorf("got no rows of the other source in %s", table)
		}
	}
	if stub, err := w.Source(t.Context(), s.src.ID); err != nil || !stub.Removed {
		t.Errorf("got %+v, error %v; want a stub that is removed", stub, err)
	}
	jobs, total, err := w.ListJobs(t.Context(), "ann", projections.JobFilter{Source: s.src.ID}, 10, 0)
	if err != nil || total != 1 || jobs[0].Mode != domain.SyncRemove || jobs[0].Status != domain.JobCompleted {
		t.Fatalf("got jobs %+v, error %v; want only the one that removed it", jobs, err)
	}
	if _, err := w.GetJob(t.Context(), "ann", jobs[0].ID); err != nil {
		t.Errorf("got %v for the job that removed it", err)
	}
	for c, err := range w.Candidates(t.Context()) {
		if err != nil || c.ID != other.src.ID {
			t.Errorf("got candidate %s, error %v; want only %s", c.ID, err, other.src.ID)
		}
	}
}

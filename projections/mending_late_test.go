package projections_test

import (
	"errors"
	"testing"

	"github.com/confuse/data-connector/domain"
)

// A record that was set aside alone is judged by the run that was the current
// one where it stands, not by the one of now.
func TestLateFilesAreJudgedWhereTheyStand(t *testing.T) {
	t.Parallel()

	w, l := newWorld(t), newLog(eventsTopic, 0)
	s := newStory(t, l, "ann")
	s.start()
	inTime := s.file(domain.FileAdded, "in time", "one") // offset 3
	tooLate := s.changed(domain.FileAdded, "too late", "one")
	s.complete()
	l.add(t, tooLate) // offset 5: its run has ended
	s.start()
	other := s.changed(domain.FileAdded, "of a run that never was", "one")
	other.RunID = domain.RunID{UUID: s.src.ID.UUID}
	l.add(t, other) // offset 8
	l.misread(3, 5, 8)
	w.project(t, l)

	if done, err := w.poison.RetrySource(t.Context(), operator, s.src.ID); err != nil || done.Folded != 3 {
		t.Errorf("got %+v, error %v; want 3 folded", done, err)
	}
	if _, err := w.GetFile(t.Context(), "ann", inTime.FileID); err != nil {
		t.Errorf("got %v for a file of the run that was current then", err)
	}
	for _, f := range []domain.FileChanged{tooLate, other} {
		if _, err := w.GetFile(t.Context(), "ann", f.FileID); !errors.Is(err, domain.ErrFileNotFound) {
			t.Errorf("got %v for %q, want ErrFileNotFound", err, f.Path)
		}
	}
}

// An older state of a file does not come back over a newer one.
func TestLateFileIsNotNews(t *testing.T) {
	t.Parallel()

	w, l := newWorld(t), newLog(eventsTopic, 0)
	s := newStory(t, l, "ann")
	s.start()
	s.file(domain.FileAdded, "a.go", "one")         // offset 3
	f := s.file(domain.FileModified, "a.go", "two") // offset 4
	l.misread(3)
	w.project(t, l)
	if _, err := w.poison.Retry(t.Context(), operator, l.key(3)); err != nil {
		t.Fatal(err)
	}
	if got, err := w.GetFile(t.Context(), "ann", f.FileID); err != nil || got.Revision != "two" {
		t.Errorf("got revision %q, error %v; want the newer one", got.Revision, err)
	}
}

// Of two reports about one state the one that stands later on the log counts,
// also when the earlier one is read last.
func TestLateReport(t *testing.T) {
	t.Parallel()

	w, events, l := newWorld(t), newLog(eventsTopic, 0), newLog(pipelineTopic, 0)
	s := newStory(t, events, "ann")
	s.start()
	f := s.file(domain.FileAdded, "a.go", "one")
	l.add(t, s.report(f, "chunk", domain.StageFailed), s.report(f, "chunk", domain.StageDone), s.report(f, "embed", domain.StageDone))
	l.misread(0, 2)
	w.project(t, events)
	w.project(t, l)
	if done, err := w.poison.RetrySource(t.Context(), operator, s.src.ID); err != nil || done.Folded != 2 {
		t.Errorf("got %+v, error %v; want 2 folded", done, err)
	}
	for stage, want := range map[string]domain.StageState{"chunk": domain.StageDone, "embed": domain.StageDone} {
		var got domain.StageState
		err := w.db.QueryRow(t.Context(), `SELECT state FROM file_stages WHERE stage = $1`, stage).Scan((*string)(&got))
		if err != nil || got != want {
			t.Errorf("got %s %q, error %v; want %q", stage, got, err, want)
		}
	}
}

package projections_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/confuse/data-connector/domain"
)

func TestFirstSync(t *testing.T) {
	t.Parallel()

	w, l := newWorld(t), newLog(eventsTopic, 1)
	s := newStory(t, l, "ann")
	s.start()
	added := s.file(domain.FileAdded, "a.go", "one")
	s.progress()
	s.complete()
	w.project(t, l)

	got, err := w.Source(t.Context(), s.src.ID)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(s.src, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("source (-want +got):\n%s", diff)
	}
	f, err := w.GetFile(t.Context(), "ann", added.FileID)
	if err != nil {
		t.Fatal(err)
	}
	want := domain.File{ID: added.FileID, SourceID: s.src.ID, OwnerID: "ann", At: added.Revised(), FileState: added.FileState}
	if diff := cmp.Diff(want, f.File); diff != "" {
		t.Errorf("file (-want +got):\n%s", diff)
	}
	if f.Change != domain.FileAdded || !f.ChangedAt.Equal(noon) {
		t.Errorf("got %s at %s, want added at %s", f.Change, f.ChangedAt, noon)
	}
}

func TestSameBatchTwice(t *testing.T) {
	t.Parallel()

	w, l := newWorld(t), newLog(eventsTopic, 0)
	s := newStory(t, l, "ann")
	s.start()
	s.file(domain.FileAdded, "a.go", "one")
	w.project(t, l)
	want := w.rows(t)
	if err := w.runner.Batch(t.Context(), l.partition(), l.records); err != nil {
		t.Errorf("got %v from a batch that was folded already", err)
	}
	w.project(t, l)
	sameRows(t, want, w.rows(t))
}

func TestSecondRunnerFencesTheFirst(t *testing.T) {
	t.Parallel()

	a, l := newWorld(t), newLog(eventsTopic, 0)
	b := newWorldOn(t, a.db.Config().ConnString())
	s := newStory(t, l, "ann")
	s.start()
	a.assign(t, l) // and then it sleeps
	b.project(t, l)
	want := b.rows(t)
	s.file(domain.FileAdded, "a.go", "one")
	for range 2 { // also when it is asked again without an assignment
		if err := a.runner.Batch(t.Context(), l.partition(), l.records); !errors.Is(err, domain.ErrFenced) {
			t.Errorf("got %v from the runner that lost the partition, want ErrFenced", err)
		}
	}
	sameRows(t, want, b.rows(t))
	if start := a.assign(t, l); start != 3 {
		t.Errorf("got start %d after it was assigned again, want 3", start)
	}
}

// What the database cannot do now says nothing about the records.
func TestTroubleIsNotPoison(t *testing.T) {
	t.Parallel()

	w, l := newWorld(t), newLog(eventsTopic, 0)
	s := newStory(t, l, "ann")
	s.start()
	s.file(domain.FileAdded, "a.go", "one")
	w.assign(t, l)
	if _, err := w.db.Exec(t.Context(), `ALTER TABLE files RENAME TO elsewhere`); err != nil {
		t.Fatal(err)
	}
	if err := w.runner.Batch(t.Context(), l.partition(), l.records); err == nil {
		t.Error("got no error from a batch that could not be written")
	}
	if _, err := w.db.Exec(t.Context(), `ALTER TABLE elsewhere RENAME TO files`); err != nil {
		t.Fatal(err)
	}
	if n := w.count(t, "sources", s.src.ID) + w.count(t, "poison", s.src.ID); n != 0 {
		t.Errorf("got %d rows of a batch that failed, want 0", n)
	}
	if err := w.runner.Batch(t.Context(), l.partition(), l.records); err != nil {
		t.Errorf("got %v from the same batch later", err)
	}
	if n := w.count(t, "files", s.src.ID); n != 1 {
		t.Errorf("got %d files, want 1", n)
	}
}

func TestRevoked(t *testing.T) {
	t.Parallel()

	w, l := newWorld(t), newLog(eventsTopic, 0)
	newStory(t, l, "ann")
	w.assign(t, l)
	w.runner.Revoked(l.partition())
	if err := w.runner.Batch(t.Context(), l.partition(), l.records); !errors.Is(err, domain.ErrFenced) {
		t.Errorf("got %v after it was revoked, want ErrFenced", err)
	}
}

func TestLogLost(t *testing.T) {
	t.Parallel()

	tests := map[string]func(l *memoryLog){
		"it is shorter": func(l *memoryLog) { l.records = l.records[:1] },
		"another event stands there": func(l *memoryLog) {
			l.records = l.records[:len(l.records)-1]
			l.addRecord(l.records[0])
		},
		"the topic was made anew": func(l *memoryLog) { l.TopicID = "topic-2" },
	}
	for name, damage := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			w, l := newWorld(t), newLog(eventsTopic, 0)
			s := newStory(t, l, "ann")
			s.start()
			w.project(t, l)
			damage(l)
			_, err := w.runner.Assigned(t.Context(), l.partition())
			if !errors.Is(err, domain.ErrLogLost) {
				t.Fatalf("got %v, want ErrLogLost", err)
			}
			for _, part := range []string{eventsTopic + "/0", "DROP SCHEMA read"} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("got %q, want it to say %q", err, part)
				}
			}
		})
	}
}

func TestGapInALog(t *testing.T) {
	t.Parallel()

	w, l := newWorld(t), newLog(eventsTopic, 0)
	s := newStory(t, l, "ann")
	s.start()
	w.assign(t, l)
	if err := w.runner.Batch(t.Context(), l.partition(), l.records[1:]); !errors.Is(err, domain.ErrLogLost) {
		t.Errorf("got %v from a batch that leaves out a record, want ErrLogLost", err)
	}
}

func TestUnknownTopic(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	if _, err := w.runner.Assigned(t.Context(), newLog("test.orders.v1", 0).partition()); err == nil {
		t.Error("got a topic assigned from which no table is made")
	}
}

func TestUnknownTypesAndChangesAreSkipped(t *testing.T) {
	t.Parallel()

	w, l := newWorld(t), newLog(eventsTopic, 0)
	s := newStory(t, l, "ann")
	s.start()
	f := s.file(domain.FileAdded, "a.go", "one")
	w.project(t, l)
	want := w.rows(t)

	l.addRecord(unknown(t, f))
	s.file("frobnicated", "a.go", "two")
	s.tell(s.event("pondered"))
	w.project(t, l)
	got := w.rows(t)
	delete(want, "checkpoints")
	delete(got, "checkpoints")
	sameRows(t, want, got)
}

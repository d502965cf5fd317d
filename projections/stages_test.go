package projections_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/confuse/data-connector/domain"
)

func TestStages(t *testing.T) {
	t.Parallel()

	s := newStory(t, newLog(eventsTopic, 0), "ann")
	s.start()
	first, second := s.file(domain.FileAdded, "a.go", "one"), s.file(domain.FileModified, "a.go", "two")
	at := func(f domain.FileChanged, state domain.StageState, at time.Time) domain.StageReported {
		r := s.report(f, "chunk", state)
		r.At = at
		return r
	}
	tests := map[string]struct {
		reports []domain.Event
		want    map[domain.FileID]time.Time // accepted at
	}{
		"accepted":            {[]domain.Event{at(first, domain.StageDone, noon)}, map[domain.FileID]time.Time{first.FileID: noon}},
		"refused":             {[]domain.Event{at(first, domain.StageFailed, noon)}, map[domain.FileID]time.Time{}},
		"a newer state wins":  {[]domain.Event{at(first, domain.StageDone, noon), at(second, domain.StageFailed, noon)}, map[domain.FileID]time.Time{}},
		"an older state not":  {[]domain.Event{at(second, domain.StageDone, noon), at(first, domain.StageFailed, noon)}, map[domain.FileID]time.Time{first.FileID: noon}},
		"a replay comes last": {[]domain.Event{at(first, domain.StageFailed, noon), at(first, domain.StageDone, noon.Add(1e9))}, map[domain.FileID]time.Time{first.FileID: noon.Add(1e9)}},
	}
	w := newWorld(t)
	for name, tt := range tests {
		for how, sizes := range map[string][]int{"in one batch": nil, "one by one": {1, 1}} {
			t.Run(name+" "+how, func(t *testing.T) {
				w.clear(t)
				l := newLog(pipelineTopic, 0)
				l.add(t, tt.reports...)
				w.project(t, l, sizes...)
				got, err := w.Indexed(t.Context(), []domain.FileID{first.FileID})
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("accepted at (-want +got):\n%s", diff)
				}
			})
		}
	}
}

// A hint that was delivered twice is one row: the first on the log.
func TestHintTwice(t *testing.T) {
	t.Parallel()

	for name, sizes := range map[string][]int{"in one batch": nil, "one by one": {2, 1}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			w, l := newWorld(t), newLog(eventsTopic, 0)
			s := newStory(t, l, "ann")
			s.hint("1")
			l.addRecord(l.records[1])
			w.project(t, l, sizes...)
			var offset int64
			if err := w.db.QueryRow(t.Context(), `SELECT log_offset FROM webhook_events`).Scan(&offset); err != nil {
				t.Fatal(err)
			}
			if n := w.count(t, "webhook_events", s.src.ID); n != 1 || offset != 1 {
				t.Errorf("got %d rows, the first from offset %d; want 1 from offset 1", n, offset)
			}
			if src, err := w.Source(t.Context(), s.src.ID); err != nil || src.BehindHint != 3 {
				t.Errorf("got a hint behind offset %d, error %v; want 3", src.BehindHint, err)
			}
		})
	}
}

package projections_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/projections"
)

func TestTally(t *testing.T) {
	t.Parallel()

	w, events := newWorld(t), newLog(eventsTopic, 0)
	s := newStory(t, events, "ann")
	s.start()
	s.file(domain.FileAdded, "a.go", "one")
	s.progress()
	held := s.src.InRun(domain.SourceDeletesHeld, noon)
	s.seq++
	held.Seq, held.Held = s.seq, &domain.Held{Epoch: 1, Count: 40}
	events.add(t, held)
	w.project(t, events)

	provider := string(s.src.Provider)
	want := projections.Tally{
		Sources: []projections.Count{{Provider: provider, Status: "syncing", Number: 1}},
		Jobs: []projections.Count{
			{Provider: provider, Status: "queued", Number: 0}, {Provider: provider, Status: "running", Number: 1},
		},
		Held: 40, Holding: 1,
	}
	got, err := projections.NewReader(w.db).Tally(t.Context())
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("while it runs: %v (-want +got):\n%s", err, diff)
	}
}

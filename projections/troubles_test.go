package projections_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/projections"
)

// What of a source is stuck is counted. A job has failed for good once it is not
// tried again, and until another one completes.
func TestTroubles(t *testing.T) {
	t.Parallel()

	w, l := newWorld(t), newLog(eventsTopic, 0)
	fine, s := newStory(t, l, "ann"), newStory(t, l, "bob")
	fine.start()
	fine.complete()
	w.project(t, l)
	want := map[domain.SourceID]projections.Trouble{}
	look := func(when string) {
		t.Helper()
		w.project(t, l)
		got, err := w.Troubles(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", when, diff)
		}
	}
	fail := func(again bool) {
		e := s.event(domain.SourceSyncFailed)
		e.Code, e.Message, e.Attempt = domain.CodeInternal, "it broke", 1
		if again {
			e.RetryAt = noon
		}
		s.tell(e)
	}
	s.start()
	fail(true)
	look("it is tried again")
	s.claim()
	fail(false)
	want[s.src.ID] = projections.Trouble{Failed: true}
	look("it has failed for good")
	s.start()
	fail(true)
	look("the next one is on its way")
	s.claim()
	one := s.file(domain.FileAdded, "a.go", "one")
	s.complete()
	delete(want, s.src.ID)
	look("the next one has completed")

	reports := newLog(pipelineTopic, 0)
	reports.add(t, s.report(one, "chunk", domain.StageFailed), s.report(one, "graph", domain.StageFailed))
	w.project(t, reports)
	want[s.src.ID] = projections.Trouble{Letters: 2}
	look("two stages have refused a file")
	l.addRecord(damaged(t, s.event(domain.SourcePaused)))
	want[s.src.ID] = projections.Trouble{Letters: 2, Parked: 1}
	look("an event cannot be read")
}

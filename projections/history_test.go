package projections_test

import (
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/projections"
)

// deliveries are the names of some hints.
func deliveries(hints []projections.HintRow) []string {
	var ids []string
	for _, h := range hints {
		ids = append(ids, h.DeliveryID)
	}
	return ids
}

func TestListHintsTellsWhatCameOfThem(t *testing.T) {
	t.Parallel()

	w, l := newWorld(t), newLog(eventsTopic, 3)
	s := newStory(t, l, "ann")
	s.hint("before the run")
	s.start()
	seen := s.src.Jobs[0].ID
	s.hint("during the run")
	s.complete()
	s.start()
	next := s.src.Jobs[0].ID
	s.hint("last")
	w.project(t, l)

	hints, more, err := w.ListHints(t.Context(), "ann", projections.HintPage{Limit: 10})
	if err != nil || more != nil {
		t.Fatalf("got next %v, error %v", more, err)
	}
	type outcome struct {
		Delivery string
		Offset   int64
		Job      domain.JobID
		Status   domain.JobStatus
	}
	var got []outcome
	for _, h := range hints {
		got = append(got, outcome{h.DeliveryID, h.Position.Offset, h.JobID, h.JobStatus})
		if h.SourceID != s.src.ID || h.Owner != "ann" || h.Provider != "localfs" || h.Position.Partition != 3 || !h.Counted ||
			h.Origin != "webhook" || h.ProviderEvent != "push" || !cmp.Equal(h.Refs, []string{"main"}) {
			t.Errorf("got hint %+v", h)
		}
	}
	want := []outcome{
		{"last", 8, domain.JobID{}, ""},
		{"during the run", 4, next, domain.JobRunning},
		{"before the run", 1, seen, domain.JobCompleted},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("hints (-want +got):\n%s", diff)
	}
}

func TestListHintsPages(t *testing.T) {
	t.Parallel()

	w, l := newWorld(t), newLog(eventsTopic, 0)
	s, other := newStory(t, l, "ann"), newStory(t, l, "ann")
	for _, id := range []string{"1", "2", "3", "4", "5"} {
		s.hint(id)
	}
	other.n = 100
	other.hint("6")
	newStory(t, l, "bob").hint("bob's")
	w.project(t, l)

	var got [][]string
	var keys []*projections.HintKey
	for page := (projections.HintPage{Limit: 4}); ; {
		hints, next, err := w.ListHints(t.Context(), "ann", page)
		if err != nil {
			t.Fatal(err)
		}
		got, keys = append(got, deliveries(hints)), append(keys, next)
		if next == nil {
			break
		}
		page.Before = next
	}
	if diff := cmp.Diff([][]string{{"6", "5", "4", "3"}, {"2", "1"}}, got); diff != "" {
		t.Errorf("pages (-want +got):\n%s", diff)
	}
	for name, tt := range map[string]struct {
		page projections.HintPage
		want []string
	}{
		"behind a key":    {projections.HintPage{After: keys[0], Limit: 2}, []string{"4", "5"}},
		"of one source":   {projections.HintPage{Source: s.src.ID, Limit: 3}, []string{"5", "4", "3"}},
		"and behind both": {projections.HintPage{Source: other.src.ID, After: keys[0], Limit: 3}, []string{"6"}},
	} {
		hints, _, err := w.ListHints(t.Context(), "ann", tt.page)
		if diff := cmp.Diff(tt.want, deliveries(hints)); diff != "" || err != nil {
			t.Errorf("%s: error %v, hints (-want +got):\n%s", name, err, diff)
		}
	}
	if _, _, err := w.ListHints(t.Context(), "bob", projections.HintPage{Source: s.src.ID, Limit: 3}); !errors.Is(err, domain.ErrSourceNotFound) {
		t.Errorf("got %v for another owner, want ErrSourceNotFound", err)
	}
	s.requestRemoval()
	w.project(t, l)
	if hints, _, err := w.ListHints(t.Context(), "ann", projections.HintPage{Limit: 9}); err != nil || len(hints) != 1 {
		t.Errorf("got %d hints, error %v once the source is to be removed; want the other one's", len(hints), err)
	}
}

// The runs at every offset are those that the fold had there.
func TestRunsAt(t *testing.T) {
	t.Parallel()

	w, l := newWorld(t), newLog(eventsTopic, 2)
	ann, bob := newStory(t, l, "ann"), newStory(t, l, "bob")
	current := make([]map[domain.SourceID]domain.RunID, 2) // by next offset
	note := func() {
		for len(current) <= len(l.records) {
			at := map[domain.SourceID]domain.RunID{}
			for _, s := range []*story{ann, bob} {
				if s.src.Running {
					at[s.src.ID] = s.src.RunID
				}
			}
			current = append(current, at)
		}
	}
	for _, step := range []func(){
		func() { ann.request(domain.SyncFull) }, ann.claim, func() { bob.request(domain.SyncFull) }, bob.claim,
		func() { ann.file(domain.FileAdded, "a", "x") }, ann.claim, bob.complete, ann.complete,
		func() { ann.request(domain.SyncFull) }, ann.claim,
	} {
		step()
		note()
	}
	w.project(t, l)

	for at := range current {
		want := current[at]
		if want == nil {
			want = map[domain.SourceID]domain.RunID{}
		}
		runs, err := w.RunsAtAnyOwner(t.Context(), 2, int64(at))
		if err != nil {
			t.Fatal(err)
		}
		got := map[domain.SourceID]domain.RunID{}
		for _, r := range runs {
			got[r.SourceID] = r.ID
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("runs at %d (-want +got):\n%s", at, diff)
		}
		delete(want, ann.src.ID)
		if runs, err := w.RunsAt(t.Context(), "bob", 2, int64(at)); err != nil || len(runs) != len(want) {
			t.Errorf("got %d runs of bob at %d, error %v; want %d", len(runs), at, err, len(want))
		}
	}
	if _, err := w.RunsAtAnyOwner(t.Context(), 2, int64(len(l.records)+1)); !errors.Is(err, domain.ErrUnavailable) {
		t.Errorf("got %v for an offset that is not folded, want ErrUnavailable", err)
	}
	if runs, err := w.RunsAtAnyOwner(t.Context(), 1, 0); err != nil || len(runs) != 0 {
		t.Errorf("got %v, error %v of a partition without sources; want none", runs, err)
	}
	ranges := func(source domain.SourceID, numbers ...int64) (ranges []string) {
		runs, err := w.RunsOf(t.Context(), source, numbers)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range runs {
			ranges = append(ranges, fmt.Sprintf("%d: %d-%d", r.Number, r.Started, r.Ended))
		}
		return ranges
	}
	if diff := cmp.Diff([]string{"1: 3-7", "3: 11--1"}, ranges(ann.src.ID, 1, 3, 9)); diff != "" {
		t.Errorf("runs of ann (-want +got):\n%s", diff)
	}
}

// A handClock is turned by hand.
type handClock struct{ now time.Time }

func (c *handClock) Now() time.Time                       { return c.now }
func (c *handClock) After(time.Duration) <-chan time.Time { return nil }

func TestFolded(t *testing.T) {
	t.Parallel()

	w, events, pipeline := newWorld(t), newLog(eventsTopic, 0), newLog(pipelineTopic, 0)
	clock, log := &handClock{noon}, slog.New(slog.DiscardHandler)
	w.runner = projections.NewRunner(w.db, projections.NewWaiters(w.db, eventsTopic, clock, log), log)
	if got := w.runner.Folded(); len(got) != 0 {
		t.Errorf("got %+v before anything was folded, want nothing", got)
	}
	s := newStory(t, events, "ann")
	s.start()
	f := s.file(domain.FileAdded, "a.go", "one")
	s.progress()
	s.complete()
	w.project(t, events, 2)
	w.project(t, events) // nothing is left
	clock.now = noon.Add(20 * time.Second)
	pipeline.add(t, s.report(f, "chunk", domain.StageDone), s.report(f, "embed", domain.StageDone), s.report(f, "graph", domain.StageDone))
	w.project(t, pipeline)

	want := []projections.Folded{
		{Topic: eventsTopic, Records: 6, PerSecond: 0.2},
		{Topic: pipelineTopic, Records: 3, PerSecond: 0.1},
	}
	if diff := cmp.Diff(want, w.runner.Folded()); diff != "" {
		t.Errorf("folded (-want +got):\n%s", diff)
	}
	clock.now = noon.Add(30 * time.Second)
	want[0].PerSecond = 0
	if diff := cmp.Diff(want, w.runner.Folded()); diff != "" {
		t.Errorf("folded later (-want +got):\n%s", diff)
	}
}

// handNow is a clock that stands far in the future.
func handNow() *handClock { return &handClock{noon.AddDate(100, 0, 0)} }

package projections_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/projections"
)

// A record that stays bad changes nothing, however often it is tried.
func TestRetryInVain(t *testing.T) {
	t.Parallel()

	w, l := newWorld(t), newLog(eventsTopic, 0)
	s := newStory(t, l, "ann")
	s.start()
	l.addRecord(damaged(t, s.changed(domain.FileAdded, "a.go", "one"))) // offset 3
	l.addRecord(damaged(t, s.event(domain.SourcePaused)))               // offset 4
	s.file(domain.FileAdded, "b.go", "one")
	s.complete()
	w.project(t, l)
	want := w.rows(t)
	for _, tt := range []struct{ offset, left int64 }{{3, 1}, {4, 3}, {6, 3}} {
		done, err := w.poison.Retry(t.Context(), operator, l.key(tt.offset))
		if err != nil || done != (projections.Retried{Left: tt.left}) {
			t.Errorf("got %+v, error %v from offset %d; want %d left", done, err, tt.offset, tt.left)
		}
	}
	done, err := w.poison.RetrySource(t.Context(), operator, s.src.ID)
	if err != nil || done != (projections.Retried{Left: 4}) {
		t.Errorf("got %+v, error %v from the source; want 4 left", done, err)
	}
	sameRows(t, want, w.rows(t))
}

func TestSkip(t *testing.T) {
	t.Parallel()

	w, l := newWorld(t), newLog(eventsTopic, 0)
	s := newStory(t, l, "ann")
	s.start()
	l.addRecord(damaged(t, s.changed(domain.FileAdded, "a.go", "one"))) // offset 3
	l.addRecord(damaged(t, s.event(domain.SourcePaused)))               // offset 4
	s.file(domain.FileAdded, "b.go", "one")                             // offset 5
	l.addRecord(damaged(t, s.event(domain.SourceResumed)))              // offset 6
	s.complete()
	w.project(t, l)

	if _, err := w.poison.Skip(t.Context(), operator, l.key(6)); !errors.Is(err, domain.ErrConflict) {
		t.Errorf("got %v for a record that waits behind another, want ErrConflict", err)
	}
	for _, c := range []projections.Caller{{}, {Owner: "bob"}} {
		if _, err := w.poison.Skip(t.Context(), c, l.key(4)); !errors.Is(err, projections.ErrNotPoison) {
			t.Errorf("got %v for %+v, want ErrNotPoison", err, c)
		}
	}
	for _, offset := range []int64{0, 99} {
		if _, err := w.poison.Skip(t.Context(), operator, l.key(offset)); !errors.Is(err, projections.ErrNotPoison) {
			t.Errorf("got %v for offset %d, want ErrNotPoison", err, offset)
		}
	}
	ann := projections.Caller{Owner: "ann", Name: "ann@host"}
	for _, tt := range []struct {
		offset int64
		want   projections.Retried
		status domain.SourceStatus
	}{
		{4, projections.Retried{Folded: 1, Left: 2}, domain.StatusPending}, // up to the next bad one
		{3, projections.Retried{}, domain.StatusPending},
		{6, projections.Retried{Folded: 1}, domain.StatusSynced},
	} {
		done, err := w.poison.Skip(t.Context(), ann, l.key(tt.offset))
		if err != nil || done != tt.want {
			t.Errorf("got %+v, error %v from offset %d; want %+v", done, err, tt.offset, tt.want)
		}
		src, err := w.Source(t.Context(), s.src.ID)
		if err != nil || (src.Status() == domain.StatusSynced) != (tt.status == domain.StatusSynced) {
			t.Errorf("got status %s, error %v after offset %d; want %s", src.Status(), err, tt.offset, tt.status)
		}
	}
	if got := w.poisoned(t); len(got) != 0 {
		t.Errorf("got %v in poison, want nothing", got)
	}
	if n := w.count(t, "files", s.src.ID); n != 1 {
		t.Errorf("got %d files, want 1", n)
	}
	var n int
	err := w.db.QueryRow(t.Context(), `SELECT count(*) FROM app.skipped_records WHERE topic = $1 AND by = 'ann@host'`, l.Topic).Scan(&n)
	if err != nil || n != 3 {
		t.Errorf("got %d skipped records, error %v; want 3", n, err)
	}
}

// Another event at the place of a skipped one, on a log that was made anew, counts.
func TestSkipMeansOneEvent(t *testing.T) {
	t.Parallel()

	w, l := newWorld(t), newLog(eventsTopic, 0)
	s := newStory(t, l, "ann")
	s.start()
	f := s.changed(domain.FileAdded, "a.go", "one")
	l.addRecord(damaged(t, f)) // offset 3
	w.project(t, l)
	if _, err := w.poison.Skip(t.Context(), operator, l.key(3)); err != nil {
		t.Fatal(err)
	}
	w.clear(t)
	l.records = l.records[:3]
	l.add(t, f)
	w.project(t, l)
	if _, err := w.GetFile(t.Context(), "ann", f.FileID); err != nil {
		t.Errorf("got %v for the file of another event, want it", err)
	}
}

// Data that Postgres refuses harms nobody but itself, here too.
func TestRetryOfWhatPostgresRefuses(t *testing.T) {
	t.Parallel()

	w, l := newWorld(t), newLog(eventsTopic, 0)
	s := newStory(t, l, "ann")
	s.request(domain.SyncFull)
	l.misread(1)
	s.claim()
	for _, path := range []string{"a", "b", "refused", "c"} { // offsets 3 to 6
		s.file(domain.FileAdded, path, "one")
	}
	e := s.event(domain.SourceUpdated) // offset 7
	e.Name = "refused"
	s.tell(e)
	s.complete()
	w.project(t, l)
	if _, err := w.db.Exec(t.Context(), `
		ALTER TABLE files ADD CONSTRAINT f CHECK (path <> 'refused'); ALTER TABLE sources ADD CONSTRAINT s CHECK (name <> 'refused')`); err != nil {
		t.Fatal(err)
	}
	done, err := w.poison.Retry(t.Context(), operator, l.key(1))
	if want := (projections.Retried{Folded: 5, Left: 3}); err != nil || done != want {
		t.Errorf("got %+v, error %v; want %+v", done, err, want)
	}
	want := []poisoned{{5, true, false}, {7, true, true}, {8, true, false}}
	if diff := cmp.Diff(want, w.poisoned(t)); diff != "" {
		t.Errorf("poison (-want +got):\n%s", diff)
	}
	if n := w.count(t, "files", s.src.ID); n != 3 {
		t.Errorf("got %d files, want 3", n)
	}
	if _, err := w.db.Exec(t.Context(), `ALTER TABLE files DROP CONSTRAINT f; ALTER TABLE sources DROP CONSTRAINT s`); err != nil {
		t.Fatal(err)
	}
	done, err = w.poison.RetrySource(t.Context(), operator, s.src.ID)
	if want := (projections.Retried{Folded: 3}); err != nil || done != want {
		t.Errorf("got %+v, error %v once it takes them; want %+v", done, err, want)
	}
	if n := w.count(t, "files", s.src.ID); n != 4 {
		t.Errorf("got %d files, want 4", n)
	}
}

func TestListPoison(t *testing.T) {
	t.Parallel()

	w, l, p := newWorld(t), newLog(eventsTopic, 0), newLog(pipelineTopic, 0)
	ann, bob := newStory(t, l, "ann"), newStory(t, l, "bob")
	ann.start()
	f := ann.file(domain.FileAdded, "a", "one")
	l.addRecord(damaged(t, ann.event(domain.SourcePaused))) // offset 5
	ann.complete()
	bob.start()
	l.addRecord(damaged(t, bob.changed(domain.FileAdded, "b", "one"))) // offset 9
	stray := record(t, bob.anyEvent())
	delete(stray.Headers, "ce_source")
	l.addRecord(decoded(stray))                                         // offset 10
	p.addRecord(damaged(t, ann.report(f, "chunk", domain.StageFailed))) // offset 0
	w.project(t, l)
	w.project(t, p)

	list := func(c projections.Caller, page projections.PoisonPage) (keys []string, behind int64) {
		t.Helper()
		for {
			rows, next, err := w.ListPoison(t.Context(), c, page)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range rows {
				keys, behind = append(keys, r.String()), behind+r.Behind
				if r.EventID == "" || r.Type == "" || r.Error == "" || !r.At.Equal(noon) {
					t.Errorf("got %+v, want all told", r)
				}
			}
			if next == nil {
				return keys, behind
			}
			page.After = *next
		}
	}
	const five, six, nine, ten, report = "test.events.v1/0:5", "test.events.v1/0:6", "test.events.v1/0:9", "test.events.v1/0:10", "test.pipeline.v1/0:0"
	for name, tt := range map[string]struct {
		caller projections.Caller
		page   projections.PoisonPage
		want   []string
		behind int64
	}{
		"an operator":      {operator, projections.PoisonPage{}, []string{five, six, nine, ten, report}, 1},
		"causes":           {operator, projections.PoisonPage{Causes: true}, []string{five, nine, ten, report}, 1},
		"a topic":          {operator, projections.PoisonPage{Topic: pipelineTopic}, []string{report}, 0},
		"a source":         {operator, projections.PoisonPage{Source: bob.src.ID}, []string{nine}, 0},
		"an owner":         {projections.Caller{Owner: "ann"}, projections.PoisonPage{}, []string{five, six, report}, 1},
		"another's source": {projections.Caller{Owner: "ann"}, projections.PoisonPage{Source: bob.src.ID}, nil, 0},
		"nobody":           {projections.Caller{}, projections.PoisonPage{}, nil, 0},
	} {
		for _, limit := range []int{1, 2, 100} {
			tt.page.Limit = limit
			got, behind := list(tt.caller, tt.page)
			if diff := cmp.Diff(tt.want, got); diff != "" || behind != tt.behind {
				t.Errorf("%s, %d a page: got %d behind, want %d; keys (-want +got):\n%s", name, limit, behind, tt.behind, diff)
			}
		}
	}
}

package projections_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/projections"
)

var (
	errOldProgram = errors.New("not known to this version")
	operator      = projections.Caller{Operator: true, Name: "op"}
)

// misread makes records of the log unreadable for the program that folds it
// first. Whoever decodes them again can.
func (l *memoryLog) misread(offsets ...int64) {
	for _, at := range offsets {
		l.records[at].Event, l.records[at].Err = nil, errOldProgram
	}
}

func (l *memoryLog) key(offset int64) projections.PoisonKey {
	return projections.PoisonKey{Topic: l.Topic, Partition: l.Number, Offset: offset}
}

// causes are the records that somebody has to do something about.
func (w *world) causes(t fataler) []projections.PoisonRow {
	t.Helper()
	rows, _, err := w.ListPoison(context.Background(), operator, projections.PoisonPage{Causes: true, Limit: 1000})
	if err != nil {
		t.Fatalf("list poison: %v", err)
	}
	return rows
}

// projectAgain hands out up to n more records, as a feeder does: a runner that
// is fenced is assigned again.
func (w *world) projectAgain(t fataler, l *memoryLog, n int) {
	t.Helper()
	start := w.assigned[l.Topic]
	rest := l.records[start:min(int(start)+n, len(l.records))]
	if len(rest) == 0 {
		return
	}
	err := w.runner.Batch(context.Background(), l.partition(), rest)
	if errors.Is(err, domain.ErrFenced) {
		w.assign(t, l)
		err = w.runner.Batch(context.Background(), l.partition(), rest)
	}
	if err != nil {
		t.Fatalf("batch: %v", err)
	}
	w.assigned[l.Topic] = start + int64(len(rest))
}

// Whatever the program could not read at first, and whenever it is tried again
// while the log is folded, the rows become those of a program that could.
func TestRetryGivesWhatOneFoldGives(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	rapid.Check(t, func(t *rapid.T) {
		r := newRandomLog(t, false)
		logs := []*memoryLog{r.events, r.pipeline}
		w.clear(t)
		for _, l := range logs {
			w.project(t, l)
		}
		want := w.rows(t)

		w.clear(t)
		w.assigned = map[string]int64{}
		for _, l := range logs {
			w.assign(t, l)
			for at := range l.records {
				if rapid.IntRange(0, 7).Draw(t, "misread") == 0 {
					l.misread(int64(at))
				}
			}
		}
		for range 20 {
			w.projectAgain(t, logs[rapid.IntRange(0, 1).Draw(t, "topic")], rapid.IntRange(1, 12).Draw(t, "size"))
			if rapid.Bool().Draw(t, "retry") {
				w.retryOne(t)
			}
		}
		for _, l := range logs {
			w.projectAgain(t, l, len(l.records))
		}
		for w.retryOne(t) {
		}
		sameRows(t, want, w.rows(t))
	})
}

// retryOne tries one of the bad records, or its source, again.
func (w *world) retryOne(t *rapid.T) bool {
	bad := w.causes(t)
	if len(bad) == 0 {
		return false
	}
	row := bad[rapid.IntRange(0, len(bad)-1).Draw(t, "bad")]
	retry := func() (projections.Retried, error) {
		return w.poison.Retry(context.Background(), operator, row.PoisonKey)
	}
	if rapid.Bool().Draw(t, "all of its source") {
		retry = func() (projections.Retried, error) {
			return w.poison.RetrySource(context.Background(), operator, row.SourceID)
		}
	}
	done, err := retry()
	if err != nil || done.Folded < 1+row.Behind || done.Left != 0 {
		t.Fatalf("got %+v, error %v from %+v; want all folded", done, err, row)
	}
	return true
}

// What was skipped stays so when the tables are filled from the log again.
func TestSkipLastsOverARefill(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	rapid.Check(t, func(t *rapid.T) {
		r := newRandomLog(t, true)
		w.clear(t)
		w.project(t, r.events)
		for {
			bad := w.causes(t)
			if len(bad) == 0 {
				break
			}
			row := bad[rapid.IntRange(0, len(bad)-1).Draw(t, "bad")]
			_, err := w.poison.Skip(context.Background(), operator, row.PoisonKey)
			if errors.Is(err, domain.ErrConflict) { // bad itself, and behind another one of its source
				_, err = w.poison.Skip(context.Background(), operator, bad[0].PoisonKey)
			}
			if err != nil {
				t.Fatalf("skip %+v: %v", row, err)
			}
		}
		want := w.rows(t)
		w.clear(t)
		w.projectCut(t, r.events)
		sameRows(t, want, w.rows(t))
		if n := len(want["poison"]); n != 0 {
			t.Fatalf("got %d records in poison, want none", n)
		}
	})
}

// The runner remembers the source as it was when it was parked.
func TestRetryFencesTheRunner(t *testing.T) {
	t.Parallel()

	w, l := newWorld(t), newLog(eventsTopic, 0)
	s := newStory(t, l, "ann")
	s.request(domain.SyncFull)
	l.misread(1)
	s.claim()
	s.file(domain.FileAdded, "a.go", "one")
	w.project(t, l)
	changed, stop := w.waiters.Changed()
	defer stop()
	listening, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { _ = w.waiters.Listen(listening) }() // ends with the test
	<-changed                                       // it has connected

	done, err := w.poison.Retry(t.Context(), operator, l.key(1))
	if want := (projections.Retried{Folded: 3}); err != nil || done != want {
		t.Fatalf("got %+v, error %v; want %+v", done, err, want)
	}
	<-changed // a job waits: the scheduler is told
	late := s.file(domain.FileAdded, "b.go", "one")
	if err := w.runner.Batch(t.Context(), l.partition(), l.records[4:]); !errors.Is(err, domain.ErrFenced) {
		t.Fatalf("got %v from a runner with old memories, want ErrFenced", err)
	}
	if start := w.assign(t, l); start != 4 {
		t.Errorf("got start %d, want 4", start)
	}
	w.project(t, l)
	if _, err := w.GetFile(t.Context(), "ann", late.FileID); err != nil {
		t.Errorf("got %v for a file behind the retried ones", err)
	}
	if src, err := w.Source(t.Context(), s.src.ID); err != nil || !src.Running {
		t.Errorf("got source %+v, error %v; want it to run", src, err)
	}
}

// Two who retry the same at once fold it once.
func TestRetryAtTheSameTime(t *testing.T) {
	t.Parallel()

	w, l := newWorld(t), newLog(eventsTopic, 0)
	s := newStory(t, l, "ann")
	s.start()
	for i := range 20 {
		s.file(domain.FileAdded, fmt.Sprint(i), "one")
	}
	l.misread(1)
	w.project(t, l)
	results := make(chan int64)
	for range 4 {
		go func() {
			done, err := w.poison.Retry(t.Context(), operator, l.key(1))
			if err != nil && !errors.Is(err, projections.ErrNotPoison) {
				t.Error(err)
			}
			results <- done.Folded
		}()
	}
	var folded int64
	for range 4 {
		folded += <-results
	}
	if n := w.count(t, "files", s.src.ID); folded != 22 || n != 20 {
		t.Errorf("got %d records folded and %d files, want 22 and 20", folded, n)
	}
}

// A whole sync waits behind a bad record: more than one page.
func TestRetryOfManyRecords(t *testing.T) {
	t.Parallel()

	w, l := newWorld(t), newLog(eventsTopic, 0)
	s := newStory(t, l, "ann")
	s.request(domain.SyncFull)
	l.misread(1)
	s.claim()
	for i := range 4100 {
		s.file(domain.FileAdded, fmt.Sprint(i), "one")
	}
	l.addRecord(damaged(t, s.changed(domain.FileAdded, "x", "one")))
	bad := l.key(int64(len(l.records)) - 1)
	s.complete()
	w.project(t, l)
	done, err := w.poison.RetrySource(t.Context(), projections.Caller{Owner: "nobody"}, s.src.ID)
	if !errors.Is(err, projections.ErrNotPoison) {
		t.Fatalf("got %+v, error %v for a stranger, want ErrNotPoison", done, err)
	}
	done, err = w.poison.RetrySource(t.Context(), projections.Caller{Owner: "ann"}, s.src.ID)
	if err != nil || done.Folded != 4103 {
		t.Errorf("got %+v, error %v; want 4103 folded", done, err)
	}
	if n := w.count(t, "files", s.src.ID); n != 4100 {
		t.Errorf("got %d files, want 4100", n)
	}
	left := w.causes(t)
	if len(left) != 1 || left[0].PoisonKey != bad || left[0].Parks {
		t.Errorf("got %+v left, want only the damaged file", left)
	}
	src, err := w.Source(t.Context(), s.src.ID)
	if diff := cmp.Diff(s.src.SyncedAt, src.SyncedAt); diff != "" || err != nil {
		t.Errorf("error %v, synced at (-want +got):\n%s", err, diff)
	}
}

package connectortest_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/confuse/data-connector/connectors/connectortest"
	"github.com/confuse/data-connector/domain"
)

// A reporter collects what a world reports instead of failing the test.
type reporter struct {
	testing.TB
	said []string
}

func (r *reporter) Helper() {}
func (r *reporter) Errorf(format string, a ...any) {
	r.said = append(r.said, fmt.Sprintf(format, a...))
}

// A sync is one claimed run in a world.
type sync struct {
	w      *connectortest.World
	source domain.Source
	seq    int64
}

func claimed(t *testing.T, w *connectortest.World) *sync {
	t.Helper()
	s := w.Connect(domain.Source{Provider: "memory", Partition: 1})
	id, err := domain.NewRunID()
	if err != nil {
		t.Fatal(err)
	}
	claim, err := s.Claim(id, w.Clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	run := &sync{w: w, source: s}
	if _, err := w.Log.Append(t.Context(), run.message(claim)); err != nil {
		t.Fatal(err)
	}
	run.source = w.Source(s.ID)
	return run
}

func (s *sync) message(e domain.Event) domain.Message {
	id, _ := domain.NewEventID()
	return domain.Message{ID: id, Time: s.w.Clock.Now(), Partition: s.source.Partition, Event: e}
}

// added is the event of a new file, whose content is stored first.
func (s *sync) added(t *testing.T, path, content string) domain.Message {
	t.Helper()
	s.seq++
	pack, err := s.w.Packs.Create(t.Context(), fmt.Sprintf("packs/%s/1/%d", s.source.ID, s.seq))
	if err != nil {
		t.Fatal(err)
	}
	staged, err := pack.Stage(t.Context(), strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	check, err := pack.Keep(staged)
	if err != nil {
		t.Fatal(err)
	}
	if err := pack.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s.message(s.file(domain.FileAdded, path, &check))
}

func (s *sync) file(change domain.FileChange, path string, content *domain.ClaimCheck) domain.FileChanged {
	return domain.FileChanged{
		SourceID: s.source.ID, OwnerID: s.source.Owner, FileID: domain.NewPathFileID(s.source.ID, []byte(path), 0),
		JobID: s.source.Jobs[0].ID, Run: s.source.Run, RunID: s.source.RunID, Seq: s.seq, Change: change,
		FileState: domain.FileState{Path: path, Kind: domain.KindFile, Content: content, Attributes: map[string]string{}},
	}
}

func TestWorldFoldsWhatIsAppended(t *testing.T) {
	t.Parallel()

	w := connectortest.NewWorld(t)
	run := claimed(t, w)
	messages := []domain.Message{run.added(t, "b", "two"), run.added(t, "a", "")}
	if _, err := w.Log.Append(t.Context(), messages...); err != nil {
		t.Fatal(err)
	}
	if got := w.Tree(run.source.ID); len(got) != 2 || got["a"] != "" || got["b"] != "two" {
		t.Errorf("got tree %q", got)
	}
	run.seq++
	removed := run.message(run.file(domain.FileRemoved, "a", nil))
	if _, err := w.Log.Append(t.Context(), removed, messages[1]); err != nil { // and a late duplicate
		t.Fatal(err)
	}
	if got := w.Tree(run.source.ID); len(got) != 1 {
		t.Errorf("got tree %q after a removal", got)
	}
	ids := []domain.FileID{domain.NewPathFileID(run.source.ID, []byte("a"), 0)}
	if got, _ := w.Rows.FilesByID(t.Context(), run.source.ID, ids); len(got) != 1 || !got[0].Removed {
		t.Errorf("got %v, want a tombstone", got)
	}
	job := run.source.Jobs[0].ID
	if source, j, err := w.Rows.Job(t.Context(), job); err != nil || source != run.source.ID || j.Status != domain.JobRunning {
		t.Errorf("got job %+v of %s, error %v; want the one that runs", j, source, err)
	}
	if _, _, err := w.Rows.Job(t.Context(), domain.JobID(run.source.ID)); !errors.Is(err, domain.ErrJobNotFound) {
		t.Errorf("got %v for an unknown job, want ErrJobNotFound", err)
	}
	if steps := w.Journal(); steps[3].Pack == "" || steps[5].Record.Headers["ce_id"] != messages[0].ID.String() {
		t.Errorf("got journal %v", steps)
	}
}

func TestWorldIgnoresForeignRuns(t *testing.T) {
	t.Parallel()

	w := connectortest.NewWorld(t)
	run := claimed(t, w)
	m := run.added(t, "a", "x")
	e := m.Event.(domain.FileChanged)
	e.RunID, _ = domain.NewRunID()
	m.Event = e
	if _, err := w.Log.Append(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if got := w.Tree(run.source.ID); len(got) != 0 {
		t.Errorf("got %q from a run that is not current", got)
	}
}

func TestWaitBlocksWhilePaused(t *testing.T) {
	t.Parallel()

	w := connectortest.NewWorld(t)
	run := claimed(t, w)
	w.Rows.Pause()
	at, err := w.Log.Append(t.Context(), run.added(t, "a", "x"))
	if err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.Rows.Wait(ended, at[0]); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want to wait for a paused fold", err)
	}
	done := make(chan error)
	go func() { done <- w.Rows.Wait(t.Context(), at[0]) }()
	w.Rows.Resume()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestLogIsCut(t *testing.T) {
	t.Parallel()

	w := connectortest.NewWorld(t)
	run := claimed(t, w)
	w.Log.CutAfter(1)
	_, err := w.Log.Append(t.Context(), run.added(t, "a", "x"), run.added(t, "b", "y"))
	if !errors.Is(err, domain.ErrUnknownFate) {
		t.Errorf("got %v, want unknown fate", err)
	}
	w.Log.Heal()
	if got := w.Log.Files(run.source.ID); len(got) != 1 || got[0].Path != "a" {
		t.Errorf("got %v on the log, want the first event only", got)
	}
	w.Log.LoseAnswer(0)
	if _, err := w.Log.Append(t.Context(), run.added(t, "c", "z")); !errors.Is(err, domain.ErrUnknownFate) {
		t.Errorf("got %v, want unknown fate", err)
	}
	if got := w.Tree(run.source.ID); got["c"] != "z" {
		t.Errorf("got %q, want what was appended although its answer was lost", got)
	}
}

func TestWorldReportsWhatMustNotBeOnTheLog(t *testing.T) {
	t.Parallel()

	tests := map[string]struct {
		spoil func(*domain.Message, *domain.FileChanged)
		want  string
	}{
		"content that is not stored": {func(_ *domain.Message, e *domain.FileChanged) {
			e.Content = &domain.ClaimCheck{Size: 1, Ref: domain.PackRef{Pack: "none"}}
		}, "I1"},
		"NUL in a path":     {func(_ *domain.Message, e *domain.FileChanged) { e.Path = "a\x00" }, "path"},
		"attributes nil":    {func(_ *domain.Message, e *domain.FileChanged) { e.Attributes = nil }, "incomplete"},
		"another partition": {func(m *domain.Message, _ *domain.FileChanged) { m.Partition = 2 }, "partition"},
		"no event id":       {func(m *domain.Message, _ *domain.FileChanged) { m.ID = domain.EventID{} }, "without id"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			r := &reporter{TB: t}
			w := connectortest.NewWorld(r)
			run := claimed(t, w)
			m := run.added(t, "a", "x")
			e := m.Event.(domain.FileChanged)
			tt.spoil(&m, &e)
			m.Event = e
			if _, err := w.Log.Append(t.Context(), m); err != nil {
				t.Fatal(err)
			}
			if len(r.said) == 0 || !strings.Contains(r.said[0], tt.want) {
				t.Errorf("got %q, want something about %q", r.said, tt.want)
			}
		})
	}
}

func TestClockIsTurned(t *testing.T) {
	t.Parallel()

	w := connectortest.NewWorld(t)
	soon, late := w.Clock.After(time.Second), w.Clock.After(time.Minute)
	if err := w.Clock.Waiting(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	w.Clock.Turn(2 * time.Second)
	<-soon
	select {
	case <-late:
		t.Error("a timer rang before its time")
	default:
	}
}

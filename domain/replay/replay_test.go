package replay_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/replay"
)

// story is a log of which each test selects something. Paths tell the files apart,
// at is in minutes after noon.
func story() *world {
	w := newWorld(2)
	ann, bob := w.claim(w.source("ann", 0)), w.claim(w.source("bob", 0))
	far := w.claim(w.source("ann", 1))
	tell := func(s *domain.Source, minute int, change domain.FileChange, path string, kind domain.FileKind, language string) {
		s.Seq++
		e := domain.FileChanged{
			SourceID: s.ID, OwnerID: s.Owner, FileID: domain.NewPathFileID(s.ID, []byte(path), 0), Run: s.Run, RunID: s.RunID, Seq: s.Seq,
			Change: change, FileState: domain.FileState{Path: path, Kind: kind, Language: language},
		}
		if change != domain.FileRemoved {
			e.Content = &domain.ClaimCheck{Size: 10, Ref: domain.PackRef{Pack: path}}
		}
		w.put(s.Partition, noon.Add(time.Duration(minute)*time.Minute), e)
	}
	tell(&ann, 1, domain.FileAdded, "a.md", domain.KindFile, "Markdown")
	tell(&ann, 2, domain.FileAdded, "src/b.go", domain.KindFile, "Go")
	tell(&bob, 2, domain.FileAdded, "bobs.go", domain.KindFile, "Go")
	tell(&ann, 3, domain.FileAdded, "gone.md", domain.KindFile, "Markdown")
	lost := ann
	ann = w.claim(ann)
	tell(&lost, 4, domain.FileModified, "src/b.go", domain.KindFile, "Go") // of a run that has lost its claim
	tell(&ann, 5, domain.FileModified, "a.md", domain.KindFile, "Markdown")
	tell(&ann, 6, domain.FileRemoved, "gone.md", domain.KindFile, "")
	tell(&far, 7, domain.FileAdded, "@issues/1.md", domain.KindIssue, "")
	tell(&far, 8, domain.FileModified, "@issues/1.md", domain.KindIssue, "")
	return w
}

// What selectors and modes mean.
func TestSelection(t *testing.T) {
	t.Parallel()

	minute := func(n int) time.Time { return noon.Add(time.Duration(n) * time.Minute) }
	tests := map[string]struct {
		order replay.Order
		want  string
	}{
		"latest":                {replay.Order{}, "src/b.go a.md @issues/1.md"},
		"history":               {replay.Order{Mode: replay.History}, "a.md src/b.go gone.md a.md gone.md @issues/1.md @issues/1.md"},
		"glob":                  {replay.Order{Selector: replay.Selector{PathGlob: "**/*.md"}}, "a.md @issues/1.md"},
		"glob of a folder":      {replay.Order{Selector: replay.Selector{PathGlob: "src/*"}}, "src/b.go"},
		"kind":                  {replay.Order{Selector: replay.Selector{Kinds: []domain.FileKind{domain.KindIssue}}}, "@issues/1.md"},
		"language":              {replay.Order{Selector: replay.Selector{Languages: []string{"Go", "Rust"}}}, "src/b.go"},
		"changed since":         {replay.Order{Selector: replay.Selector{ChangedSince: minute(5)}}, "a.md @issues/1.md"},
		"changed since, latest": {replay.Order{Selector: replay.Selector{ChangedSince: minute(8)}}, "@issues/1.md"},
		"from":                  {replay.Order{Selector: replay.Selector{From: minute(5)}, Mode: replay.History}, "a.md gone.md @issues/1.md @issues/1.md"},
		"to":                    {replay.Order{Selector: replay.Selector{To: minute(5)}, Mode: replay.History}, "a.md src/b.go gone.md"},
		"from and to":           {replay.Order{Selector: replay.Selector{From: minute(3), To: minute(8)}, Mode: replay.History}, "gone.md a.md gone.md @issues/1.md"},
		"latest until":          {replay.Order{Selector: replay.Selector{To: minute(5)}}, "src/b.go"}, // a.md has changed since: its old state is not the last
		"dry":                   {replay.Order{Dry: true}, ""},
		"somebody with nothing": {replay.Order{Owner: "eve"}, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			synctest.Test(t, func(t *testing.T) {
				w := story()
				if tt.order.Owner == "" {
					tt.order.Owner = "ann"
				}
				got := w.run(t, tt.order)
				if paths := strings.Join(w.paths(), " "); got.Status != replay.Completed || paths != tt.want {
					t.Errorf("got %s and %q, want %q", got.Status, paths, tt.want)
				}
			})
		})
	}
}

// I10: an order that names another owner's source (which Start refuses) hands
// nothing of it out.
func TestSourcesOfOthers(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		w, all := story(), []domain.SourceID{}
		for id := range w.sources {
			all = append(all, id)
		}
		w.run(t, replay.Order{Owner: "bob", Mode: replay.History, Selector: replay.Selector{Sources: all}})
		if got := strings.Join(w.paths(), " "); got != "bobs.go" {
			t.Errorf("got %q, want bobs.go alone", got)
		}
	})
}

// A dry run counts what would be handed out, and says how long that takes.
func TestDry(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		w := story()
		w.gone["a.md"] = true
		got := w.run(t, replay.Order{Owner: "ann", Dry: true, Rate: 2})
		p := got.Progress
		if p.Matched != 3 || p.Bytes != 30 || p.ContentGone != 1 || p.Sent != 0 || len(p.Samples) != 3 || len(p.Sources) != 2 || got.Estimate() != 1500*time.Millisecond {
			t.Errorf("got %+v, %s", p, got.Estimate())
		}
		for id, n := range p.Sources {
			if want := map[int32]int64{0: 2, 1: 1}[w.sources[id].Partition]; n.Events != want || n.Bytes != 10*want {
				t.Errorf("got %+v of a source, want %d", n, want)
			}
		}
	})
}

// A file that changes while a replay runs is not handed out in its old state: the
// new one is handed on by itself.
func TestChangedMeanwhile(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		w := story()
		w.before = func() { // the partition of the issues is looked at next
			for _, rec := range w.log[1] {
				if e := fileOf(rec); e.Run > 0 {
					e.Seq += 100
					w.put(1, noon, e)
					break
				}
			}
			w.before = func() {}
		}
		got := w.run(t, replay.Order{Owner: "ann"})
		if paths := strings.Join(w.paths(), " "); paths != "src/b.go a.md" || got.Status != replay.Completed {
			t.Errorf("got %q, %s", paths, got.Status)
		}
	})
}

// many is a log of one source with n files.
func many(n int) *world {
	w := newWorld(1)
	s := w.claim(w.source("ann", 0))
	for i := range n {
		path := time.Duration(i).String()
		w.put(0, noon, domain.FileChanged{
			SourceID: s.ID, OwnerID: s.Owner, FileID: domain.NewPathFileID(s.ID, []byte(path), 0), Run: s.Run, RunID: s.RunID, Seq: int64(i + 1),
			Change: domain.FileAdded, FileState: domain.FileState{Path: path},
		})
	}
	return w
}

// The rate is kept: over the whole time, and in each second of it.
func TestRate(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		w := many(1000)
		start := time.Now()
		second := map[time.Duration]int{}
		w.before = func() { second[time.Since(start).Truncate(time.Second)]++ }
		w.run(t, replay.Order{Owner: "ann", Rate: 100})
		if took := time.Since(start); took < 9*time.Second || took > 13*time.Second {
			t.Errorf("1000 events at 100 in a second took %s", took)
		}
		for at, n := range second {
			if n > 11 {
				t.Errorf("in second %s: got %d chunks of 10 events", at, n)
			}
		}
	})
}

// A stage that does not keep up is not handed more; a pause is heard meanwhile.
func TestStageBehind(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		w := many(50_000)
		w.behind = 1 << 20
		w.order(replay.Order{Owner: "ann"})
		ctx, cancel := context.WithCancel(t.Context())
		ended := w.serve(ctx, 0, "webhook")
		pass(time.Minute)
		if got := len(w.paths()); got == 0 || got > 1000 {
			t.Errorf("got %d events with a stage that does nothing", got)
		}
		w.change(replay.Paused)
		pass(2 * time.Second)
		w.mu.Lock()
		w.behind = 0
		w.mu.Unlock()
		quiet := len(w.paths())
		pass(time.Minute)
		if got := len(w.paths()); got != quiet {
			t.Errorf("got %d events while it was paused", got-quiet)
		}
		w.change(replay.Running)
		<-w.ended
		if got := len(w.paths()); got != 50_000 {
			t.Errorf("got %d events, want all", got)
		}
		cancel()
		<-ended
	})
}

// What was handed out to a stage that has stopped since is not done: the replay
// waits for the stage and says so, also in another process. A stage that it is not
// for, or that never ran, is not waited for.
func TestStageStops(t *testing.T) {
	t.Parallel()

	for name, test := range map[string]struct {
		meant, runs []string
		waits       bool
	}{
		"it was for all":        {nil, []string{"webhook"}, true},
		"it was for this one":   {[]string{"webhook"}, []string{"chunk", "webhook"}, true},
		"it was for others":     {[]string{"webhook"}, []string{"chunk"}, false},
		"no stage has ever run": {nil, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			synctest.Test(t, func(t *testing.T) {
				w := many(10)
				w.behind = 5
				w.order(replay.Order{Owner: "ann", Stages: test.meant})
				one, kill := context.WithCancel(t.Context())
				ended := w.serve(one, 0, test.runs...)
				pass(time.Minute)
				w.mu.Lock()
				w.away = true
				w.mu.Unlock()
				kill()
				<-ended
				ctx, cancel := context.WithCancel(t.Context())
				ended = w.serve(ctx, 0, test.runs...)
				pass(2 * time.Minute)
				now := w.look()
				if test.waits && (now.Status != replay.Running || !strings.Contains(now.Error, "webhook")) || !test.waits && now.Status != replay.Completed {
					t.Errorf("got %s, %q while a stage is behind and has stopped", now.Status, now.Error)
				}
				w.mu.Lock()
				w.behind = 0
				w.mu.Unlock()
				<-w.ended
				if now := w.look(); now.Status != replay.Completed || now.Error != "" {
					t.Errorf("got %s, %q at the end", now.Status, now.Error)
				}
				cancel()
				<-ended
			})
		})
	}
}

// A claim is kept while its work waits for the fold, for however long; and a pause
// is heard.
func TestHeldWhileItWaits(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		w := many(10)
		w.order(replay.Order{Owner: "ann"})
		folded := make(chan struct{})
		w.fold = func(ctx context.Context) error {
			select {
			case <-folded:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		one, two := w.serve(ctx, 0), w.serve(ctx, 0)
		pass(time.Minute)
		if n := w.claims(); n != 1 {
			t.Errorf("it was claimed %d times", n)
		}
		w.change(replay.Paused)
		pass(2 * time.Second)
		w.change(replay.Running)
		pass(2 * time.Second)
		if n := w.claims(); n != 2 {
			t.Errorf("it was claimed %d times after a pause, want 2", n)
		}
		close(folded)
		<-w.ended
		cancel()
		<-one
		<-two
		if got := w.look(); got.Status != replay.Completed || len(w.paths()) != 10 {
			t.Errorf("got %+v and %d events", got, len(w.paths()))
		}
	})
}

// Trouble is waited out. Its owner is told that there is some, not which servers
// the operator has.
func TestTroubleIsTold(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		w := many(10)
		w.order(replay.Order{Owner: "ann"})
		var up atomic.Bool
		w.fold = func(context.Context) error {
			if !up.Load() {
				return errSecret
			}
			return nil
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := w.serve(ctx, 0)
		pass(time.Second)
		if got := w.look(); got.Status != replay.Running || got.Error == "" || strings.Contains(got.Error, "10.0.0.7") {
			t.Errorf("got %s: %q", got.Status, got.Error)
		}
		up.Store(true)
		<-w.ended
		if got := w.look(); got.Status != replay.Completed || got.Error != "" || got.Progress.Matched != 10 {
			t.Errorf("got %+v", got)
		}
		cancel()
		<-ended
	})
}

// A log that has lost what is to be handed out is the end.
func TestLogLost(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		w := many(10)
		w.fold = func(context.Context) error { return domain.ErrLogLost }
		if got := w.run(t, replay.Order{Owner: "ann"}); got.Status != replay.Failed || got.Error == "" || got.EndedAt.IsZero() {
			t.Errorf("got %+v", got)
		}
	})
}

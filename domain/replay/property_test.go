package replay_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/replay"
)

// random is a log of three sources of two owners: runs that end anywhere, events
// of runs that have lost their claim, repeats, and files that come and go.
func random(r *rand.Rand) *world {
	w := newWorld(2)
	all := []domain.Source{w.source("ann", 0), w.source("ann", 1), w.source("bob", 0)}
	before := map[domain.SourceID][]domain.Source{}
	for i := range all {
		all[i] = w.claim(all[i])
	}
	for range 100 + r.IntN(2000) {
		i := r.IntN(len(all))
		s := &all[i]
		switch r.IntN(60) {
		case 0:
			before[s.ID] = append(before[s.ID], *s)
			*s = w.claim(*s)
		case 1:
			if lost := before[s.ID]; len(lost) > 0 { // of a run that has lost its claim
				w.put(s.Partition, noon, change(r, lost[r.IntN(len(lost))]))
			}
		case 2:
			if log := w.log[s.Partition]; len(log) > 0 { // once more
				w.put(s.Partition, noon, log[len(log)-1].Event)
			}
		default:
			s.Seq++
			w.put(s.Partition, noon.Add(time.Duration(len(w.log[s.Partition]))*time.Second), change(r, *s))
		}
	}
	return w
}

func change(r *rand.Rand, s domain.Source) domain.FileChanged {
	path := fmt.Sprintf("%d.%s", r.IntN(80), []string{"go", "md"}[r.IntN(2)])
	e := domain.FileChanged{
		SourceID: s.ID, OwnerID: s.Owner, FileID: domain.NewPathFileID(s.ID, []byte(path), 0), Run: s.Run, RunID: s.RunID, Seq: s.Seq,
		Change: domain.FileModified, FileState: domain.FileState{Path: path, Kind: domain.KindFile},
	}
	if r.IntN(8) == 0 {
		e.Change = domain.FileRemoved
		return e
	}
	e.Content = &domain.ClaimCheck{Size: int64(r.IntN(100)), Ref: domain.PackRef{Pack: fmt.Sprint(r.IntN(5))}}
	return e
}

// expected is what a replay is to hand out, by an independent reading: all of the
// log is in memory, and it is gone through from its end.
func (w *world) expected(o replay.Order) []domain.Record {
	var want []domain.Record
	for _, records := range sorted(w.log) {
		newest := map[domain.FileID]domain.Revised{}
		for _, rec := range records {
			if e := fileOf(rec); w.counts(e, rec.Position.Offset) && newest[e.FileID].Before(e.Revised()) {
				newest[e.FileID] = e.Revised()
			}
		}
		told := map[domain.FileID]bool{}
		for _, rec := range records {
			e := fileOf(rec)
			if e.OwnerID != o.Owner || !w.counts(e, rec.Position.Offset) ||
				o.Selector.PathGlob != "" && !doublestar.MatchUnvalidated(o.Selector.PathGlob, e.Path) {
				continue
			}
			if o.Mode == replay.Latest {
				if e.Revised() != newest[e.FileID] || told[e.FileID] {
					continue
				}
				if told[e.FileID] = true; e.Change == domain.FileRemoved {
					continue
				}
			}
			want = append(want, rec)
		}
	}
	return want
}

// Whatever dies and whenever, and whoever pauses it: a replay hands out exactly
// what it is to hand out, in the order of the log; a death repeats no more than a
// chunk, and everything is counted once.
func TestRandomReplays(t *testing.T) {
	t.Parallel()

	for seed := range uint64(25) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()

			synctest.Test(t, func(t *testing.T) { randomReplay(t, rand.New(rand.NewPCG(seed, 6))) })
		})
	}
}

func randomReplay(t *testing.T, r *rand.Rand) {
	w := random(r)
	o := replay.Order{Owner: "ann", Mode: []replay.Mode{replay.Latest, replay.History}[r.IntN(2)], Rate: []int{0, 3, 30, 200, 5000}[r.IntN(5)]}
	if r.IntN(2) == 0 {
		o.Selector.PathGlob = "*.md"
	}
	w.order(o)
	w.fails = r.IntN(3) * 5
	deaths := 0
	for !w.look().Status.Ended() {
		ctx, cancel := context.WithCancel(t.Context())
		steps := 0
		if deaths < 20 {
			steps = 1 + r.IntN(1500)
		}
		process := w.serve(ctx, steps)
		pause := time.After(time.Duration(r.IntN(20_000)) * time.Millisecond)
		select {
		case <-process:
			deaths++
		case <-w.ended:
		case <-pause:
			w.change(replay.Paused)
			pass(time.Second)
			quiet := len(w.paths())
			pass(time.Minute)
			if got := len(w.paths()); got != quiet {
				t.Errorf("got %d events while it was paused", got-quiet)
			}
			w.change(replay.Running)
			select {
			case <-process:
				deaths++
			case <-w.ended:
			}
		}
		cancel()
		synctest.Wait()
	}
	w.check(t, o, deaths)
}

// check compares what was handed out and counted with what was expected.
func (w *world) check(t *testing.T, o replay.Order, deaths int) {
	t.Helper()
	want, bytes := w.expected(o), int64(0)
	for _, rec := range want {
		if e := fileOf(rec); e.Content != nil {
			bytes += e.Content.Size
		}
	}
	var first []domain.Position
	seen := map[domain.Position]bool{}
	for _, s := range w.sent {
		if !seen[s.Position] {
			first = append(first, s.Position)
		}
		seen[s.Position] = true
	}
	if !slices.EqualFunc(first, want, func(p domain.Position, r domain.Record) bool { return p == r.Position }) {
		t.Errorf("got %d events, want %d in the order of the log", len(first), len(want))
	}
	chunk := 500
	if o.Rate > 0 {
		chunk = max(1, o.Rate/10)
	}
	if repeats := len(w.sent) - len(first); repeats > deaths*chunk {
		t.Errorf("got %d repeats after %d deaths", repeats, deaths)
	}
	p := w.now.Progress
	if w.now.Status != replay.Completed || p.Matched != int64(len(want)) || p.Sent != p.Matched || p.Bytes != bytes || p.Scanned() != 1 {
		t.Errorf("got %s and %+v, want %d events of %d bytes", w.now.Status, p, len(want), bytes)
	}
}

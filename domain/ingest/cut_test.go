package ingest_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/confuse/data-connector/domain"
)

// mutate changes a tree at random: edits, adds, deletes, renames, swaps, log
// rotation. It notes every key it touches. There are never so many files that the
// valve would close.
func mutate(rt *rapid.T, p *provider) {
	names := rapid.SampledFrom([]string{"a", "b", "a/x", "a/y", "a.b", "a-b", "b/c/d", "b/c/e", "c", "d/1", "d/2", "z"})
	content := rapid.SampledFrom([]string{"", "one", "two", "three", "package main\n"})
	for range rapid.IntRange(0, 6).Draw(rt, "steps") {
		from, to := names.Draw(rt, "from"), names.Draw(rt, "to")
		c, there := p.files[from]
		switch rapid.IntRange(0, 4).Draw(rt, "step") {
		case 0:
			p.files[from] = content.Draw(rt, "content")
		case 1:
			delete(p.files, from)
		case 2:
			if there {
				delete(p.files, from)
				p.files[to] = c
			}
		case 3:
			if other, ok := p.files[to]; ok && there {
				p.files[from], p.files[to] = other, c
			}
		case 4:
			if there {
				p.files[from], p.files[to] = content.Draw(rt, "new"), c
			}
		}
		p.log = append(p.log, from, to)
	}
}

// Whatever a run is cut at, the next one brings the source level, and a sync that
// is not cut emits exactly the difference.
func TestAnyCut(t *testing.T) {
	t.Parallel()

	for _, kind := range []string{"ordered", "unordered", "feed"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()

			rapid.Check(t, func(rt *rapid.T) {
				p := &provider{files: map[string]string{}, pageSize: 3, unordered: kind == "unordered"}
				var conn domain.Connector = p
				if kind == "feed" {
					conn = &fed{provider: p}
				}
				p.twice = rapid.Bool().Draw(rt, "twice")
				mutate(rt, p)
				b := newBench(t, conn, anyConfig)
				for round := range 4 {
					b.cuts(rt, p)
					if s := b.Source(b.source); len(s.Jobs) == 0 {
						b.Request(b.source, domain.SyncIncremental)
					}
					b.run()
					if diff := cmp.Diff(p.files, b.Tree(b.source)); diff != "" {
						rt.Fatalf("round %d: tree (-want +got):\n%s", round, diff)
					}
					b.ids()
					mutate(rt, p)
				}
			})
		})
	}
}

// cuts lets runs die at random places, and the provider change meanwhile.
func (b *bench) cuts(rt *rapid.T, p *provider) {
	for _, n := range rapid.SliceOfN(rapid.IntRange(0, 25), 0, 3).Draw(rt, "cuts") {
		if len(b.Source(b.source).Jobs) == 0 {
			b.Request(b.source, domain.SyncIncremental)
		}
		if rapid.Bool().Draw(rt, "lost answer") {
			b.Log.LoseAnswer(n / 4)
		} else {
			b.Log.CutAfter(n)
		}
		_ = b.once() // it may even come to its end
		b.Log.Heal()
		if rapid.Bool().Draw(rt, "meanwhile") {
			mutate(rt, p)
		}
	}
}

// A sync that is not cut emits exactly the difference: what is at the same path
// is modified, what is new with the content of what vanished is renamed.
func TestExactDifference(t *testing.T) {
	t.Parallel()

	for _, unordered := range []bool{false, true} {
		t.Run(fmt.Sprint("unordered ", unordered), func(t *testing.T) {
			t.Parallel()

			rapid.Check(t, func(rt *rapid.T) {
				p := &provider{files: map[string]string{}, pageSize: 3, unordered: unordered}
				mutate(rt, p)
				b := newBench(t, p, anyConfig)
				b.run()
				for range 4 {
					before := maps.Clone(p.files)
					mutate(rt, p)
					check(rt, before, p.files, b.sync(domain.SyncIncremental))
				}
			})
		})
	}
}

// A run that dies between a pack and its events leaves nothing behind for long.
func TestOrphanPacks(t *testing.T) {
	t.Parallel()

	for cut := range 12 {
		p := &provider{files: tree(30), pageSize: 10}
		b := newBench(t, p, anyConfig)
		b.Log.CutAfter(cut)
		_ = b.once() // dies
		b.Log.Heal()
		b.run()
		named := map[string]bool{}
		for _, e := range b.Log.Files(b.source) {
			named[e.Content.Ref.Pack] = true
		}
		want := slices.Sorted(maps.Keys(named))
		got := b.Packs.Names()
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("cut %d: packs (-named +there):\n%s", cut, diff)
		}
	}
}

// check compares events with the difference of two trees, worked out otherwise
// than the engine does.
func check(rt *rapid.T, before, after map[string]string, events []string) {
	want := map[string]int{}
	added, removed := map[string]int{}, map[string]int{} // by content
	for path, c := range after {
		if old, ok := before[path]; !ok {
			added[c]++
		} else if old != c {
			want["modified"]++
		}
	}
	for path, c := range before {
		if _, ok := after[path]; !ok {
			removed[c]++
		}
	}
	for _, c := range slices.Sorted(maps.Keys(added)) {
		renames := min(added[c], removed[c])
		want["renamed"] += renames
		want["added"] += added[c] - renames
		removed[c] -= renames
	}
	for _, n := range removed {
		want["removed"] += n
	}
	maps.DeleteFunc(want, func(_ string, n int) bool { return n == 0 })
	got := map[string]int{}
	for _, e := range events {
		change, rest, _ := strings.Cut(e, " ")
		got[change]++
		if from, to, ok := strings.Cut(rest, " -> "); ok && (before[from] != after[to] || contains(after, from)) {
			rt.Fatalf("got %q, but the content differs or the old path is still there", e)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		rt.Fatalf("events of %v to %v (-want +got):\n%s\n%q", before, after, diff, events)
	}
}

func contains(tree map[string]string, path string) bool {
	_, ok := tree[path]
	return ok
}

package main

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/confuse/data-connector/domain"
)

// A change script has this many files to begin with, and changes in all, spread
// over some syncs.
const (
	scriptFiles   = 2_000
	scriptChanges = 1_000
	scriptSyncs   = 5
)

// seeds are those of the change scripts: SEED names one, SEEDS says how many.
func seeds(t *testing.T) []uint64 {
	t.Helper()
	number := func(name string, otherwise uint64) uint64 {
		text := os.Getenv(name)
		if text == "" {
			return otherwise
		}
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return n
	}
	if one := number("SEED", 0); one > 0 {
		return []uint64{one}
	}
	all := make([]uint64, number("SEEDS", 1))
	for i := range all {
		all[i] = uint64(i) + 1
	}
	return all
}

// Whatever is done to a folder between two syncs, the events are exactly the
// difference, worked out by the test from two walks; a renamed file keeps its id,
// none is there twice, and the tables are what the log says.
func TestExact(t *testing.T) {
	t.Parallel()

	for _, seed := range seeds(t) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Logf("again: SEED=%d go test ./cmd/data-connector -run TestExact", seed)
			testExact(t, rand.New(rand.NewPCG(seed, 1)))
		})
	}
}

func testExact(t *testing.T, rng *rand.Rand) {
	dir := filepath.Join(t.TempDir(), "tree")
	files := newTree(dir, rng, scriptFiles)
	if files.err != nil {
		t.Fatal(files.err)
	}
	env := serveEnv(t, dir)
	server := startChild(t, env, "serve")
	cli := with(env, "DATA_CONNECTOR_URL="+server.URL)
	source := connect(t, cli, dir)
	e := exactness{t: t, files: files, born: maps.Clone(files.born), env: env, cli: cli, source: source, dir: dir, rows: checkTruth(t, env, source, dir), seen: len(changes(t, env, source))}
	e.walked = e.walk()
	for range scriptSyncs {
		must(t, cli, "source", "pause", source) // else the watch tells of what is half done
		for range scriptChanges / scriptSyncs {
			files.step()
		}
		if files.err != nil {
			t.Fatal(files.err)
		}
		must(t, cli, "source", "resume", source)
		must(t, cli, "source", "sync", source, "--wait", fmt.Sprintf("--full=%t", rng.IntN(2) == 0))
		e.check()
		if t.Failed() {
			return
		}
	}
	server.stop(t)
}

// An exactness is a source as it was at the last check.
type exactness struct {
	t           *testing.T
	env, cli    []string
	source, dir string
	files       *tree
	born        map[string]int // as in files, then
	walked      map[string]string
	rows        map[string]row
	seen        int // events
}

func (e *exactness) walk() map[string]string {
	e.t.Helper()
	all, err := contents(e.dir)
	if err != nil {
		e.t.Fatal(err)
	}
	return all
}

// check compares what was told since the last check with the difference.
func (e *exactness) check() {
	e.t.Helper()
	now := e.walk()
	want, renamed := difference(e.walked, now)
	var got []string
	all := changes(e.t, e.env, e.source)
	for _, event := range all[e.seen:] {
		if e.edited(event, now) && renamed[event.Path] == "" {
			got = append(got, "removed "+event.OldPath, "added "+event.Path)
			renamed[event.Path] = event.OldPath
			continue
		}
		got = append(got, strings.TrimSpace(string(event.Change)+" "+strings.TrimPrefix(event.OldPath+" -> "+event.Path, " -> ")))
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		e.t.Errorf("events (-want +got):\n%.4000s", diff)
	}
	rows := checkTruth(e.t, e.env, e.source, e.dir) // no live id twice
	for path, r := range rows {
		before, known := e.rows[path]
		if old, ok := renamed[path]; ok {
			before, known = e.rows[old], true
		}
		if known && before.ID != r.ID {
			e.t.Errorf("%q: got id %s, want %s, which it had", path, r.ID, before.ID)
		}
	}
	if out := call(e.t, e.env, "rebuild", "--verify"); out.code != exitOK {
		e.t.Errorf("rebuild --verify: got exit code %d:\n%s%s", out.code, out.out, out.err)
	}
	e.walked, e.born, e.rows, e.seen = now, maps.Clone(e.files.born), rows, len(all)
}

// edited tells whether event is about one file that was renamed and edited. From
// two walks it has gone and another one has come; who remembers the inode, which
// is allowed and not promised, knows better. The script knows, too.
func (e *exactness) edited(event domain.FileChanged, now map[string]string) bool {
	_, stays := now[event.OldPath]
	_, was := e.walked[event.Path]
	it := e.files.born[event.Path]
	return event.Change == domain.FileRenamed && !stays && !was && it != 0 && e.born[event.OldPath] == it
}

// difference is what must be told of two walks, in words, and which new path has
// the file of which old one. A rename is content that has left one path and come
// to another one, both of which hold nothing else.
func difference(before, after map[string]string) (events []string, renamed map[string]string) {
	left := map[string]string{} // content to path
	for path, content := range before {
		if _, stays := after[path]; !stays {
			left[content] = path
		}
	}
	renamed = map[string]string{}
	for path, content := range after {
		was, there := before[path]
		old, came := left[content]
		switch {
		case there && was != content:
			events = append(events, "modified "+path)
		case there:
		case came:
			events = append(events, "renamed "+old+" -> "+path)
			renamed[path] = old
			delete(left, content)
		default:
			events = append(events, "added "+path)
		}
	}
	for _, path := range left {
		events = append(events, "removed "+path)
	}
	slices.Sort(events)
	return events, renamed
}

package connectortest

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/confuse/data-connector/domain"
	"github.com/confuse/data-connector/domain/ingest"
)

// maxRuns is how many runs a sync may take once its provider is well.
const maxRuns = 5

// longestRun is how long one run may take in real time: only a run without end
// takes longer.
const longestRun = 20 * time.Second

// A bench is the engine over one fixture in a world.
type bench struct {
	*World
	t      *testing.T
	f      Fixture
	engine *ingest.Engine
	source domain.SourceID
}

func newBench(t *testing.T, f Fixture) *bench {
	t.Helper()
	w := NewWorld(t)
	b := &bench{World: w, t: t, f: f, engine: &ingest.Engine{
		Log: w.Log, Index: w.Rows, Folds: w.Rows, Packs: w.Packs, Clock: w.Clock,
		Connectors: ingest.Connectors{f.Connector}, Cache: t.TempDir(), Logger: slog.New(slog.DiscardHandler),
	}}
	found, err := f.Connector.Validate(t.Context(), f.scope(t))
	if err != nil {
		t.Fatal(err)
	}
	b.source = w.Connect(domain.Source{Provider: f.Connector.Describe().Provider, Partition: 1, Config: f.Config, ExternalKey: domain.Clean(found.ExternalKey)}).ID
	return b
}

// run lets the engine work once on the oldest open job.
func (b *bench) run() error {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), longestRun)
	defer cancel()
	lease := domain.Lease{Ticket: domain.Ticket{Source: b.source}, Token: must(domain.NewRunID())}
	again, err := b.engine.Run(ctx, lease)
	if ctx.Err() != nil {
		b.t.Fatal("the run has no end")
	}
	if wait := again.Sub(b.Clock.Now()); wait > 0 {
		b.Clock.Turn(wait)
	}
	return err
}

// sync brings the source level with a provider that is well. mode is asked for
// when no job is open.
func (b *bench) sync(mode domain.SyncMode) {
	b.t.Helper()
	if len(b.Source(b.source).Jobs) == 0 {
		b.Request(b.source, mode)
	}
	var err error
	for range maxRuns {
		if err = b.run(); len(b.Source(b.source).Jobs) == 0 {
			break
		}
	}
	if src := b.Source(b.source); len(src.Jobs) > 0 || src.Failure != nil {
		b.t.Fatalf("the sync did not come to its end: %+v, last error %v", src.Failure, err)
	}
}

// check compares the fold with what the provider holds.
func (b *bench) check() {
	b.t.Helper()
	tree := b.Tree(b.source)
	for path, want := range b.f.Files {
		if got, ok := tree[path]; !ok || got != want {
			b.t.Errorf("%q: got %d bytes (there: %v), want %d", path, len(got), ok, len(want))
		}
	}
	for path, got := range tree {
		if _, ok := b.f.Files[path]; !ok && !bodiless(got) {
			b.t.Errorf("%q is in the fold, but not at the provider", path)
		}
	}
	totals, err := b.Rows.Totals(b.t.Context(), b.source)
	if err != nil || totals != b.Source(b.source).Totals {
		b.t.Errorf("got totals %+v on the log, %+v in the fold, %v", b.Source(b.source).Totals, totals, err)
	}
}

// bodiless reports whether a value of Tree stands for a file without content.
func bodiless(value string) bool {
	for _, kind := range []domain.FileKind{domain.KindSymlink, domain.KindSubmodule} {
		if len(value) > len(kind) && value[:len(kind)+1] == string(kind)+":" {
			return true
		}
	}
	return false
}

// changes counts the events since an earlier length of the log.
func (b *bench) changes(since int) map[domain.FileChange]int {
	counts := map[domain.FileChange]int{}
	for _, e := range b.Log.Files(b.source)[since:] {
		counts[e.Change]++
	}
	return counts
}

func testEngine(t *testing.T, f Fixture) {
	b := newBench(t, f)
	b.sync(domain.SyncIncremental)
	b.check()
	n := len(b.Log.Files(b.source))
	for _, mode := range []domain.SyncMode{domain.SyncIncremental, domain.SyncFull} {
		b.Clock.Turn(time.Hour)
		b.sync(mode)
		if got := b.changes(n); len(got) > 0 {
			t.Errorf("got %v from a %s sync of what has not changed", got, mode)
		}
	}
	b.check()
}

func testEngineEdits(t *testing.T, f Fixture) {
	b := newBench(t, f)
	b.sync(domain.SyncIncremental)
	for _, mode := range []domain.SyncMode{domain.SyncIncremental, domain.SyncFull} {
		n := len(b.Log.Files(b.source))
		b.f.edit()
		if mode == domain.SyncFull {
			b.f.Put(slices.Sorted(maps.Keys(f.Files))[0], "edited again")
			b.f.Files[slices.Sorted(maps.Keys(f.Files))[0]] = "edited again"
		}
		b.sync(mode)
		b.check()
		want := map[domain.FileChange]int{domain.FileModified: 1, domain.FileRemoved: 1, domain.FileAdded: 1}
		if got := b.changes(n); mode == domain.SyncIncremental && !maps.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
}

// testEngineRename renames a file and edits it, and makes a new one at its old
// path.
func testEngineRename(t *testing.T, f Fixture) {
	b := newBench(t, f)
	b.sync(domain.SyncIncremental)
	from := slices.Sorted(maps.Keys(f.Files))[2]
	to, id, n := from+".moved", b.file(from).ID, len(b.Log.Files(b.source))
	f.Rename(from, to)
	edited := f.Files[from] + "edited\n" // git knows a renamed file by what is left of it
	f.Put(to, edited)
	b.f.Files[to] = edited
	delete(b.f.Files, from)
	b.sync(domain.SyncIncremental)
	b.check()
	if got := b.changes(n); got[domain.FileRenamed] != 1 || got[domain.FileAdded]+got[domain.FileRemoved] > 0 {
		t.Errorf("got %v, want one rename", got)
	}
	f.Put(from, "new")
	b.f.Files[from] = "new"
	b.sync(domain.SyncIncremental)
	b.check()
	if b.file(to).ID != id || b.file(from).ID == id {
		t.Errorf("got id %s of the renamed file and %s of the new one, want %s for the former", b.file(to).ID, b.file(from).ID, id)
	}
}

// file is the live file at a path.
func (b *bench) file(path string) domain.File {
	b.t.Helper()
	files, err := b.Rows.FilesAt(b.t.Context(), b.source, [][]byte{[]byte(path)})
	if err != nil || len(files) != 1 {
		b.t.Fatalf("got %d files at %q, %v", len(files), path, err)
	}
	return files[0]
}

// testEngineCut cuts the log between two events, at some places all over the
// first sync, and lets another run go on.
func testEngineCut(t *testing.T, f Fixture) {
	whole := newBench(t, f)
	whole.sync(domain.SyncIncremental)
	events := len(whole.Log.Records(whole.source))
	for n := range events {
		if n > 6 && n < events-4 && n%(events/6) != 0 {
			continue
		}
		b := newBench(t, f)
		b.Log.CutAfter(n)
		_ = b.run() // it cannot tell: the log is cut
		b.Log.Heal()
		b.sync(domain.SyncIncremental)
		b.check()
		if got := b.counted(); got != len(b.Tree(b.source)) {
			t.Errorf("cut after %d events: got %d files added, want %d", n, got, len(b.Tree(b.source)))
		}
	}
}

// counted is how many distinct events added a file.
func (b *bench) counted() int {
	ids := map[string]bool{}
	for _, r := range b.Log.Records(b.source) {
		if e, ok := r.Event.(domain.FileChanged); ok && e.Change == domain.FileAdded {
			ids[r.Headers["ce_id"]] = true
		}
	}
	return len(ids)
}

// testEngineFault lets a provider fail in the first listing and in a later one:
// nothing is lost and nothing is removed that is there.
func testEngineFault(t *testing.T, f Fixture, fault Fault) {
	b := newBench(t, f)
	f.Faults[fault]()
	_ = b.run() // some faults are none for a listing
	f.mend()
	b.sync(domain.SyncIncremental)
	b.check()
	f.Faults[fault]()
	b.Request(b.source, domain.SyncFull)
	_ = b.run()
	f.mend()
	b.sync(domain.SyncFull)
	b.check()
	if got := b.changes(0); got[domain.FileRemoved]+got[domain.FileModified] > 0 {
		t.Errorf("got %v, want no change but added files", got)
	}
}

// testEngineReset loses the feed's cursors while things change (I9).
func testEngineReset(t *testing.T, f Fixture) {
	b := newBench(t, f)
	b.sync(domain.SyncIncremental)
	n := len(b.Log.Files(b.source))
	b.f.edit()
	f.Reset()
	b.sync(domain.SyncIncremental)
	b.check()
	want := map[domain.FileChange]int{domain.FileModified: 1, domain.FileRemoved: 1, domain.FileAdded: 1}
	if got := b.changes(n); !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

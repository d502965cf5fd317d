package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/confuse/data-connector/connectors/connectortest"
	"github.com/confuse/data-connector/domain"
)

const anyConfig = `{"root":"r"}`

func tree(n int) map[string]string {
	files := map[string]string{}
	for i := range n {
		files[fmt.Sprintf("dir%d/file%03d.txt", i%3, i)] = fmt.Sprintf("content of %d\n", i)
	}
	return files
}

func TestFirstSync(t *testing.T) {
	t.Parallel()

	p := &provider{files: tree(25), pageSize: 10, links: map[string]string{"link": "dir0"}}
	b := newBench(t, p, anyConfig)
	if got := b.run(); len(got) != 26 {
		t.Errorf("got %d events, want 26", len(got))
	}
	want := tree(25)
	want["link"] = "symlink:dir0"
	if diff := cmp.Diff(want, b.Tree(b.source)); diff != "" {
		t.Errorf("tree (-want +got):\n%s", diff)
	}
	s := b.Source(b.source)
	if s.Totals.Files != 26 || s.Cursor.Phase != domain.PhaseFollowing || s.SyncedAt.IsZero() {
		t.Errorf("got source %+v, want 26 files, following, synced", s)
	}
	if got := b.sync(domain.SyncFull); len(got) != 0 {
		t.Errorf("got %q from a second sync, want nothing", got)
	}
}

func TestSecondSync(t *testing.T) {
	t.Parallel()

	tests := map[string]struct {
		before, after map[string]string
		moved         map[string]string
		want          []string
		kept          map[string]string // new path to the old one whose id it has
	}{
		"nothing":              {before: tree(5), after: tree(5)},
		"edit":                 {before: map[string]string{"a": "1"}, after: map[string]string{"a": "2"}, want: []string{"modified a"}, kept: map[string]string{"a": "a"}},
		"add and delete":       {before: map[string]string{"a": "1"}, after: map[string]string{"b": "2"}, want: []string{"added b", "removed a"}},
		"rename":               {before: map[string]string{"a": "1"}, after: map[string]string{"b": "1"}, want: []string{"renamed a -> b"}, kept: map[string]string{"b": "a"}},
		"rename into a folder": {before: map[string]string{"a.txt": "1"}, after: map[string]string{"d/a.txt": "1"}, want: []string{"renamed a.txt -> d/a.txt"}, kept: map[string]string{"d/a.txt": "a.txt"}},
		"swap":                 {before: map[string]string{"a": "1", "b": "2"}, after: map[string]string{"a": "2", "b": "1"}, want: []string{"modified a", "modified b"}, kept: map[string]string{"a": "a", "b": "b"}},
		"rotation":             {before: map[string]string{"log": "1"}, after: map[string]string{"log": "2", "log.1": "1"}, want: []string{"added log.1", "modified log"}, kept: map[string]string{"log": "log"}},
		"copy":                 {before: map[string]string{"a": "1"}, after: map[string]string{"a": "1", "b": "1"}, want: []string{"added b"}},
		"same name goes first": {before: map[string]string{"x/a": "", "x/b": ""}, after: map[string]string{"y/b": "", "z/a": ""}, want: []string{"renamed x/a -> z/a", "renamed x/b -> y/b"}},
		"rename with edit":     {before: map[string]string{"a": "1"}, after: map[string]string{"b": "2"}, moved: map[string]string{"b": "a"}, want: []string{"renamed a -> b"}, kept: map[string]string{"b": "a"}},
		"a hint that is none":  {before: map[string]string{"a": "1"}, after: map[string]string{"a": "1", "b": "2"}, moved: map[string]string{"b": "a"}, want: []string{"added b"}},
		"one of two vanished":  {before: map[string]string{"a": "1", "b": "1"}, after: map[string]string{"c": "1"}, want: []string{"removed b", "renamed a -> c"}},
		"language by new name": {before: map[string]string{"a.go": "package a\n"}, after: map[string]string{"a.py": "package a\n"}, want: []string{"renamed a.go -> a.py"}},
		"emptied and all gone": {before: map[string]string{"a": "1"}, after: map[string]string{}, want: []string{"removed a"}},
	}
	for name, tt := range tests {
		for _, kind := range []string{"ordered", "unordered"} {
			t.Run(name+"/"+kind, func(t *testing.T) {
				t.Parallel()

				p := &provider{files: tt.before, pageSize: 2, unordered: kind == "unordered"}
				b := newBench(t, p, anyConfig)
				b.run()
				before := b.ids()
				p.files, p.moved = tt.after, tt.moved
				if diff := cmp.Diff(tt.want, b.sync(domain.SyncIncremental), cmp.Transformer("none", func(s []string) string { return strings.Join(s, "\n") })); diff != "" {
					t.Errorf("events (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(tt.after, b.Tree(b.source)); diff != "" {
					t.Errorf("tree (-want +got):\n%s", diff)
				}
				after := b.ids()
				for now, then := range tt.kept {
					if after[now] != before[then] {
						t.Errorf("got id %s for %q, want that of %q: %s", after[now], now, then, before[then])
					}
				}
			})
		}
	}
}

// A small sync is short on the log: claim, files, cursor, end.
func TestShortSync(t *testing.T) {
	t.Parallel()

	p := &provider{files: tree(5), pageSize: 2}
	b := newBench(t, p, anyConfig)
	b.run()
	before := len(b.Log.Records(b.source))
	p.files["dir0/file000.txt"] = "edited"
	delete(p.files, "dir1/file001.txt")
	b.sync(domain.SyncIncremental)
	var got []string
	for _, rec := range b.Log.Records(b.source)[before:] {
		switch e := rec.Event.(type) {
		case domain.SourceChanged:
			got = append(got, string(e.Change))
		case domain.FileChanged:
			got = append(got, string(e.Change))
		}
	}
	want := "sync_requested sync_started modified removed sync_progressed sync_completed"
	if diff := cmp.Diff(want, strings.Join(got, " ")); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// A new file at a renamed file's old path takes the next number; a file that is
// deleted and made again takes its id again.
func TestPathIDs(t *testing.T) {
	t.Parallel()

	p := &provider{files: map[string]string{"a": "1", "c": "3"}}
	b := newBench(t, p, anyConfig)
	b.run()
	first := b.ids()
	p.files = map[string]string{"b": "1"}
	b.sync(domain.SyncIncremental)
	p.files = map[string]string{"a": "new", "b": "1", "c": "3"}
	if got := b.sync(domain.SyncIncremental); strings.Join(got, ",") != "added a,added c" {
		t.Errorf("got %q, want both added", got)
	}
	ids := b.ids()
	if ids["b"] != first["a"] || ids["a"] == first["a"] || ids["a"] != domain.NewPathFileID(b.source, []byte("a"), 1) {
		t.Errorf("got ids %v, want b to keep that of a, and a the next one", ids)
	}
	if ids["c"] != first["c"] {
		t.Errorf("got id %s for a file made again, want its old one %s", ids["c"], first["c"])
	}
}

// A page sent twice while the projector stands still emits nothing twice.
func TestRepeatedPages(t *testing.T) {
	t.Parallel()

	for name, make := range map[string]func() (domain.Connector, *provider){
		"listing": func() (domain.Connector, *provider) {
			p := &provider{files: tree(40), pageSize: 7, twice: true}
			return p, p
		},
		"listing without order": func() (domain.Connector, *provider) {
			p := &provider{files: tree(40), pageSize: 7, twice: true, unordered: true}
			return p, p
		},
		"feed": func() (domain.Connector, *provider) {
			p := &provider{files: tree(40), pageSize: 7, twice: true}
			return &fed{provider: p}, p
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			conn, p := make()
			b := newBench(t, conn, anyConfig)
			claimed := false
			b.Log.Interrupt(func(m []domain.Message) (int, error) {
				if _, file := m[0].Event.(domain.FileChanged); file && !claimed {
					claimed = true
					go b.Rows.Pause()
				}
				if e, ok := m[0].Event.(domain.SourceChanged); ok && e.Change == domain.SourceSyncCompleted {
					go b.Rows.Resume()
				}
				return len(m), nil
			})
			if got := b.run(); len(got) != 40 {
				t.Errorf("got %d events, want 40", len(got))
			}
			b.ids()
			for k := range p.files {
				p.files[k] += "more"
				p.log = append(p.log, k)
			}
			if got := b.sync(domain.SyncIncremental); len(got) != 40 {
				t.Errorf("got %d events of 40 edits, want 40", len(got))
			}
			if diff := cmp.Diff(p.files, b.Tree(b.source)); diff != "" {
				t.Errorf("tree (-want +got):\n%s", diff)
			}
		})
	}
}

// A listing that breaks removes nothing, moves no cursor and is tried again.
func TestBrokenListing(t *testing.T) {
	t.Parallel()

	for name, broken := range map[string]func(*provider){
		"truncated":    func(p *provider) { p.truncate = true },
		"transient":    func(p *provider) { p.breakAt, p.breakWith = 1, domain.ErrTransient },
		"unauthorized": func(p *provider) { p.breakAt, p.breakWith = 1, domain.ErrUnauthorized },
		"gone":         func(p *provider) { p.files, p.breakAt, p.breakWith = nil, 1, domain.ErrGone; p.truncate = true },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			p := &provider{files: tree(30), pageSize: 10}
			b := newBench(t, p, anyConfig)
			b.run()
			want := b.Tree(b.source)
			p.files = map[string]string{"dir0/file000.txt": "other"}
			broken(p)
			b.Request(b.source, domain.SyncIncremental)
			before := len(b.Log.Files(b.source))
			if err := b.once(); err == nil {
				t.Fatal("got no error from a broken listing")
			}
			if got := b.Log.Files(b.source)[before:]; len(got) != 0 {
				t.Errorf("got events %q, want none", lines(got))
			}
			if diff := cmp.Diff(want, b.Tree(b.source)); diff != "" {
				t.Errorf("tree (-want +got):\n%s", diff)
			}
			if s := b.Source(b.source); s.Failure == nil {
				t.Error("got no failure on the source")
			}
		})
	}
}

// A first listing that was cut and cannot be resumed becomes a comparison.
func TestListingThatCannotBeResumed(t *testing.T) {
	t.Parallel()

	p := &provider{files: tree(30), pageSize: 10, breakAt: 2, breakWith: domain.ErrTransient, truncate: true}
	b := newBench(t, p, anyConfig)
	if err := b.once(); !errors.Is(err, domain.ErrTransient) {
		t.Fatalf("got error %v, want the listing broken", err)
	}
	p.breakAt, p.truncate, p.noResume = 0, false, true
	delete(p.files, "dir0/file000.txt")
	b.sync(domain.SyncIncremental)
	if diff := cmp.Diff(p.files, b.Tree(b.source)); diff != "" {
		t.Errorf("tree (-want +got):\n%s", diff)
	}
}

func TestValve(t *testing.T) {
	t.Parallel()

	p := &provider{files: tree(60), pageSize: 10}
	b := newBench(t, p, anyConfig)
	b.run()
	p.files = tree(20)
	p.files["new"] = "n"
	if got := b.sync(domain.SyncIncremental); strings.Join(got, ",") != "added new" {
		t.Errorf("got %q while the valve holds, want only the new file", got)
	}
	s := b.Source(b.source)
	if s.Held == nil || s.Held.Count != 40 || len(s.Held.Sample) != 10 {
		t.Fatalf("got held %+v, want 40 with a sample of 10", s.Held)
	}
	if len(b.Tree(b.source)) != 61 {
		t.Errorf("got %d files, want all 61", len(b.Tree(b.source)))
	}
	p.files = tree(60)
	p.files["new"] = "n"
	b.sync(domain.SyncIncremental)
	if s := b.Source(b.source); s.Held != nil {
		t.Errorf("got held %+v once the files are back, want none", s.Held)
	}
	p.files = tree(40)
	if got := b.sync(domain.SyncIncremental); len(got) != 21 {
		t.Errorf("got %d events for a third of the files, want 21", len(got))
	}
}

// Content that breaks off is not kept, whatever error says so: only io.EOF itself is
// its end.
func TestTornContent(t *testing.T) {
	t.Parallel()

	p := &provider{files: tree(3), pageSize: 10}
	b := newBench(t, p, anyConfig)
	b.run()
	path := "dir0/file000.txt"
	p.torn = map[string]error{path: fmt.Errorf("connection closed: %w", io.EOF)}
	p.files[path] = "changed, and half of it came"
	if got := b.sync(domain.SyncFull); len(got) != 0 {
		t.Errorf("got %q, want nothing", got)
	}
	p.torn = nil
	if got := b.sync(domain.SyncFull); len(got) != 1 {
		t.Errorf("got %q, want the change", got)
	}
}

// A connector is told whether somebody waits: who asked for a sync, or who is behind
// a hint. Nobody waits for what is merely due.
func TestAwaited(t *testing.T) {
	t.Parallel()

	p := &provider{files: tree(3), pageSize: 10}
	b := newBench(t, p, anyConfig)
	b.run()
	for trigger, want := range map[domain.Trigger]bool{
		domain.TriggerManual: true, domain.TriggerHint: true,
		domain.TriggerSchedule: false, domain.TriggerUpdate: false, domain.TriggerConnect: false,
	} {
		p.awaited = !want
		b.RequestBy(b.source, domain.SyncIncremental, trigger)
		if b.run(); p.awaited != want {
			t.Errorf("%s: got awaited %v, want %v", trigger, p.awaited, want)
		}
	}
}

// What cannot be read is not missing.
func TestUnreadIsNotMissing(t *testing.T) {
	t.Parallel()

	p := &provider{files: tree(30), pageSize: 10}
	b := newBench(t, p, anyConfig)
	b.run()
	p.unread = map[string]bool{"dir0/file000.txt": true}
	p.files["dir0/file000.txt"] = "changed, but unreadable"
	if got := b.sync(domain.SyncFull); len(got) != 0 {
		t.Errorf("got %q, want nothing", got)
	}
	if len(b.Tree(b.source)) != 30 {
		t.Errorf("got %d files, want 30", len(b.Tree(b.source)))
	}
}

func TestRemoval(t *testing.T) {
	t.Parallel()

	p := &provider{files: tree(2500), pageSize: 1000}
	b := newBench(t, p, anyConfig)
	b.run()
	e, err := b.Source(b.source).RequestRemoval(b.Clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	id, err := domain.NewEventID()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Log.Append(t.Context(), domain.Message{ID: id, Time: e.At, Event: e}); err != nil {
		t.Fatal(err)
	}
	before := len(b.Log.Files(b.source))
	for _, cut := range []int{1, 700, 1, 3} { // a run dies here and there
		b.Log.CutAfter(cut)
		if err := b.once(); !errors.Is(err, domain.ErrUnknownFate) {
			t.Fatalf("got error %v, want that of the cut", err)
		}
	}
	b.Log.Heal()
	if err := b.once(); err != nil {
		t.Fatal(err)
	}
	if !b.Source(b.source).Removed {
		t.Error("the source is not removed")
	}
	if got := len(b.Log.Files(b.source)) - before; got != 2500 {
		t.Errorf("got %d removals, want 2500 once each", got)
	}
	if names := b.Packs.Names(); len(names) != 0 {
		t.Errorf("got packs %q left, want none", names)
	}
}

// A lateFolds is rows that are folded only when somebody waits for them.
type lateFolds struct {
	*connectortest.Rows
	folded atomic.Int64 // files that do not wait for their fold any more
	total  func() int
}

func (f *lateFolds) Wait(ctx context.Context, p domain.Position) error {
	f.FoldTo(p)
	f.folded.Store(int64(f.total()))
	return f.Rows.Wait(ctx, p)
}

// A run never gets far ahead of the projector: what others append to its partition
// is folded soon.
func TestRunWaitsForItsFolds(t *testing.T) {
	t.Parallel()

	p := &provider{files: tree(12_000), pageSize: 1000}
	b := newBench(t, &fed{provider: p}, anyConfig)
	folds := &lateFolds{Rows: b.Rows, total: func() int { return len(b.Tree(b.source)) }}
	b.engine.Folds = folds
	b.Rows.Pause()
	appended, most := int64(0), int64(0)
	b.Log.Interrupt(func(m []domain.Message) (int, error) {
		if _, file := m[0].Event.(domain.FileChanged); file {
			appended += int64(len(m))
			most = max(most, appended-folds.folded.Load())
		}
		return len(m), nil
	})
	if err := b.once(); err != nil {
		t.Fatal(err)
	}
	if appended != 12_000 || most < 2000 || most > 6000 {
		t.Errorf("got %d files of which %d waited for their fold, want 12,000 and a few pages", appended, most)
	}
}

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

// kinds are the names of what oneChange does.
var kinds = [...]string{"a new file", "an edit", "a removal", "a rename"}

// oneChange changes one thing at the provider of f. f.Files follows.
func (f Fixture) oneChange(kind string) {
	path := slices.Sorted(maps.Keys(f.Files))[2]
	switch kind {
	case "a new file":
		path += ".new"
		f.Files[path] = "new"
		f.Put(path, f.Files[path])
	case "an edit":
		f.Files[path] = "edited " + f.Files[path]
		f.Put(path, f.Files[path])
	case "a removal":
		delete(f.Files, path)
		f.Remove(path)
	case "a rename":
		f.Files[path+".moved"] = f.Files[path]
		delete(f.Files, path)
		f.Rename(path, path+".moved")
	}
}

func runWatch(t *testing.T, fresh func(t *testing.T) Fixture) {
	f := fresh(t)
	if _, ok := f.Connector.(domain.Watcher); !ok {
		t.Skipf("%s has no notices of change", f.Connector.Describe().Provider)
	}
	for _, kind := range kinds {
		t.Run(kind+" leads to a hint", func(t *testing.T) {
			t.Parallel()
			testWatch(t, fresh(t), kind)
		})
	}
}

func testWatch(t *testing.T, f Fixture, kind string) {
	if f.Watching == nil {
		t.Fatal("a fixture of a watcher needs Watching")
	}
	limit, cancel := context.WithTimeout(t.Context(), longestRun)
	defer cancel()
	ctx, stop := context.WithCancel(limit)
	hints, done := make(chan domain.Hint, 1), make(chan error, 1)
	s := f.scope(t)
	go func() {
		done <- f.Connector.(domain.Watcher).Watch(ctx, s, func(h domain.Hint) {
			select {
			case hints <- h:
			default: // one waits already
			}
		})
	}()
	if err := f.Watching(ctx); err != nil {
		t.Fatal(err)
	}
	select {
	case <-hints: // of what was before
	default:
	}
	f.oneChange(kind)
	select {
	case h := <-hints:
		if h.Origin != "watch" {
			t.Errorf("got hint %+v, want the origin watch", h)
		}
	case err := <-done:
		t.Fatalf("the watch has ended: %v", err)
	case <-ctx.Done():
		t.Fatal("got no hint")
	}
	stop()
	if err := <-done; err != nil {
		t.Errorf("got %v from a watch that was stopped, want no error", err)
	}
}

func runProbe(t *testing.T, fresh func(t *testing.T) Fixture) {
	f := fresh(t)
	if _, ok := f.Connector.(domain.Prober); !ok {
		t.Skipf("%s cannot tell cheaply whether anything changed", f.Connector.Describe().Provider)
	}
	for _, kind := range kinds {
		t.Run(kind+" is seen", func(t *testing.T) {
			t.Parallel()
			testProbe(t, fresh(t), kind)
		})
	}
	t.Run("engine: a poll that finds nothing writes nothing", func(t *testing.T) {
		t.Parallel()
		testEnginePoll(t, fresh(t))
	})
}

func testProbe(t *testing.T, f Fixture, kind string) {
	s := f.scope(t)
	at := level(t, f, s)
	checkChanged(t, f, s, at, false)
	f.oneChange(kind)
	checkChanged(t, f, s, at, true)
	checkChanged(t, f, s, at, true) // asking is no reading
	at = level(t, f, s)
	checkChanged(t, f, s, at, false)
}

func checkChanged(t *testing.T, f Fixture, s domain.Scope, from domain.Cursor, want bool) {
	t.Helper()
	got, err := f.Connector.(domain.Prober).Changed(t.Context(), s, stored(t, from))
	if err != nil || got != want {
		t.Errorf("got changed %v, %v, want %v", got, err, want)
	}
}

// level lists and reads everything, as a sync does, and gives the position behind.
func level(t *testing.T, f Fixture, s domain.Scope) domain.Cursor {
	t.Helper()
	var at domain.Cursor
	feed, ok := f.Connector.(domain.Feed)
	if ok {
		var err error
		if at, err = feed.StartCursor(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	got := snapshot(t, f, s)
	for _, item := range got.items() {
		checkContent(t, f, s, item)
	}
	if !ok {
		at = got.pages[len(got.pages)-1].Next
	}
	return at
}

// testEnginePoll polls as the engine does, with the cache that its runs use.
func testEnginePoll(t *testing.T, f Fixture) {
	b := newBench(t, f)
	b.sync(domain.SyncIncremental)
	poller := &ingest.Poller{
		Hints: &ingest.Hints{Log: b.Log, Clock: b.Clock}, Index: b.Rows, Connectors: b.engine.Connectors,
		Clock: b.Clock, Cache: b.engine.Cache, Logger: slog.New(slog.DiscardHandler),
	}
	poll := func() int {
		t.Helper()
		before := len(b.Journal())
		b.Clock.Turn(24 * time.Hour)
		if err := poller.Once(t.Context()); err != nil {
			t.Fatal(err)
		}
		return len(b.Journal()) - before
	}
	if got := poll(); got != 0 {
		t.Errorf("got %d events from a poll right after a sync, want none", got)
	}
	b.f.edit()
	if got := poll(); got != 1 {
		t.Errorf("got %d events from a poll after changes, want a hint", got)
	}
	b.sync(domain.SyncIncremental)
	b.check()
	if got := poll(); got != 0 {
		t.Errorf("got %d events from a poll after the sync, want none", got)
	}
}

//go:build linux

package localfs_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/confuse/data-connector/domain"
)

// What changed before the watch began is told at once, if the cache knows.
func TestWatchTellsWhatItMissed(t *testing.T) {
	t.Parallel()

	for name, tt := range map[string]struct {
		before func(w *world)
		want   int
	}{
		"nothing":        {func(w *world) { w.list() }, 0},
		"an edit":        {func(w *world) { w.list(); w.appendTo("file", "x") }, 1},
		"no sync so far": {func(*world) {}, 0},
		"another watch":  {func(w *world) { w.list(); w.scope.Fresh = true }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			w := newWorld(t)
			w.put("file", "content")
			tt.before(w)
			if got := w.watch().settle(); len(got) != tt.want {
				t.Errorf("got hints %v, want %d", got, tt.want)
			}
		})
	}
}

func TestWatchEndsWithItsRoot(t *testing.T) {
	t.Parallel()

	for name, spoil := range map[string]func(w *world){
		"removed":  func(w *world) { w.check(os.RemoveAll(w.dir)) },
		"renamed":  func(w *world) { w.check(os.Rename(w.dir, w.dir+"-away")) },
		"replaced": func(w *world) { w.swap("file") },
		"its parent renamed": func(w *world) {
			w.check(os.Rename(filepath.Dir(w.dir), filepath.Dir(w.dir)+"-away"))
			w.clock.Turn(time.Minute)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			w := newWorld(t)
			w.put("a/file", "content")
			g := w.watch()
			spoil(w)
			if err := <-g.done; !errors.Is(err, domain.ErrGone) {
				t.Errorf("got %v, want ErrGone", err)
			}
			if len(g.take()) == 0 {
				t.Error("got no hint")
			}
		})
	}
}

func TestWatchOfWhatCannotBeWatched(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	never := func(h domain.Hint) { t.Errorf("got hint %+v", h) }
	w.conn.SetWatches(0)
	if err := w.conn.Watch(t.Context(), w.scope, never); !errors.Is(err, domain.ErrTransient) {
		t.Errorf("got %v from a machine that allows no watch, want ErrTransient", err)
	}
	w.check(os.Remove(w.dir))
	if err := w.conn.Watch(t.Context(), w.scope, never); !errors.Is(err, domain.ErrGone) {
		t.Errorf("got %v from a root that is missing, want ErrGone", err)
	}
	w.scope.Config = config(t, "/")
	var invalid *domain.InvalidError
	if err := w.conn.Watch(t.Context(), w.scope, never); !errors.As(err, &invalid) {
		t.Errorf("got %v from a root that is not allowed, want InvalidError", err)
	}
}

// What can be watched is, when not everything can be.
func TestWatchOfSomeFolders(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	for _, path := range []string{"a/file", "b/file", "c/file"} {
		w.put(path, "content")
	}
	w.conn.SetWatches(3) // the root, a and b
	g := w.watch()
	if hints := g.settle(); len(hints) != 1 || hints[0].ProviderEvent != "unwatched" {
		t.Errorf("got hints %+v, want one that says so", hints)
	}
	w.put("b/file", "other")
	g.wantHints(true)
	w.put("c/file", "other")
	g.wantHints(false)
	w.put("d/file", "content")
	g.wantHints(true) // and it does not say so again
	w.check(os.RemoveAll(w.at("b")))
	g.settle()
	w.put("e/file", "content") // there is room again
	g.settle()
	w.put("e/file", "other")
	g.wantHints(true)
}

// Notices are lost while a hint is slow: everything is watched anew, what was
// made meanwhile as well, and a hint says that something may have been missed.
func TestWatchOverflow(t *testing.T) {
	t.Parallel()

	limit, err := os.ReadFile("/proc/sys/fs/inotify/max_queued_events")
	if err != nil {
		t.Fatal(err)
	}
	most, err := strconv.Atoi(strings.TrimSpace(string(limit)))
	if err != nil || most > 1<<17 {
		t.Skipf("the queue of notices is too long to be filled: %s, %v", limit, err)
	}
	w := newWorld(t)
	for _, path := range []string{"one", "two", "dir/file"} {
		w.put(path, "content")
	}
	slow, overflown := make(chan struct{}), make(chan struct{})
	g := &watching{world: w, done: make(chan error, 1), asked: map[string]chan struct{}{}}
	go func() {
		g.done <- w.conn.Watch(t.Context(), w.scope, func(h domain.Hint) {
			<-slow
			g.hint(h)
			if h.ProviderEvent == "overflow" {
				close(overflown)
			}
		})
	}()
	w.check(w.clock.Waiting(t.Context(), 1))
	times := [2]time.Time{old, late}
	for i := range most + 1<<13 { // and what is read ahead
		w.check(os.Chtimes(w.at([]string{"one", "two"}[i%2]), old, times[i/2%2]))
	}
	w.put("new/file", "content")
	w.rename("dir", "renamed")
	close(slow)
	<-overflown
	w.check(w.clock.Waiting(t.Context(), 2))
	for _, path := range []string{"new/file", "renamed/file"} {
		g.take()
		told := make(chan struct{})
		g.mu.Lock()
		g.told = told
		g.mu.Unlock()
		w.put(path, "other")
		<-told
	}
}

// A Watch leaves no goroutine: else the bubble would not end.
func TestWatchEndsWithItsContext(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.put("a/file", "content")
		g := w.watch()
		w.put("a/file", "other")
		g.settle()
		g.stop()
		if err := <-g.done; err != nil {
			t.Errorf("got %v, want no error", err)
		}
	})
}

// Folders are made in each other as fast as can be, while the first of them are
// looked at: in the end each is watched.
func TestNewFoldersAreAllWatched(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	g := w.watch()
	for i := range 100 {
		w.put(fmt.Sprintf("%d/a/b/c/d/file", i), "content")
	}
	g.settle()
	for i := range 100 {
		w.put(fmt.Sprintf("%d/a/b/c/d/file", i), "other")
		g.wantHints(true)
	}
}

//go:build linux

package localfs_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/confuse/data-connector/connectors/localfs"
	"github.com/confuse/data-connector/domain"
)

// A watching is a Watch that goes on.
type watching struct {
	*world
	stop  context.CancelFunc
	done  chan error
	marks int

	mu    sync.Mutex
	hints []domain.Hint
	told  chan struct{}            // closed at the next hint; nil: nobody waits
	asked map[string]chan struct{} // closed when the filter is asked for a path
}

// watch begins to watch and returns when every change is seen.
func (w *world) watch() *watching {
	w.t.Helper()
	ctx, stop := context.WithCancel(w.t.Context())
	g := &watching{world: w, stop: stop, done: make(chan error, 1), asked: map[string]chan struct{}{}}
	scope := w.scope
	scope.Skip = func(path []byte, dir bool) bool {
		g.mu.Lock()
		defer g.mu.Unlock()
		if mark, ok := g.asked[string(path)]; ok {
			delete(g.asked, string(path))
			close(mark)
		}
		return strings.HasPrefix(string(path), "mark-") || w.scope.Skip != nil && w.scope.Skip(path, dir)
	}
	go func() { g.done <- w.conn.Watch(ctx, scope, g.hint) }()
	w.t.Cleanup(stop)
	w.check(w.clock.Waiting(ctx, 1))
	return g
}

func (g *watching) hint(h domain.Hint) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.hints = append(g.hints, h)
	if g.told != nil {
		close(g.told)
		g.told = nil
	}
}

// take gives the hints so far, once.
func (g *watching) take() []domain.Hint {
	g.mu.Lock()
	defer g.mu.Unlock()
	hints := g.hints
	g.hints = nil
	return hints
}

// settle returns when every notice of what was done before has been taken, with
// the hints that came of them.
func (g *watching) settle() []domain.Hint {
	g.t.Helper()
	g.marks++
	name, mark := fmt.Sprintf("mark-%d", g.marks), make(chan struct{})
	g.mu.Lock()
	g.asked[name] = mark
	g.mu.Unlock()
	g.check(os.WriteFile(g.at(name), nil, 0o644))
	<-mark
	return g.take()
}

func (g *watching) wantHints(some bool) {
	g.t.Helper()
	hints := g.settle()
	if (len(hints) > 0) != some {
		g.t.Errorf("got hints %v, want some: %v", hints, some)
	}
	for _, h := range hints {
		if h.Origin != "watch" || h.ProviderEvent != "" {
			g.t.Errorf("got hint %+v", h)
		}
	}
}

func TestWatch(t *testing.T) {
	t.Parallel()

	tests := map[string]struct {
		before func(w *world) // already watched, and settled
		change func(w *world)
		want   bool
	}{
		"a new file":                  {change: func(w *world) { w.put("new", "") }, want: true},
		"a new file in a folder":      {change: func(w *world) { w.put("a/b/new", "") }, want: true},
		"an edit":                     {change: func(w *world) { w.appendTo("a/b/file", "x") }, want: true},
		"an edit, time set back":      {change: func(w *world) { w.write("file", "CONTENT"); w.check(os.Chtimes(w.at("file"), old, old)) }, want: true},
		"a new time":                  {change: func(w *world) { w.check(os.Chtimes(w.at("file"), old, old)) }, want: true},
		"a new mode":                  {change: func(w *world) { w.check(os.Chmod(w.at("file"), 0o755)) }, want: true},
		"a folder that is locked":     {change: func(w *world) { w.check(os.Chmod(w.at("a"), 0o700)) }, want: true},
		"a removed file":              {change: func(w *world) { w.remove("a/file") }, want: true},
		"a renamed file":              {change: func(w *world) { w.rename("file", "new") }, want: true},
		"a new link":                  {change: func(w *world) { w.link("file", "new") }, want: true},
		"a removed link":              {change: func(w *world) { w.remove("link") }, want: true},
		"a removed folder":            {change: func(w *world) { w.check(os.RemoveAll(w.at("a"))) }, want: true},
		"a renamed folder":            {change: func(w *world) { w.rename("a", "c") }, want: true},
		"a folder moved in":           {change: func(w *world) { w.check(os.Rename(w.dir+"-outside", w.at("in"))) }, want: true},
		"a folder moved out":          {change: func(w *world) { w.check(os.Rename(w.at("a"), w.dir+"-out")) }, want: true},
		"folders with a file":         {change: func(w *world) { w.put("x/y/z/file", "") }, want: true},
		"nothing":                     {change: func(*world) {}},
		"a reading":                   {change: func(w *world) { _, err := w.read("a/file"); w.check(err) }},
		"a listing":                   {change: func(w *world) { w.list() }},
		"an empty folder":             {change: func(w *world) { w.check(os.Mkdir(w.at("x"), 0o755)) }},
		"a file left out":             {change: func(w *world) { w.put("a/x.tmp", ""); w.remove("a/x.tmp") }},
		"a folder left out":           {change: func(w *world) { w.check(os.Mkdir(w.at("skip"), 0o755)) }},
		"a file in a folder left out": {change: func(w *world) { w.put("a/skip/x", ""); w.appendTo("a/skip/x", "x") }},
		"a folder left out removed":   {change: func(w *world) { w.check(os.RemoveAll(w.at("a/skip"))) }},
		"the service's own folder":    {change: func(w *world) { w.put(".data/x", ""); w.check(os.RemoveAll(w.at(".data"))) }},
		"the service's own folder made": {
			before: func(w *world) { w.check(os.RemoveAll(w.at(".data"))) },
			change: func(w *world) { w.put(".data/x", "") },
		},
		"an edit behind a link, which is not followed": {change: func(w *world) { w.check(os.WriteFile(w.dir+"-outside/file", []byte("x"), 0o644)) }},

		"an edit in a new folder": {
			before: func(w *world) { w.put("x/y/file", "") },
			change: func(w *world) { w.appendTo("x/y/file", "x") }, want: true,
		},
		"a file in a new folder": {
			before: func(w *world) { w.check(os.MkdirAll(w.at("x/y"), 0o755)) },
			change: func(w *world) { w.put("x/y/file", "") }, want: true,
		},
		"an edit in a renamed folder": {
			before: func(w *world) { w.rename("a", "c") },
			change: func(w *world) { w.appendTo("c/b/file", "x") }, want: true,
		},
		"an edit in the new one at its old place": {
			before: func(w *world) { w.rename("a", "c"); w.put("a/b/file", "") },
			change: func(w *world) { w.appendTo("a/b/file", "x") }, want: true,
		},
		"an edit in the renamed one with a new one at its old place": {
			before: func(w *world) { w.rename("a", "c"); w.put("a/b/file", "") },
			change: func(w *world) { w.appendTo("c/b/file", "x") }, want: true,
		},
		"an edit in a folder renamed to and fro": {
			before: func(w *world) { w.rename("a", "c"); w.rename("c", "a") },
			change: func(w *world) { w.appendTo("a/b/file", "x") }, want: true,
		},
		"an edit in a folder that was removed and made again": {
			before: func(w *world) { w.check(os.RemoveAll(w.at("a"))); w.put("a/b/file", "") },
			change: func(w *world) { w.appendTo("a/b/file", "x") }, want: true,
		},
		"an edit in a folder renamed over an empty one": {
			before: func(w *world) { w.check(os.Mkdir(w.at("c"), 0o755)); w.check(unix.Rename(w.at("a"), w.at("c"))) },
			change: func(w *world) { w.appendTo("c/b/file", "x") }, want: true,
		},
		"an edit in the first of two that changed places": {
			before: func(w *world) { w.put("c/b/file", ""); w.exchange("a", "c") },
			change: func(w *world) { w.appendTo("a/b/file", "x") }, want: true,
		},
		"an edit in the second of two that changed places": {
			before: func(w *world) { w.put("c/b/file", ""); w.exchange("a", "c") },
			change: func(w *world) { w.appendTo("c/b/file", "x") }, want: true,
		},
		"an edit in a folder moved out": {
			before: func(w *world) { w.check(os.Rename(w.at("a"), w.dir+"-out")) },
			change: func(w *world) { w.check(os.WriteFile(w.dir+"-out/b/file", []byte("x"), 0o644)) },
		},
		"an edit in a folder that is left out under its new name": {
			before: func(w *world) { w.rename("a/b", "a/skip-") },
			change: func(w *world) { w.appendTo("a/skip-/file", "x") },
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			w := newWorld(t)
			w.conn = localfs.New(localfs.Options{Allowed: []string{filepath.Dir(w.dir)}, Own: []string{w.at(".data")}, Clock: w.clock})
			w.scope.Skip = func(path []byte, dir bool) bool {
				base := filepath.Base(string(path))
				return dir && (base == "skip" || base == "skip-") || !dir && filepath.Ext(base) == ".tmp"
			}
			for _, path := range []string{"file", "a/file", "a/b/file", "a/skip/file", ".data/file"} {
				w.put(path, "content")
			}
			w.check(os.MkdirAll(w.dir+"-outside/sub", 0o755))
			w.check(os.WriteFile(w.dir+"-outside/sub/file", nil, 0o644))
			w.link(w.dir+"-outside", "link")
			g := w.watch()
			if tt.before != nil {
				tt.before(w)
				g.settle()
			}
			tt.change(w)
			g.wantHints(tt.want)
		})
	}
}

// exchange lets two paths change places in one step.
func (w *world) exchange(a, b string) {
	w.t.Helper()
	w.check(unix.Renameat2(unix.AT_FDCWD, w.at(a), unix.AT_FDCWD, w.at(b), unix.RENAME_EXCHANGE))
}
